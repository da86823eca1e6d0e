// SharedGroup: one shared group, kept at the home shard of (realm, share name, filter). It draws on
// its online members only, round robin, and keeps what nobody can take now. A message is in exactly
// one place: the group's queue, or with one member under a token. Source: MQTT 5.0 section 4.8.2;
// [MQTT5-4.8.2-3] .. [MQTT5-4.8.2-6]
#pragma once

#include "broker/envelope.h"

#include <deque>
#include <map>
#include <optional>
#include <vector>

namespace godwit::broker {

/// Hand this message to that member.
struct GroupHandout {
    SessionAddress member;
    GroupDeliver deliver;
};

/// The durable object of a message, and the group's place among its takers.
struct KeptPlace {
    ObjectId kept;  // 0: none
    uint32_t taker = 0;
};

class SharedGroup {
public:
    explicit SharedGroup(GroupKey key) : key_(std::move(key)) {}

    const GroupKey& key() const { return key_; }
    /// The durable object of the group itself; 0: none.
    ObjectId kept;
    size_t member_count() const { return members_.size(); }
    size_t queued() const { return queue_.size(); }
    /// What waits in its queue.
    struct Load {
        size_t messages = 0;
        size_t bytes = 0;
    };
    Load load() const { return {queue_.size(), queue_bytes_}; }
    Load counted;  // as the realm's books have it

    /// Adds a member or replaces what is known of it.
    void join(ShardId shard, const GroupJoin& join);
    void leave(SessionAddress member);
    void set_online(SessionAddress member, bool online);

    bool is_full(uint32_t queue_max) const { return queue_.size() >= queue_max; }
    /// Queues a message.
    void offer(const MessageRef& message, KeptPlace place = {});
    /// The holder of this token is through with it. Unknown tokens are none of ours any more.
    /// @return  what is settled by that
    KeptPlace done(uint64_t token);
    /// The queued message with this stamp of this origin is somebody's for good. @return as done()
    KeptPlace take(uint64_t stamp, ShardId origin);
    /// The holder gives it back: to the front of the queue, in the order of the tokens.
    void give_back(uint64_t token);

    struct Dropped {
        size_t expired = 0;
        size_t untakeable_qos0 = 0;  // QoS 0, and no member is online
    };
    /// Appends what can be handed out now; `self` is this group's own reference. What nobody owes
    /// an answer for is appended to `settled`.
    Dropped hand_out(GroupRef self, Instant now, std::vector<GroupHandout>& out,
                     std::vector<KeptPlace>& settled);
    /// The group ends: everything it still has, queued or lent.
    std::vector<KeptPlace> all_kept() const;

private:
    struct Member {
        SessionAddress address;
        uint32_t membership = 0;
        mqtt::Qos qos = mqtt::Qos::AtMostOnce;
        uint32_t window = 1;
        uint32_t holding = 0;
        bool online = true;
    };
    struct Holding {
        MessageRef message;
        KeptPlace place;
        SessionAddress member;
    };
    struct Waiting {
        MessageRef message;
        KeptPlace place;
        uint64_t returned_token = 0;  // 0: was never handed out
    };
    Member* find(SessionAddress member);
    Member* next_ready(const Message& message);
    bool any_online() const;
    std::optional<Holding> take_back(uint64_t token);
    void pop_front();

    GroupKey key_;
    std::vector<Member> members_;
    size_t turn_ = 0;  // index of the member whose turn it is
    std::deque<Waiting> queue_;
    size_t queue_bytes_ = 0;
    std::map<uint64_t, Holding> held_;
    uint64_t next_token_ = 1;
};

}  // namespace godwit::broker
