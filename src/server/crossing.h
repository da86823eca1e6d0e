// Crossing: how shards, and the threads beside them, hand things to a shard. Envelopes between
// shards go through one ring for each ordered pair, published once per turn; everything rare goes
// through the shard's mailbox. Where each shard has its own file table, connections go through a
// channel that carries their descriptors.
#pragma once

#include "auth/explain.h"
#include "broker/client_history.h"
#include "broker/envelope.h"
#include "broker/homes.h"
#include "broker/input.h"
#include "broker/realm_report.h"
#include "broker/session_report.h"
#include "os/file_table.h"
#include "os/spsc_ring.h"
#include "os/waker.h"
#include "server/socket_table.h"
#include "transport/tls_context.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

namespace godwit::server {

/// A connection on its way to its session's home.
struct MovedConnection {
    Socket socket;
    Buffer bytes;                                         // received and not handled, CONNECT first
    std::unique_ptr<const broker::Verdict> verdict = {};  // as in Effects::Move
};
struct AuthAnswer {
    broker::Verdict verdict;
};
struct InjectMessage {
    RealmId realm;
    std::string topic;
    std::string payload;
    bool retain = false;
};
struct NewPolicy {
    std::unique_ptr<const auth::Policy> policy;  // null: everything is allowed
};
/// What a listener's connections begin with from now on.
struct NewTls {
    ListenerId listener;
    std::unique_ptr<transport::TlsContext> context;
};
/// What session tickets are made with from now on.
struct NewTickets {
    transport::TicketSecrets secrets;
};
/// Users that are gone or have another password; sorted.
struct ChangedUsers {
    std::vector<std::string> users;
};
/// What may the client of this session do, and why? Answered once, if the shard lives.
struct AskExplain {
    RealmId realm;
    std::string client_id;
    auth::OwnedRequest request;
    std::promise<std::optional<auth::Explanation>> answer;
};
/// What happened to this client? Likewise.
struct AskHistory {
    RealmId realm;
    std::string client_id;
    std::promise<std::vector<broker::PastEvent>> answer;
};
/// What is known of a session? Likewise.
struct AskSession {
    RealmId realm;
    std::string client_id;
    std::promise<std::optional<broker::SessionReport>> answer;
};
/// What is held for the realms there? Likewise.
struct AskRealms {
    std::promise<std::vector<broker::RealmReport>> answer;
};
/// The newcomer that came first is this shard's, and another has no file descriptor left.
struct MakeRoom {};
/// Say good-bye to every client, then stop.
struct StopShard {};

using Control =
    std::variant<MovedConnection, AuthAnswer, InjectMessage, NewPolicy, NewTls, NewTickets,
                 ChangedUsers, AskExplain, AskHistory, AskSession, AskRealms, MakeRoom, StopShard>;

/// What waits for one shard. Thread: any may post; the shard takes.
class Mailbox {
public:
    explicit Mailbox(os::Waker waker) : waker_(std::move(waker)) {}
    void post(Control control);
    /// Moves everything out, in the order of posting. @cost one uncontended mutex, only if
    /// something waits
    std::vector<Control> take();
    bool empty() const { return count_.load(std::memory_order_acquire) == 0; }
    os::Waker& waker() { return waker_; }

private:
    os::Waker waker_;
    std::atomic<size_t> count_{0};
    std::mutex mutex_;
    std::vector<Control> waiting_;
};

/// All ways between all shards. Made once, before the threads start.
class Crossing {
public:
    enum class FileTables : bool { Shared, Own };
    static Result<std::unique_ptr<Crossing>, os::IoError> make(
        uint16_t shard_count, FileTables tables = FileTables::Shared);
    ~Crossing();

    using Ring = os::SpscRing<broker::Envelope>;
    /// Of each ring: fewer where there are many rings, N x (N - 1). Who finds one full waits a
    /// turn.
    static constexpr size_t ring_entries(size_t shard_count) {
        return std::clamp<size_t>(std::bit_floor(16384 / (shard_count * shard_count)), 256, 4096);
    }
    uint16_t shard_count() const { return uint16_t(mailboxes_.size()); }
    bool has_own_tables() const { return !channels_.empty(); }
    Mailbox& mailbox(ShardId shard) { return *mailboxes_[shard.value]; }
    Ring& ring(ShardId from, ShardId to) {
        return *rings_[from.value * mailboxes_.size() + to.value];
    }

    // --- with one table only: whose newcomer has been there longest ---

    /// @param came  when the shard's own came; kNever: it has none to give. Thread: any
    void tell_oldest_newcomer(ShardId shard, Instant came) {
        newcomers_[shard.value].store(came.time_since_epoch().count(), std::memory_order_relaxed);
    }
    /// nullopt: nobody has one to give.
    std::optional<ShardId> oldest_newcomer() const;

    // --- with own tables only ---

    /// What the shard's table must have of all this.
    std::vector<int> descriptors_of(ShardId shard) const;
    /// Readable when a connection has come.
    int arrivals_fd(ShardId shard) const { return channels_[shard.value].receiving_fd(); }
    /// Thread: the connection's, in whose table it is. @return false: full, and nothing has changed
    bool send(ShardId to, MovedConnection& moved);
    /// Thread: the shard's. nullopt when none has come. The socket is without a descriptor where
    /// the shard's table has no room for it.
    std::optional<MovedConnection> receive(ShardId shard);

private:
    std::vector<std::unique_ptr<Mailbox>> mailboxes_;
    std::vector<std::unique_ptr<Ring>> rings_;
    std::array<std::atomic<int64_t>, broker::kShardsMax> newcomers_{};  // by shard
    std::vector<os::FdChannel> channels_;  // to each shard; empty: all share one table
};

/// One shard's outgoing side. What finds a ring full waits here, in order: the shard that is behind
/// gets it when it has made room, and the sender's publishers wait for their acknowledgements
/// meanwhile.
class Outgoing {
public:
    Outgoing(Crossing& crossing, ShardId self);
    void post(ShardId to, broker::Envelope envelope);
    void move(ShardId to, MovedConnection moved);
    /// Makes everything of the turn visible and wakes who sleeps. @return true when something still
    /// waits for room
    bool publish();
    /// Connections that still wait are closed. Thread: the shard's
    void close();

private:
    Crossing& crossing_;
    ShardId self_;
    std::vector<std::deque<broker::Envelope>> overflow_;  // by target
    std::vector<std::deque<MovedConnection>> moving_;     // by target
};

}  // namespace godwit::server
