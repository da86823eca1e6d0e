// Router: who takes a message. Two levels in one table of filters: which other shards have a match
// (a replica, changed by RouteChange envelopes), and which takers here. It knows filters, shards
// and takers, never a Session. Source: MQTT 5.0 sections 3.3.2.3.8, 3.8.3.1, 3.8.4 and 4.7;
// [MQTT5-3.3.4-2] .. [MQTT5-3.3.4-4]
#pragma once

#include "base/hash.h"
#include "base/ids.h"
#include "base/paged_array.h"
#include "base/slot_store.h"
#include "broker/envelope.h"
#include "broker/routing/exact_routes.h"
#include "mqtt/packets.h"
#include "topic/filter_table.h"
#include "topic/match_cache.h"

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace godwit::broker {

/// One subscription of one session, or one shared group at its home.
struct Taker {
    SessionRef session;            // or the group's handle
    uint32_t subscription_id = 0;  // 0: none
    mqtt::Qos qos = mqtt::Qos::AtMostOnce;
    bool no_local : 1 = false;
    bool retain_as_published : 1 = false;
    bool group : 1 = false;
    bool kept : 1 = false;      // a log keeps for it what comes at QoS 1 and 2
    bool in_place : 1 = false;  // TakerList's own
};

/// Takers of one filter. One is stored in place; from kIndexFrom on, an index by slot makes removal
/// cheap.
class TakerList {
public:
    static constexpr size_t kIndexFrom = 32;
    std::span<const Taker> all() const;
    /// nullptr: it is not among them.
    const Taker* find(SessionRef session, bool group) const;
    void add(const Taker& taker);
    /// It is among them.
    void replace(const Taker& taker);
    void remove(SessionRef session, bool group);
    bool empty() const { return all().empty(); }
    Interest interest() const {
        if (many_ ? many_->kept > 0 : one_.in_place && one_.kept) return Interest::Kept;
        return empty() ? Interest::None : Interest::Live;
    }

private:
    struct Many {
        std::vector<Taker> takers;
        std::unordered_map<uint64_t, uint32_t> by_slot;  // empty below kIndexFrom
        uint32_t kept = 0;                               // how many have that set
    };
    static uint64_t slot_key(SessionRef session, bool group) {
        return uint64_t(session.slot) << 1 | uint64_t(group);
    }
    std::optional<size_t> position(SessionRef session, bool group) const;
    Taker& at(size_t position) { return many_ ? many_->takers[position] : one_; }
    Taker one_;                   // where it is in_place
    std::unique_ptr<Many> many_;  // then one_ is unused
};
static_assert(sizeof(TakerList) <= 24, "docs/adr/0018-idle-memory.md");

/// One message for one session: its overlapping subscriptions merged. [MQTT5-3.3.4-2]
/// [MQTT5-3.3.4-4]
struct Delivery {
    SessionRef session;
    uint32_t subscription_id = 0;
    uint32_t more_ids = kNoMore;  // index into Matches::more_ids
    mqtt::Qos qos = mqtt::Qos::AtMostOnce;
    bool retain_as_published = false;
    bool group = false;
    static constexpr uint32_t kNoMore = 0xffff'ffff;
};

struct Matches {
    struct MoreId {
        uint32_t subscription_id;
        uint32_t next;
    };
    std::vector<Delivery> local;
    std::vector<MoreId> more_ids;
    RemoteShards remote;
};

class Router {
public:
    Router(HashKey key, ShardId self) : filters_(key), self_(self), exact_routes_(key) {}

    struct Added {
        topic::FilterId id;
        bool is_new = true;                    // not replaced
        std::optional<InterestChange> change;  // what to tell the other shards, if anything
    };
    /// Adds or replaces [MQTT5-3.8.4-3] the taker's subscription to a checked filter.
    Added add_taker(std::string_view filter, const Taker& taker);
    /// @return  what to tell the other shards, if anything
    std::optional<InterestChange> remove_taker(topic::FilterId id, SessionRef session, bool group);
    /// The filter this session subscribes with exactly this text. [MQTT5-3.10.4-1]
    std::optional<topic::FilterId> find(std::string_view filter, SessionRef session,
                                        bool group = false);
    /// One that is there.
    const Taker& taker(topic::FilterId id, SessionRef session);
    std::string_view text(topic::FilterId id) const { return filters_.text(id); }

    /// Another shard wants another thing of a filter than before.
    void change_remote(std::string_view filter, ShardId shard, InterestChange change);

    /// All takers of `topic`. `publisher`, if it is a session here, is skipped where it said No
    /// Local [MQTT5-3.8.3-3].
    /// @return  valid until the next call
    const Matches& match(std::string_view topic, std::optional<SessionRef> publisher);

    /// match() was asked for just this last: the name is well formed.
    /// @cost  a comparison, if it is the same publisher
    bool asked_last(std::string_view topic, std::optional<SessionRef> publisher) const {
        return last_publisher_ == publisher && !topic.empty() && topic == matched_.last_name();
    }

    /// Of another shard's filters, those without wildcards count once for each shard.
    size_t filter_count() const { return filters_.size() + exact_routes_.size(); }

private:
    /// Most filters have takers here, or on one other shard alone: each is said in a few bytes.
    /// `remote` is of filters with wildcards only: see exact_routes_.
    struct Entry {
        uint32_t takers = 0;  // 1 + its place in takers_; 0: none
        uint32_t remote = 0;  // 0: none; up to kRemotesOfOne: that of one shard; above: in remotes_
    };
    struct Mark {
        uint64_t round = 0;
        uint32_t index = 0;
    };
    static constexpr uint32_t kRemotesOfOne = 2 * 64;
    Entry& entry(topic::FilterId id);
    TakerList* takers_of(topic::FilterId id);
    TakerList& need_takers(topic::FilterId id);
    void drop_takers(topic::FilterId id);
    RemoteShards remote_of(const Entry& entry) const;
    void set_remote(Entry& entry, const RemoteShards& remote);
    void merge(const Taker& taker);

    topic::FilterTable filters_;
    ShardId self_;
    PagedArray<Entry> entries_;  // by FilterId
    SlotStore<TakerList> takers_;
    std::vector<uint32_t> free_takers_;
    uint32_t takers_count_ = 0;  // places ever used
    std::vector<RemoteShards> remotes_;
    std::vector<uint32_t> free_remotes_;
    ExactRoutes exact_routes_;
    topic::MatchCache matched_;
    std::vector<Mark> marks_;  // by session slot: where it stands in matches_.local this round
    uint64_t round_ = 0;
    // A publisher that sends a row of messages to one topic: the same question, the same answer.
    std::optional<SessionRef> last_publisher_;
    bool last_stands_ = false;  // nothing has changed since
    Matches matches_;
};

}  // namespace godwit::broker
