#include "server/openings.h"

#include <algorithm>

namespace godwit::server {

void Openings::begin_turn(Instant now) {
    now_ = now;
    for (Lane& each : lanes_) each.begun = 0;
    while (!under_way_.empty() && under_way_.front().began + patience_ <= now) {
        under_way_.erase(under_way_.begin());
        lose_patience();
    }
}

bool Openings::ask(ConnectionId id, Kind kind) {
    if (lane(kind).waiting.empty() && may_begin(kind)) {
        begin(id, kind);
        return true;
    }
    lane(kind).waiting.push_back(id);
    return false;
}

std::optional<ConnectionId> Openings::next() {
    for (const Kind kind : {Kind::Plain, Kind::Tls}) {
        auto& waiting = lane(kind).waiting;
        if (waiting.empty() || !may_begin(kind)) continue;
        const ConnectionId id = waiting.front();
        waiting.pop_front();
        begin(id, kind);
        return id;
    }
    return std::nullopt;
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

void Openings::lose_patience() {
    patience_ = std::max(patience_ / 2, kPatienceMin);
}

bool Openings::is_idle() const {
    return std::ranges::all_of(lanes_, [](const Lane& each) { return each.waiting.empty(); });
}

Instant Openings::next_deadline() const {
    if (is_idle()) return kNever;
    if (!lane(Kind::Plain).waiting.empty() || has_place(Kind::Tls)) return now_;
    return under_way_.front().began + patience_;
}

bool Openings::has_place(Kind kind) const {
    return kind == Kind::Plain || under_way_.size() < kTlsUnderWayMax;
}

bool Openings::may_begin(Kind kind) const {
    return has_place(kind) && lane(kind).begun < (kind == Kind::Tls ? kTlsPerTurn : kPlainPerTurn);
}

void Openings::begin(ConnectionId id, Kind kind) {
    ++lane(kind).begun;
    if (kind == Kind::Tls) under_way_.push_back({id, now_});
}

}  // namespace godwit::server
