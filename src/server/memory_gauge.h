// MemoryGauge: how much of the memory that it may have the process has used, in three steps. Each
// goes back later than it came, so that nothing swings.
#pragma once

#include "base/instant.h"
#include "broker/input.h"
#include "os/memory.h"

#include <cstdint>
#include <optional>

namespace godwit::server {

/// What the process may have. @param configured  server.memory_bytes_max; 0: as the machine is
uint64_t memory_bytes_max(uint64_t configured);

/// A shard's own. Thread: one
class MemoryGauge {
public:
    /// How often it looks, and after how many bytes in any case: what comes in meanwhile may exceed
    /// a step.
    static constexpr Duration kLookTime = std::chrono::milliseconds(5);
    static constexpr uint64_t kLookBytes = 1 << 20;
    /// While memory is not ample it is to be asked at least so often.
    static constexpr Duration kPatience = std::chrono::milliseconds(100);

    explicit MemoryGauge(uint64_t bytes_max) : bytes_max_(bytes_max) {}

    /// To be asked every turn. @return what is to be told, if it is another than before
    /// @cost  a system call every kLookTime, or kLookBytes
    std::optional<broker::Memory> look(Instant now);
    /// So much has come, or has been asked to be sent: the shard may hold it now.
    void note(uint64_t bytes) { unseen_ += bytes; }
    bool is_ample() const { return told_ == broker::Memory::Ample; }

private:
    os::UsedMemory used_;
    uint64_t bytes_max_;
    Instant next_look_{};
    uint64_t unseen_ = 0;  // noted since the last look
    broker::Memory told_ = broker::Memory::Ample;
};

}  // namespace godwit::server
