// SendWindow: one publisher's messages of QoS 1 and 2 that are not acknowledged, by their packet
// identifiers, which count 1 .. 65535 and begin again. Acknowledgements may come in any order.
#pragma once

#include "base/ids.h"
#include "base/instant.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace godwit::bench {

class SendWindow {
public:
    static constexpr uint32_t kMax = 60000;

    /// @param window  1 .. kMax messages from the oldest without acknowledgement to the youngest
    explicit SendWindow(uint32_t window) : meant_(window, kNone) {}

    /// @param limit  of the other side, besides the window
    bool is_full(uint32_t limit) const {
        return next_ - first_ >= std::min<uint64_t>(limit, meant_.size());
    }
    /// Not when it is full. @param meant  when the message was meant to go
    PacketId add(Instant meant);
    /// One is acknowledged. @return when it was meant to go; nullopt: it is not under way
    std::optional<Instant> take(PacketId id);

private:
    static constexpr Instant kNone = kNever;
    static constexpr uint64_t kIds = 65535;
    static uint16_t id_of(uint64_t message) { return uint16_t(message % kIds + 1); }
    Instant& slot(uint64_t message) { return meant_[message % meant_.size()]; }

    std::vector<Instant> meant_;  // a ring
    uint64_t first_ = 0;          // all before are acknowledged
    uint64_t next_ = 0;
};

}  // namespace godwit::bench
