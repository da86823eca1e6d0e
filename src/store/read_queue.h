// ReadQueue: objects that were asked for, until they are delivered or erased.
#pragma once

#include "base/bytes.h"
#include "base/ids.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

namespace godwit::store {

/// An object that was asked for. One that was erased meanwhile is not delivered.
struct Loaded {
    ObjectId id;
    Buffer bytes;       // as put, without its notes
    bool gone = false;  // damaged or not readable: `why`
    std::string why;
};

class ReadQueue {
public:
    /// Reads that the disk has at a time.
    static constexpr size_t kUnderWayMax = 16;

    /// An object asked for twice before it came comes once.
    void ask(ObjectId id) {
        if (asked_.try_emplace(id, 0).second) waiting_.push_back(id);
    }
    /// It was erased.
    void forget(ObjectId id) {
        if (!asked_.empty()) asked_.erase(id);
        withdraw(id);
    }
    /// It was put again: what was loaded is old.
    void renew(ObjectId id) {
        if (withdraw(id)) ask(id);
    }

    /// It was asked for, and its reading has not begun.
    bool awaits(ObjectId id) const {
        const auto found = asked_.find(id);
        return found != asked_.end() && found->second == 0;
    }
    bool can_begin() const { return !waiting_.empty() && under_way_ < kUnderWayMax; }
    bool has_more() const { return !waiting_.empty(); }
    /// The next to read, if the disk should have one more.
    std::optional<ObjectId> next() {
        while (can_begin()) {
            const ObjectId id = waiting_.front();
            waiting_.pop_front();
            if (awaits(id)) return id;
        }
        return std::nullopt;
    }
    void begin(ObjectId id, uint64_t work) {
        asked_[id] = work;
        ++under_way_;
    }
    /// @return whether somebody still waits for the outcome of this work
    bool end(ObjectId id, uint64_t work) {
        --under_way_;
        const auto found = asked_.find(id);
        return found != asked_.end() && found->second == work;
    }
    /// It stands elsewhere by now: once more.
    void again(ObjectId id) {
        asked_[id] = 0;
        waiting_.push_back(id);
    }
    /// Waits for the batch that is on its way to the disk to come back.
    void hold(ObjectId id) { held_.push_back(id); }
    void release_held() {
        waiting_.insert(waiting_.begin(), held_.begin(), held_.end());
        held_.clear();
    }

    void deliver(Loaded loaded) {
        asked_.erase(loaded.id);
        loaded_.push_back(std::move(loaded));
    }
    std::optional<Loaded> take() {
        if (loaded_.empty()) return std::nullopt;
        std::optional<Loaded> out(std::move(loaded_.front()));
        loaded_.pop_front();
        return out;
    }

private:
    bool withdraw(ObjectId id) {
        return !loaded_.empty() &&
               std::erase_if(loaded_, [&](const Loaded& each) { return each.id == id; }) > 0;
    }

    std::unordered_map<ObjectId, uint64_t> asked_;  // by which work; 0: not begun
    std::deque<ObjectId> waiting_;
    std::deque<ObjectId> held_;
    std::deque<Loaded> loaded_;
    size_t under_way_ = 0;
};

}  // namespace godwit::store
