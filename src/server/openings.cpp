#include "server/openings.h"

#include <algorithm>

namespace godwit::server {

void Openings::begin_turn(Instant now) {
    now_ = now;
    plain_begun_ = 0;
    while (!under_way_.empty() && under_way_.front().began + patience_ <= now) {
        under_way_.erase(under_way_.begin());
        lose_patience();
    }
}

bool Openings::ask(ConnectionId id, Kind kind) {
    if (kind == Kind::Plain && plain_.empty() && may_begin(kind)) {
        ++plain_begun_;
        return true;
    }
    queue(kind).push_back(id);
    return false;
}

std::optional<ConnectionId> Openings::next(Kind kind) {
    if (queue(kind).empty() || !may_begin(kind)) return std::nullopt;
    const ConnectionId id = queue(kind).front();
    queue(kind).pop_front();
    if (kind == Kind::Plain) {
        ++plain_begun_;
    } else {
        under_way_.push_back({id, now_});
        tls_begun_ = now_;
    }
    return id;
}

void Openings::end(ConnectionId id, bool came_through) {
    const auto at = std::ranges::find(under_way_, id, &UnderWay::id);
    if (at == under_way_.end()) return;
    const bool was_slow = now_ - at->began > kPatienceMin;
    under_way_.erase(at);
    if (came_through)
        patience_ = std::min(patience_ + patience_ / 8, kPatienceMax);
    else if (was_slow)
        lose_patience();
}

void Openings::pause_tls(Duration took, Instant now) {
    tls_again_ = std::min(std::max(tls_again_, now) + took, tls_begun_ + kPauseMax);
}

void Openings::lose_patience() {
    patience_ = std::max(patience_ / 2, kPatienceMin);
}

Instant Openings::next_deadline() const {
    if (is_idle()) return kNever;
    if (!plain_.empty()) return now_;
    const bool has_place = under_way_.size() < kTlsUnderWayMax;
    return std::max({now_, tls_again_, has_place ? now_ : under_way_.front().began + patience_});
}

bool Openings::may_begin(Kind kind) const {
    if (kind == Kind::Plain) return plain_begun_ < kPlainPerTurn;
    return under_way_.size() < kTlsUnderWayMax && tls_again_ <= now_;
}

}  // namespace godwit::server
