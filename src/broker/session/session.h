// Session: what lasts of a client between its connections. Plain state; the walks in src/broker
// change it. Source: MQTT 5.0 section 4.1, MQTT 3.1.1 section 3.1.2.4
#pragma once

#include "auth/profiles.h"
#include "base/ids.h"
#include "base/instant.h"
#include "base/ring.h"
#include "broker/envelope.h"
#include "broker/losses.h"
#include "broker/session/outbox.h"
#include "topic/filter_table.h"

#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::broker {

/// The client's last will, stored with the session [MQTT5-3.1.2-7].
struct WillState {
    std::string topic;
    Buffer payload;
    Buffer forwarded_properties;
    mqtt::Qos qos = mqtt::Qos::AtMostOnce;
    bool retain = false;
    uint32_t delay_s = 0;
    std::optional<uint32_t> expiry_s;
    Instant due = kNever;  // while offline: when it is published
};

/// One membership in a shared group.
struct Membership {
    uint32_t number = 0;  // echoed by the group with every message
    GroupKey key;
    mqtt::SubscriptionOptions options;
    uint32_t subscription_id = 0;
    ObjectId kept;
};

/// One plain subscription: its filter, and the durable object that remembers it (0: none).
struct HeldFilter {
    topic::FilterId id;
    ObjectId kept;
};

/// Ascending by filter. The first alone, which is all that most sessions have, is stored in place.
class HeldFilters {
public:
    size_t size() const { return more_ ? more_->size() : one_.id == kNone ? 0 : 1; }
    std::span<HeldFilter> all();
    /// nullptr: it is not among them. Good until the next change. @cost a binary search
    HeldFilter* find(topic::FilterId id);
    /// It is not among them. @return the new one, good until the next change
    HeldFilter* add(topic::FilterId id);
    /// It is among them.
    void remove(topic::FilterId id);
    void clear();

private:
    /// The first whose id is not below; the end, if there is none.
    HeldFilter* first_from(topic::FilterId id);
    static constexpr topic::FilterId kNone{UINT32_MAX};
    HeldFilter one_{.id = kNone, .kept = {}};
    std::unique_ptr<std::vector<HeldFilter>> more_;  // then one_ is unused
};

/// A text of its own that never changes, up to 65535 bytes, in 9 bytes and its length. One of up to
/// 23 bytes, as all client ids of MQTT 3.1 are, takes the allocator's smallest block.
class OwnText {
public:
    OwnText() = default;
    explicit OwnText(std::string_view text);
    std::string_view view() const;
    operator std::string_view() const { return view(); }

private:
    static constexpr uint8_t kLong = UINT8_MAX;
    /// Its length in a byte, or kLong and the length in two bytes; then the text. null: empty
    std::unique_ptr<char[]> all_;
};

/// The replay of retained messages to new subscriptions: one fetch after the other; what the same
/// subscriptions get live waits behind them, so that no topic's older value follows a newer one.
struct Replay {
    struct Fetch {
        uint32_t number = 0;
        std::string filter;
        mqtt::SubscriptionOptions options;
        uint32_t subscription_id = 0;
        std::vector<uint64_t> stamp_max;  // see RetainedQuery
        ShardId next_home;                // whose values come next
        ShardId last_home;
        std::string after;
        bool asked = false;  // a batch is under way
    };
    uint32_t planned = 0;      // fetches whose SUBACK has not left
    std::list<Fetch> fetches;  // the front one is active
    std::vector<std::string>
        filters;             // of all fetches since the replay began: whose live messages wait
    Ring<OutboxEntry> held;  // live messages that wait
    uint64_t held_bytes = 0;
    size_t held_ambiguous = 0;  // of them, as many as came before the last fetch began
};

/// When there may be a line about refused requests again, and how many had none.
struct RefusalLine {
    Instant due;
    uint32_t untold = 0;
};

/// Things that few sessions have.
struct SessionExtras {
    std::vector<Membership> memberships;
    uint32_t next_membership = 1;
    std::unique_ptr<Replay> replay;
    std::unique_ptr<Losses> lost;              // null: nothing
    std::unique_ptr<auth::Identity> identity;  // of the last connection; null: none
    RefusalLine refusals;

    /// A session is without them as well.
    bool empty() const {
        return memberships.empty() && next_membership == 1 && !replay && !lost && !identity &&
               refusals.due == Instant();
    }
};

struct Session {
    Session() : expires(kNever) {}
    OwnText client_id;
    uint64_t client_hash = 0;  // keyed hash of realm and client id; names the publisher in messages
    SessionRef self;
    RealmId realm;
    mqtt::Version version = mqtt::Version::V5;
    bool online : 1 = false;
    bool ends_with_connection : 1 = true;  // expiry 0
    bool restored : 1 = false;             // from disk, and its client has not come since
    bool was_durable : 1 = false;  // with this or an earlier connection: its state may be on disk
    PacketId last_packet_id;
    auth::ProfileId profile;  // while there is a policy
    uint32_t expiry_s = 0;    // kNoExpiry: the broker's maximum
    ObjectId kept;            // its durable object; 0: a restart of the broker ends it
    union {
        Instant expires;          // while offline
        ConnectionId connection;  // while online
    };
    HeldFilters subscriptions;
    std::unique_ptr<Outbox> outbox;
    std::unique_ptr<WillState> will;
    std::unique_ptr<std::vector<PacketId>>
        unreleased;  // QoS 2 in: PUBLISH came, PUBREL did not; sorted
    std::unique_ptr<SessionExtras> extras;
    std::unique_ptr<std::string> username;  // of the last connection, for access rules; null: none

    SessionExtras& need_extras() {
        if (!extras) extras = std::make_unique<SessionExtras>();
        return *extras;
    }
    Losses& need_losses() {
        SessionExtras& all = need_extras();
        if (!all.lost) all.lost = std::make_unique<Losses>();
        return *all.lost;
    }
    const auth::Identity* identity() const { return extras ? extras->identity.get() : nullptr; }
    Replay* replay() const { return extras ? extras->replay.get() : nullptr; }
    /// null: there is none
    std::unique_ptr<Replay> take_replay();
    std::optional<std::string_view> user() const {
        return username ? std::optional<std::string_view>(*username) : std::nullopt;
    }
    void set_user(std::optional<std::string_view> user) {
        username = user ? std::make_unique<std::string>(*user) : nullptr;
    }
    size_t subscription_count() const {
        return subscriptions.size() + (extras ? extras->memberships.size() : 0);
    }
    size_t inflight_count() const { return outbox ? outbox->inflight.size() : 0; }
    size_t queued_count() const { return outbox ? outbox->queued_count() : 0; }
    /// In the queue, or behind a replay.
    size_t waiting_count() const { return queued_count() + (replay() ? replay()->held.size() : 0); }
    uint64_t waiting_bytes() const {
        return (outbox ? outbox->queued_bytes : 0) + (replay() ? replay()->held_bytes : 0);
    }
    /// A free identifier, counting up from the last, never one in flight [MQTT5-2.2.1-4]. Inflight
    /// is bounded below 65535.
    PacketId next_packet_id();
};

static_assert(sizeof(Session) <= 112, "docs/adr/0018-idle-memory.md");

}  // namespace godwit::broker
