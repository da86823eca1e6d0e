// The counters of one shard where other threads can read them: written once per turn, each number
// whole, the set as a whole only nearly of one moment.
#pragma once

#include "broker/counters.h"

#include <array>
#include <atomic>
#include <cstring>

namespace godwit::server {

class SharedCounters {
public:
    void store(const broker::Counters& counters) {
        uint64_t raw[kCount];
        std::memcpy(raw, &counters, sizeof raw);
        for (size_t i = 0; i < kCount; ++i) numbers_[i].store(raw[i], std::memory_order_relaxed);
    }
    broker::Counters load() const {
        uint64_t raw[kCount];
        for (size_t i = 0; i < kCount; ++i) raw[i] = numbers_[i].load(std::memory_order_relaxed);
        broker::Counters counters;
        std::memcpy(&counters, raw, sizeof raw);
        return counters;
    }

private:
    static constexpr size_t kCount = sizeof(broker::Counters) / sizeof(uint64_t);
    alignas(64) std::array<std::atomic<uint64_t>, kCount> numbers_{};
};

}  // namespace godwit::server
