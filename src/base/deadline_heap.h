// DeadlineHeap: what is due when. An entry is not removed when it becomes stale: a fired token is
// checked by its owner against the state of that moment (a stale one owes nothing), and re-armed if
// its time has moved on. Where stale ones could pile up, the owner sweeps.
#pragma once

#include "base/growth.h"
#include "base/instant.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace godwit {

/// @cost  arm and pop are O(log n), next_deadline O(1); one vector, which grows by a quarter,
/// sizeof(Token) + 8 bytes an entry
template <class Token>
class DeadlineHeap {
public:
    void arm(Instant due, Token token) {
        make_room(entries_, kGrowthMin);
        entries_.push_back({due, token});
        std::push_heap(entries_.begin(), entries_.end(), later);
    }

    std::optional<Instant> next_deadline() const {
        if (entries_.empty()) return std::nullopt;
        return entries_.front().due;
    }

    /// The earliest token that is due at `now`; nullopt when none is.
    std::optional<Token> pop_due(Instant now) {
        if (entries_.empty() || entries_.front().due > now) return std::nullopt;
        std::pop_heap(entries_.begin(), entries_.end(), later);
        const Token token = entries_.back().token;
        entries_.pop_back();
        return token;
    }

    /// Forgets the entries for which is_stale(due, token) holds. @cost O(n)
    template <class IsStale>
    void sweep(IsStale&& is_stale) {
        std::erase_if(entries_, [&](const Entry& each) { return is_stale(each.due, each.token); });
        std::make_heap(entries_.begin(), entries_.end(), later);
    }

    size_t size() const { return entries_.size(); }

private:
    struct Entry {
        Instant due;
        Token token;
    };
    static constexpr size_t kGrowthMin = 64;
    static bool later(const Entry& a, const Entry& b) { return a.due > b.due; }
    std::vector<Entry> entries_;
};

}  // namespace godwit
