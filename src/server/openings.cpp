#include "server/openings.h"

namespace godwit::server {

bool Openings::ask(ConnectionId id) {
    if (waiting_.empty() && begun_ < kPerTurn) {
        ++begun_;
        return true;
    }
    waiting_.push_back(id);
    return false;
}

std::optional<ConnectionId> Openings::next() {
    if (waiting_.empty() || begun_ >= kPerTurn) return std::nullopt;
    ++begun_;
    const ConnectionId id = waiting_.front();
    waiting_.pop_front();
    return id;
}

}  // namespace godwit::server
