#include "server/openings.h"

namespace godwit::server {

bool Openings::ask(ConnectionId id, size_t cost) {
    if (waiting_.empty() && has_room()) {
        spent_ += cost;
        return true;
    }
    waiting_.emplace_back(id, cost);
    return false;
}

std::optional<ConnectionId> Openings::next() {
    if (waiting_.empty() || !has_room()) return std::nullopt;
    const auto [id, cost] = waiting_.front();
    spent_ += cost;
    waiting_.pop_front();
    return id;
}

}  // namespace godwit::server
