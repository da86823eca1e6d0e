#include "broker/effects.h"

namespace godwit::broker {

namespace {

constexpr size_t kPostsKept = 256;

}  // namespace

void Effects::clear() {
    const bool is_burst_over = posts.capacity() > kPostsKept && posts.size() < posts.capacity() / 8;
    arena.clear();
    writes.clear();
    dirty.clear();
    closes.clear();
    moves.clear();
    posts.clear();
    if (is_burst_over) posts.shrink_to_fit();
    auth_requests.clear();
    work.clear();
    pauses.clear();
    resumes.clear();
    events.clear();
    output_bytes = 0;
    ++turn_;
}

void Effects::write(ConnectionId connection, Link& link, uint32_t arena_at, uint32_t arena_bytes,
                    MessageRef message) {
    if (link.turn != turn_) {
        link = {turn_, uint32_t(dirty.size())};
        dirty.push_back({connection, kNone, kNone, 0});
    }
    Dirty& d = dirty[link.index];
    const uint64_t bytes = arena_bytes + (message ? message->payload().size() : 0);
    d.bytes += bytes;
    output_bytes += bytes;
    if (d.last != kNone) {
        // Neighbours in the arena become one write.
        Write& before = writes[d.last];
        if (!before.message && before.arena_at + before.arena_bytes == arena_at) {
            before.arena_bytes += arena_bytes;
            before.message = std::move(message);
            return;
        }
    }
    const auto index = uint32_t(writes.size());
    writes.push_back({arena_at, arena_bytes, kNone, std::move(message)});
    if (d.last == kNone)
        d.first = index;
    else
        writes[d.last].next = index;
    d.last = index;
}

}  // namespace godwit::broker
