// What bounds a realm: rows of [limits], for every realm, and of [[realm]], for one.
#include "config/schema_rows.h"

namespace godwit::config {
namespace {

using broker::BrokerOptions;
using broker::Limits;
using broker::RateLimits;
using broker::RealmLimits;

constexpr uint64_t kCountMax = uint64_t(1) << 40;
constexpr std::string_view kWhenRetainedFull[] = {"drop_newest", "refuse"};

/// One bound, as a key of [limits] and as one of [[realm]].
struct Bound {
    Key key;
    Member<Options> of_all;
    Member<RealmLimits> of_one;
};
template <auto... Path>
constexpr Bound bound(Key key) {
    return {key,
            member<Options, &Options::broker, &BrokerOptions::limits, &Limits::realm, Path...>(),
            member<RealmLimits, Path...>()};
}

const Bound kBounds[] = {
    bound<&RealmLimits::sessions_max>(
        {.section = "limits",
         .name = "realm_sessions_max",
         .type = Type::Number,
         .unit = "sessions",
         .range = {0, kCountMax},
         .initial = 0u,
         .doc =
             "Sessions of a realm, online and offline. A client that would need one more is "
             "refused "
             "with Quota exceeded (MQTT 3.x: server unavailable). With several shards a realm may "
             "have a sixteenth more. 0: no limit."}),
    bound<&RealmLimits::connections_max>(
        {.section = "limits",
         .name = "realm_connections_max",
         .type = Type::Number,
         .unit = "connections",
         .range = {0, kCountMax},
         .initial = 0u,
         .doc =
             "Clients of a realm that are connected at one time, counted once their CONNECT is "
             "accepted: before it nobody knows the realm. One more is refused with Quota exceeded "
             "(MQTT 3.x: server unavailable); one that takes over its own connection is not more. "
             "With several shards a realm may have a sixteenth more. 0: no limit."}),
    bound<&RealmLimits::connection_rate>(
        {.section = "limits",
         .name = "realm_connection_rate",
         .type = Type::Number,
         .unit = "connections/s",
         .range = {0, kU32Max},
         .initial = 0u,
         .doc = "Clients of a realm that may come in; what comes faster is refused with Connection "
                "rate exceeded (MQTT 3.x: server unavailable), once it has said who it is. Each "
                "shard lets in its share. 0: no limit."}),
    bound<&RealmLimits::connection_burst>(
        {.section = "limits",
         .name = "realm_connection_burst",
         .type = Type::Number,
         .unit = "connections",
         .range = {1, kU32Max},
         .initial = 1000u,
         .doc = "With realm_connection_rate: so many may come at once after a pause."}),
    bound<&RealmLimits::subscriptions_max>(
        {.section = "limits",
         .name = "realm_subscriptions_max",
         .type = Type::Number,
         .unit = "subscriptions",
         .range = {0, kCountMax},
         .initial = 0u,
         .doc = "Subscriptions of all sessions of a realm. The SUBACK refuses more with Quota "
                "exceeded "
                "(MQTT 3.x: failure). With several shards a realm may have a sixteenth more. 0: no "
                "limit."}),
    bound<&RealmLimits::memory_bytes_max>(
        {.section = "limits",
         .name = "realm_memory_bytes_max",
         .type = Type::Number,
         .unit = "bytes",
         .range = {0, kBytesMax},
         .initial = 0u,
         .doc =
             "Memory for what a realm holds: sessions, connections, subscriptions, queued and "
             "retained messages, what is in flight, unread and unsent, added up. From 80 % of it "
             "on its clients are answered as all are from 80 % of server.memory_bytes_max on, "
             "from 92 % on as from 92 %; those of other realms are not. See limits.md. With "
             "several shards a sixteenth more may pass unseen. 0: no bound."}),
    bound<&RealmLimits::queue_messages_max>(
        {.section = "limits",
         .name = "realm_queue_messages_max",
         .type = Type::Number,
         .unit = "messages",
         .range = {1, kBytesMax},
         .initial = 100'000'000u,
         .doc =
             "Messages that wait for all sessions and shared subscriptions of a realm, counted for "
             "each that they wait for. With several shards a realm may hold a sixteenth more."}),
    bound<&RealmLimits::queue_messages_full>(
        {.section = "limits",
         .name = "realm_queue_messages_full",
         .type = Type::Choice,
         .choices = kWhenFull,
         .initial = "drop_newest",
         .doc =
             "What follows when as many wait; as queue_messages_full, for the session that the new "
             "message is for. Of a shared subscription the newest is dropped or refused."}),
    bound<&RealmLimits::queue_bytes_max>(
        {.section = "limits",
         .name = "realm_queue_bytes_max",
         .type = Type::Number,
         .unit = "bytes",
         .range = {1024, kBytesMax},
         .initial = uint64_t(64) << 30,
         .doc = "Bytes that wait for all sessions and shared subscriptions of a realm, counted for "
                "each that they wait for. Without server.data they are in memory: choose what the "
                "machine has. With several shards a realm may hold a sixteenth more."}),
    bound<&RealmLimits::queue_bytes_full>(
        {.section = "limits",
         .name = "realm_queue_bytes_full",
         .type = Type::Choice,
         .choices = kWhenFull,
         .initial = "drop_newest",
         .doc = "What follows when one more message would be above realm_queue_bytes_max; as "
                "realm_queue_messages_full."}),
    bound<&RealmLimits::retained_messages_max>(
        {.section = "limits",
         .name = "retained_messages_max",
         .type = Type::Number,
         .unit = "messages",
         .range = {0, kBytesMax},
         .initial = 10'000'000u,
         .doc = "Retained messages of a realm. With several shards it may hold a sixteenth more."}),
    bound<&RealmLimits::retained_bytes_max>(
        {.section = "limits",
         .name = "retained_bytes_max",
         .type = Type::Number,
         .unit = "bytes",
         .range = {1024, kBytesMax},
         .initial = uint64_t(16) << 30,
         .doc = "Memory of a realm's retained messages: choose what the machine has. With several "
                "shards it may hold a sixteenth more."}),
    bound<&RealmLimits::retained_full>(
        {.section = "limits",
         .name = "retained_full",
         .type = Type::Choice,
         .choices = kWhenRetainedFull,
         .initial = "drop_newest",
         .doc =
             "What follows when a retained message has no room. drop_newest: it is delivered and "
             "not kept, its topic has no retained message then, and the log says so; refuse: its "
             "publisher is told Quota exceeded, and where that cannot be said it is as with "
             "drop_newest."}),
    bound<&RealmLimits::rates, &RateLimits::publish_rate>(
        {.section = "limits",
         .name = "realm_publish_rate",
         .type = Type::Number,
         .unit = "publishes/s",
         .range = {0, kU32Max},
         .initial = 0u,
         .doc = "PUBLISH packets of all clients of a realm together, which take turns; as "
                "client_publish_rate. 0: no limit."}),
    bound<&RealmLimits::rates, &RateLimits::publish_burst>(
        {.section = "limits",
         .name = "realm_publish_burst",
         .type = Type::Number,
         .unit = "publishes",
         .range = {0, kU32Max},
         .initial = 0u,
         .doc = "With realm_publish_rate, as client_publish_burst. 0: as many as a second gives."}),
    bound<&RealmLimits::rates, &RateLimits::byte_rate>(
        {.section = "limits",
         .name = "realm_byte_rate",
         .type = Type::Number,
         .unit = "bytes/s",
         .range = {0, kU32Max},
         .initial = 0u,
         .doc = "Bytes of MQTT of all clients of a realm together; as client_byte_rate. 0: no "
                "limit."}),
    bound<&RealmLimits::rates, &RateLimits::byte_burst>(
        {.section = "limits",
         .name = "realm_byte_burst",
         .type = Type::Number,
         .unit = "bytes",
         .range = {0, kU32Max},
         .initial = 0u,
         .doc = "With realm_byte_rate, as client_byte_burst. 0: as many as a second gives."}),
};

std::vector<Row<Options>> rows_of_all() {
    std::vector<Row<Options>> rows;
    for (const Bound& each : kBounds) rows.push_back({each.key, each.of_all});
    return rows;
}

std::vector<Row<RealmLimits>> rows_of_one() {
    std::vector<Row<RealmLimits>> rows;
    for (const Bound& each : kBounds) {
        Key key = each.key;
        key.section = "realm";
        key.doc = "As in [limits], of this realm alone. Without it that of [limits] holds.";
        rows.push_back({key, each.of_one});
    }
    return rows;
}

}  // namespace

std::span<const Row<Options>> realm_limits_rows() {
    static const std::vector<Row<Options>> kAll = rows_of_all();
    return kAll;
}

std::span<const Row<RealmLimits>> realm_rows() {
    static const std::vector<Row<RealmLimits>> kAll = rows_of_one();
    return kAll;
}

const Key& realm_name_key() {
    static const Key kName{.section = "realm",
                           .name = "name",
                           .doc =
                               "Which realm it is: 1 to 64 of a-z, 0-9, '-', '_' and '.'. One "
                               "that is named here alone exists by that."};
    return kName;
}

}  // namespace godwit::config
