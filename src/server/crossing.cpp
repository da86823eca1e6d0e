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

Result<std::unique_ptr<Crossing>, os::IoError> Crossing::make(uint16_t shard_count,
                                                              FileTables tables) {
    auto crossing = std::make_unique<Crossing>();
    for (uint16_t i = 0; i < shard_count; ++i) {
        auto waker = os::Waker::open();
        if (!waker) return Err{waker.error()};
        crossing->mailboxes_.push_back(std::make_unique<Mailbox>(std::move(*waker)));
        crossing->tell_oldest_newcomer({i}, kNever);
        if (tables == FileTables::Shared) continue;
        auto channel = os::FdChannel::open();
        if (!channel) return Err{channel.error()};
        crossing->channels_.push_back(std::move(*channel));
    }
    for (size_t i = 0; i < size_t(shard_count) * shard_count; ++i)
        crossing->rings_.push_back(std::make_unique<Ring>(ring_entries(shard_count)));
    return crossing;
}

std::optional<ShardId> Crossing::oldest_newcomer() const {
    std::optional<ShardId> oldest;
    int64_t first = kNever.time_since_epoch().count();
    for (uint16_t i = 0; i < shard_count(); ++i) {
        const int64_t came = newcomers_[i].load(std::memory_order_relaxed);
        if (came >= first) continue;
        first = came;
        oldest = ShardId{i};
    }
    return oldest;
}

/// What is still under way has an owner to the end.
Crossing::~Crossing() {
    for (size_t i = 0; i < channels_.size(); ++i)
        while (receive({uint16_t(i)})) {
        }
}

std::vector<int> Crossing::descriptors_of(ShardId shard) const {
    std::vector<int> out{arrivals_fd(shard)};
    for (const auto& mailbox : mailboxes_) out.push_back(mailbox->waker().fd());
    for (const os::FdChannel& channel : channels_) out.push_back(channel.sending_fd());
    return out;
}

bool Crossing::send(ShardId to, MovedConnection& moved) {
    auto parcel = std::make_unique<MovedConnection>(std::move(moved));
    // From the moment of sending on, the parcel is the receiver's.
    os::Fd fd = std::move(parcel->socket.fd);
    MovedConnection* const label = parcel.release();
    if (channels_[to.value].send(fd.get(), reinterpret_cast<uint64_t>(label))) return true;
    parcel.reset(label);
    moved = std::move(*parcel);
    moved.socket.fd = std::move(fd);
    return false;
}

std::optional<MovedConnection> Crossing::receive(ShardId shard) {
    auto received = channels_[shard.value].receive();
    if (!received) return std::nullopt;
    const std::unique_ptr<MovedConnection> parcel(
        // NOLINTNEXTLINE(performance-no-int-to-ptr): the channel carries the owner's own pointer
        reinterpret_cast<MovedConnection*>(received->label));
    parcel->socket.fd = std::move(received->fd);
    return std::move(*parcel);
}

Outgoing::Outgoing(Crossing& crossing, ShardId self)
    : crossing_(crossing),
      self_(self),
      overflow_(crossing.shard_count()),
      moving_(crossing.shard_count()) {}

void Outgoing::post(ShardId to, broker::Envelope envelope) {
    auto& waiting = overflow_[to.value];
    if (waiting.empty() && crossing_.ring(self_, to).push(std::move(envelope)) == os::Push::Staged)
        return;
    // NOLINTNEXTLINE(bugprone-use-after-move): what was not staged was not moved from
    waiting.push_back(std::move(envelope));
}

void Outgoing::move(ShardId to, MovedConnection moved) {
    if (crossing_.has_own_tables())
        moving_[to.value].push_back(std::move(moved));
    else
        crossing_.mailbox(to).post(std::move(moved));
}

void Outgoing::close() {
    for (auto& each : moving_) each.clear();
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
        auto& moving = moving_[i];
        while (!moving.empty() && crossing_.send({i}, moving.front())) moving.pop_front();
        behind |= !waiting.empty() || !moving.empty();
    }
    return behind;
}

}  // namespace godwit::server
