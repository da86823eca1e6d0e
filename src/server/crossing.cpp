#include "server/crossing.h"

#include <utility>

namespace godwit::server {

void Mailbox::post(Control control) {
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(control));
        count_.store(waiting_.size(), std::memory_order_release);
    }
    waker_.wake();
}

std::vector<Control> Mailbox::take() {
    if (empty()) return {};
    const std::lock_guard lock(mutex_);
    count_.store(0, std::memory_order_release);
    return std::exchange(waiting_, {});
}

Result<std::unique_ptr<Crossing>, os::IoError> Crossing::make(uint16_t shard_count) {
    auto crossing = std::make_unique<Crossing>();
    for (uint16_t i = 0; i < shard_count; ++i) {
        auto waker = os::Waker::open();
        if (!waker) return Err{waker.error()};
        crossing->mailboxes_.push_back(std::make_unique<Mailbox>(std::move(*waker)));
    }
    for (size_t i = 0; i < size_t(shard_count) * shard_count; ++i)
        crossing->rings_.push_back(std::make_unique<Ring>(kRingEntries));
    return crossing;
}

Outgoing::Outgoing(Crossing& crossing, ShardId self)
    : crossing_(crossing), self_(self), overflow_(crossing.shard_count()) {}

void Outgoing::post(ShardId to, broker::Envelope envelope) {
    auto& waiting = overflow_[to.value];
    if (waiting.empty() && crossing_.ring(self_, to).push(std::move(envelope)) == os::Push::Staged)
        return;
    // NOLINTNEXTLINE(bugprone-use-after-move): what was not staged was not moved from
    waiting.push_back(std::move(envelope));
}

bool Outgoing::publish() {
    bool behind = false;
    for (uint16_t i = 0; i < crossing_.shard_count(); ++i) {
        if (i == self_.value) continue;
        auto& ring = crossing_.ring(self_, {i});
        auto& waiting = overflow_[i];
        while (!waiting.empty() && ring.push(std::move(waiting.front())) == os::Push::Staged)
            waiting.pop_front();
        if (ring.publish() > 0) crossing_.mailbox({i}).waker().wake();
        behind |= !waiting.empty();
    }
    return behind;
}

}  // namespace godwit::server
