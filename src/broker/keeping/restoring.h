// Restoring: a shard from its log. Objects come in the order of writing and refer to each other, so
// all of them are collected first; then sessions are made (every client offline), their
// subscriptions routed, their messages queued in the old order, their packet ids in flight.
// Source: MQTT 5.0 section 4.1 (what a session state is), 4.4 (what is sent again)
#pragma once

#include "broker/core.h"
#include "broker/keeping/object_format.h"
#include "broker/keeping/summing.h"

#include <optional>
#include <vector>

namespace godwit::broker {

/// What a log held, for people.
struct Found {
    size_t sessions = 0;
    size_t subscriptions = 0;
    size_t messages = 0;  // queued or in flight, counted once however many take them
    size_t retained = 0;
    size_t unreadable = 0;  // objects that are none of ours, or whose session is gone
    std::optional<ClockRecord> clock;
};

struct RestoredMessage {
    OwedMessage owed;
    uint32_t bytes = 0;
    uint32_t count = 0;
    uint64_t stamp = 0;
    ShardId origin;
    MessageRef message;  // only if shards or groups wait for it
};

struct RestoredSession {
    Buffer bytes;
    OpenHandshakes handshakes;
};

/// Takes a whole log, then becomes the state of a shard.
class Restorer : public store::Replay {
public:
    void on_put(ObjectId id, Bytes bytes) override;
    void on_note(ObjectId id, Bytes bytes) override;
    void on_erase(ObjectId id) override;

    /// @param core  fresh, with its log; posts routes and memberships to the other shards
    Found finish(Core& core);

private:
    struct Object {
        ObjectKind kind = ObjectKind::None;
        uint32_t index = 0;  // into the vector of its kind
    };
    Object& object(ObjectId id);
    void put_message(ObjectId id, Bytes bytes);
    void set_clock();
    void make_sessions(Core& core);
    void make_session_of(Core& core, ObjectId id, const RestoredSession& from);
    void make_subscriptions(Core& core);
    void subscribe(Core& core, ObjectId id, const SubscriptionRecord& record);
    void make_groups(Core& core);
    void make_retained(Core& core);
    void make_messages(Core& core);
    void queue_message(Core& core, ObjectId id, const RestoredMessage& from);
    bool give_to_taker(Core& core, ObjectId id, const RestoredMessage& from,
                       const OwedTaker& taker);
    void drop(Core& core, ObjectId id);

    std::vector<Object> objects_;  // by id
    std::vector<RestoredSession> sessions_;
    std::vector<RestoredMessage> messages_;
    std::vector<Buffer> others_;
    std::vector<MessageRef> retained_;
    Found found_;
    uint64_t newest_stamp_ = 0;
};

/// The broker's clock when the world's says `wall`: it has gone on as far as the world's has.
Instant clock_after(const ClockRecord& kept, WallTime wall);

/// All shards have read their logs and know each other's routes: deadlines run, delayed wills and
/// sessions of clients that were online count from now, and what other shards may lack is sent to
/// them again.
void on_restarted(Core& core);

}  // namespace godwit::broker
