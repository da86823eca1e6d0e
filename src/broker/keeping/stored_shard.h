// StoredShard: what the log of a shard that is not running holds, object by object, and which of
// them no broker could use. For tools; changes nothing.
//
// Bodies stay on disk: held are 24 bytes for each taker of a message, 8 for each subscription, the
// notes, and the names by which objects exclude each other.
#pragma once

#include "broker/keeping/summing.h"
#include "store/snapshot.h"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace godwit::broker {

/// A message that is owed to a session or a shared group.
struct StoredTaker {
    ObjectId owner;
    ObjectId message;
    uint64_t number = 0;      // order of arrival
    uint32_t head_bytes = 0;  // of the message's record, its takers not counted
    PacketId packet_id;       // 0: not sent
    mqtt::Qos qos : 2 = mqtt::Qos::AtMostOnce;
    bool retain : 1 = false;
    bool is_group : 1 = false;
};
static_assert(sizeof(StoredTaker) == 24);

struct StoredSubscription {
    ObjectId session;
    ObjectId id;
};

class StoredShard {
public:
    struct Counts {
        std::array<uint64_t, size_t(ObjectKind::Clock) + 1> objects{};  // by ObjectKind
        uint64_t queued = 0;          // messages owed to sessions and not sent, per session
        uint64_t inflight = 0;        // sent and not acknowledged, per session
        uint64_t group_messages = 0;  // owed to shared groups
        uint64_t crossings = 0;       // messages that other shards have not confirmed
        uint64_t faults = 0;
        uint64_t of(ObjectKind kind) const { return objects[size_t(kind)]; }
    };
    static constexpr size_t kFaultsNamed = 100;

    /// @param shard  and how many there are: what it may speak of
    /// @errors       the folder is not there or cannot be read; a segment was written by a later
    ///               version
    /// @cost         reads the store once, then each object once more
    static Result<StoredShard, DiskError> read(Directory& directory, std::string_view folder,
                                               ShardId shard, uint16_t shard_count);

    const store::StoreReport& report() const { return snapshot_.report(); }
    const Counts& counts() const { return counts_; }
    /// Objects and notes that a broker would refuse, with their places: the first kFaultsNamed.
    const std::vector<std::string>& faults() const { return faults_; }
    const std::optional<ClockRecord>& clock() const { return clock_; }

    /// Sound objects of this kind, by id. @cost  O(all objects)
    std::vector<ObjectId> all(ObjectKind kind) const;
    /// What is owed to a session or group, in the order in which it would go out.
    std::span<const StoredTaker> owed_to(ObjectId owner) const;
    std::span<const StoredSubscription> subscriptions_of(ObjectId session) const;

    // --- objects as they are now; views are good until the next of these calls; nullopt: it cannot
    // be read any more ---

    std::optional<SessionRecord> session(ObjectId id);
    std::optional<SubscriptionRecord> subscription(ObjectId id);
    std::optional<GroupRecord> group(ObjectId id);
    std::optional<MessageParts> retained(ObjectId id);
    std::optional<MessageParts> message(const StoredTaker& taker);

private:
    class Notes : public store::Replay {
    public:
        void on_put(ObjectId id, Bytes) override { all.erase(id.value); }
        void on_note(ObjectId id, Bytes bytes) override {
            all[id.value].push_back(read_note(bytes));
        }
        void on_erase(ObjectId id) override { all.erase(id.value); }
        std::span<const std::optional<Note>> of(ObjectId id) const;
        std::unordered_map<uint32_t, std::vector<std::optional<Note>>> all;  // by object
    };
    StoredShard(store::Snapshot snapshot, Notes notes, ShardId shard, uint16_t shard_count);
    void take_object(ObjectId id);
    std::string_view take_session(ObjectId id, Bytes bytes);
    std::string_view take_subscription(ObjectId id, Bytes bytes);
    std::string_view take_group(ObjectId id, Bytes bytes);
    std::string_view take_message(ObjectId id, Bytes bytes);
    std::string_view take_retained(ObjectId id, Bytes bytes);
    std::string_view take_crossing(Bytes bytes);
    std::string_view take_clock(Bytes bytes);
    void check_notes(ObjectId id, ObjectKind kind, uint32_t taker_count);
    void check_subscriptions();
    void check_takers();
    void sort_owed();
    void fault(ObjectId id, ObjectKind kind, std::string_view what);
    bool is_new(ObjectKind kind, uint32_t owner, std::string_view share, std::string_view name);
    bool knows(ShardId shard) const { return shard.value < shard_count_; }
    bool knows_shards_of(const OwedMessage& message) const;
    ObjectKind kind(ObjectId id) const {
        return id.value < kinds_.size() ? kinds_[id.value] : ObjectKind::None;
    }

    store::Snapshot snapshot_;
    Notes notes_;
    ShardId shard_;
    uint16_t shard_count_ = 1;
    Counts counts_;
    std::vector<std::string> faults_;
    std::optional<ClockRecord> clock_;
    std::vector<ObjectKind> kinds_;  // of sound objects, by id
    std::vector<StoredTaker> takers_;
    std::vector<StoredSubscription> subscriptions_;
    std::unordered_set<uint32_t> crossings_;  // messages that other shards have not confirmed
    std::unordered_set<std::string> names_;   // of what there may be one of
};

}  // namespace godwit::broker
