// Agenda: what happens next, and the virtual clock. Two things at one instant happen in the order
// they were put down.
#pragma once

#include "base/instant.h"
#include "sim/history.h"

#include <queue>
#include <vector>

namespace godwit::sim {

struct Due {
    enum class Kind : uint8_t {
        Turn,        // who: shard
        Tick,        // who: shard
        Disk,        // who: shard; its disk is through with a piece of work
        ToBroker,    // who: wire; bytes or news have come
        ToClient,    // who: wire
        WakeClient,  // who: client
        Act,         // who: index of the action
    };
    Instant at;
    uint64_t order = 0;
    Kind kind = Kind::Turn;
    uint32_t who = 0;

    friend bool operator>(const Due& a, const Due& b) {
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
};

class Agenda {
public:
    Instant now() const { return now_; }
    /// In the past means now.
    void put(Instant at, Due::Kind kind, uint32_t who) {
        queue_.push({std::max(at, now_), ++order_, kind, who});
    }
    /// The next thing no later than `end`; the clock moves to it, or to `end` where there is none.
    std::optional<Due> take(Instant end) {
        if (queue_.empty() || queue_.top().at > end) {
            now_ = end;
            return std::nullopt;
        }
        const Due due = queue_.top();
        queue_.pop();
        now_ = due.at;
        ++taken_;
        return due;
    }
    uint64_t taken() const { return taken_; }

private:
    std::priority_queue<Due, std::vector<Due>, std::greater<>> queue_;
    Instant now_ = kBegin;
    uint64_t order_ = 0;
    uint64_t taken_ = 0;
};

}  // namespace godwit::sim
