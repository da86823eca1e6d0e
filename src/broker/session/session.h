// Session: what lasts of a client between its connections. Plain state; the walks in src/broker
// change it. Source: MQTT 5.0 section 4.1, MQTT 3.1.1 section 3.1.2.4
#pragma once

#include "auth/profiles.h"
#include "base/ids.h"
#include "base/instant.h"
#include "broker/envelope.h"
#include "broker/losses.h"
#include "broker/session/outbox.h"
#include "topic/filter_table.h"

#include <deque>
#include <memory>
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
    uint32_t planned = 0;       // fetches whose SUBACK has not left
    std::deque<Fetch> fetches;  // the front one is active
    std::vector<std::string>
        filters;  // of all fetches since the replay began: whose live messages wait
    std::deque<OutboxEntry> held;  // live messages that wait
    uint64_t held_bytes = 0;
    size_t held_ambiguous = 0;  // of them, as many as came before the last fetch began
};

/// Things that few sessions have.
struct SessionExtras {
    std::vector<Membership> memberships;
    uint32_t next_membership = 1;
    uint32_t next_replay = 1;
    std::unique_ptr<Replay> replay;
    std::unique_ptr<Losses> lost;              // null: nothing
    std::unique_ptr<auth::Identity> identity;  // of the last connection; null: none
};

struct Session {
    std::string_view client_id;  // the realm's index of sessions owns it
    uint64_t client_hash = 0;  // keyed hash of realm and client id; names the publisher in messages
    SessionRef self;
    RealmId realm;
    mqtt::Version version = mqtt::Version::V5;
    bool online = false;
    bool ends_with_connection = true;  // expiry 0
    uint32_t expiry_s = 0;             // kNoExpiry: the broker's maximum
    ConnectionId connection;           // valid while online
    Instant expires = kNever;          // while offline
    PacketId last_packet_id;
    ObjectId kept;  // its durable object; 0: a restart of the broker ends it
    std::vector<HeldFilter> subscriptions;  // plain ones, ascending by filter
    std::unique_ptr<Outbox> outbox;
    std::unique_ptr<WillState> will;
    std::unique_ptr<std::vector<PacketId>>
        unreleased;  // QoS 2 in: PUBLISH came, PUBREL did not; sorted
    std::unique_ptr<SessionExtras> extras;
    std::string username;  // of the last connection, for access rules
    bool has_username = false;
    bool restored = false;    // from disk, and its client has not come since
    auth::ProfileId profile;  // while there is a policy

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
    std::optional<std::string_view> user() const {
        return has_username ? std::optional<std::string_view>(username) : std::nullopt;
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
    /// The subscription to this filter; nullptr: none. @cost a binary search
    HeldFilter* find_subscription(topic::FilterId filter);
    /// One more, to a filter that it does not have. The pointer is good until the next change.
    HeldFilter* add_subscription(topic::FilterId filter);
    /// It has that one.
    void remove_subscription(topic::FilterId filter);
    /// A free identifier, counting up from the last, never one in flight [MQTT5-2.2.1-4]. Inflight
    /// is bounded below 65535.
    PacketId next_packet_id();
};

static_assert(sizeof(Session) <= 256, "docs/adr: idle memory");

}  // namespace godwit::broker
