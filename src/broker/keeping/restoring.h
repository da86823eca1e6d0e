// Restoring: a shard from its log. Objects come in the order of writing and refer to each other, so
// all of them are collected first; then sessions are made (every client offline), their
// subscriptions routed, their messages queued in the old order, their packet ids in flight.
//
// A log may hold what no broker wrote together: damage took an erase, or an object that others
// refer to. What means nothing by itself or has lost what it belongs to is refused by name, and
// erased; the rest is used. Of two objects that exclude each other one stays.
// Source: MQTT 5.0 section 4.1 (what a session state is), 4.4 (what is sent again)
#pragma once

#include "broker/core.h"
#include "broker/keeping/object_format.h"
#include "broker/keeping/summing.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace godwit::broker {

inline constexpr size_t kRefusedNamed = 100;

/// What a log held, for people.
struct Found {
    size_t sessions = 0;
    size_t subscriptions = 0;
    size_t messages = 0;  // queued or in flight, counted once however many take them
    size_t retained = 0;
    size_t unreadable = 0;  // objects that are none of ours, or have lost what they belong to
    std::vector<std::string> refused;  // which, and why; the first kRefusedNamed of them
    std::optional<ClockRecord> clock;
};

struct RestoredMessage {
    OwedMessage owed;
    uint32_t bytes = 0;
    uint32_t count = 0;
    uint64_t stamp = 0;
    RealmId realm;
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
    /// Makes room for it: for ids of the log alone.
    Object& object(ObjectId id);
    /// For ids that objects speak of.
    ObjectKind kind(ObjectId id) const {
        return id.value < objects_.size() ? objects_[id.value].kind : ObjectKind::None;
    }
    void put_message(ObjectId id, Bytes bytes);
    void put_retained(ObjectId id, Bytes bytes);
    void erase_refused(Core& core);
    void set_clock();
    void make_sessions(Core& core);
    void make_session_of(Core& core, ObjectId id, const RestoredSession& from);
    void make_subscriptions(Core& core);
    void make_subscription(Core& core, ObjectId id);
    void subscribe(Core& core, Session& session, ObjectId id, const SubscriptionRecord& record);
    void join(Core& core, Session& session, ObjectId id, const SubscriptionRecord& record);
    void make_crossing(Core& core, ObjectId id);
    void make_clock(Core& core, ObjectId id);
    void make_groups(Core& core);
    void make_group_of(Core& core, ObjectId id);
    void make_retained(Core& core);
    void make_messages(Core& core);
    void queue_message(Core& core, ObjectId id, const RestoredMessage& from);
    bool give_to_taker(Core& core, ObjectId id, const RestoredMessage& from,
                       const OwedTaker& taker);
    void give_to_session(Core& core, Session& session, ObjectId id, const RestoredMessage& from,
                         const OwedTaker& taker);
    void report(ObjectId id, ObjectKind kind, std::string_view why);
    void drop(Core& core, ObjectId id, std::string_view why);

    std::vector<Object> objects_;  // by id
    std::vector<RestoredSession> sessions_;
    std::vector<RestoredMessage> messages_;
    std::vector<Buffer> others_;
    std::vector<MessageRef> retained_;
    std::map<uint32_t, ObjectKind> refused_;  // by id: what means nothing by itself
    std::unordered_set<uint64_t> in_flight_;  // session's object id << 16 | packet id
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
