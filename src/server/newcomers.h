// Newcomers: connections from which no whole CONNECT has come, in the order they came. When file
// descriptors run out the oldest makes room: it has had longer than any other.
#pragma once

#include "base/ids.h"
#include "base/instant.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

namespace godwit::server {

/// `is_new` is bool(ConnectionId): it is there, and no whole CONNECT has come from it. Who is not
/// new any more need not be taken out.
class Newcomers {
public:
    /// @param now  not before that of the one before
    /// @cost       all in all some questions for each
    template <class IsNew>
    void add(ConnectionId id, Instant now, IsNew&& is_new) {
        forget_first(is_new);
        if (all_.size() >= sweep_at_) {
            sweep(is_new);
            sweep_at_ = std::max(kSweepMin, 2 * all_.size());
        }
        all_.emplace_back(id, now);
    }
    /// The one that came first; it is not among them any more. nullopt: there are no more than
    /// `kept`
    template <class IsNew>
    std::optional<ConnectionId> take_oldest(size_t kept, IsNew&& is_new) {
        forget_first(is_new);
        if (all_.size() <= 2 * kept) sweep(is_new);  // exact where it decides
        if (all_.size() <= kept) return std::nullopt;
        const ConnectionId oldest = all_.front().first;
        all_.pop_front();
        return oldest;
    }
    /// When the one came that would be taken next, as far as is known; kNever: none would be.
    Instant oldest(size_t kept) const { return all_.size() > kept ? all_.front().second : kNever; }
    /// With those that are not new any more: at most twice as many as are.
    size_t size() const { return all_.size(); }

    static constexpr size_t kSweepMin = 256;

private:
    template <class IsNew>
    void forget_first(IsNew&& is_new) {
        while (!all_.empty() && !is_new(all_.front().first)) all_.pop_front();
    }
    template <class IsNew>
    void sweep(IsNew&& is_new) {
        std::erase_if(all_, [&](const auto& each) { return !is_new(each.first); });
    }

    std::deque<std::pair<ConnectionId, Instant>> all_;
    size_t sweep_at_ = kSweepMin;
};

}  // namespace godwit::server
