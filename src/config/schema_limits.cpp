// The rows of [limits] and [mqtt]: what ends up in broker::BrokerOptions.
#include "config/schema_rows.h"

namespace godwit::config {
namespace {

using broker::BrokerOptions;
using broker::Limits;
using broker::RateLimits;

constexpr uint32_t kU16Max = 65535;
constexpr uint32_t kPacketBytesMax = 268435460;  // 5 bytes of header, 268435455 of rest
constexpr uint32_t kMiB = 1024 * 1024;
constexpr uint32_t kWeekSeconds = 7 * 24 * 3600;

template <auto... Path>
constexpr auto limit() {
    return member<Options, &Options::broker, &BrokerOptions::limits, Path...>();
}
template <auto Path>
constexpr auto mqtt() {
    return member<Options, &Options::broker, Path>();
}

template <auto Path>
constexpr auto server() {
    return member<Options, &Options::server, Path>();
}

const Row<Options> kLimits[] = {
    {{.section = "limits",
      .name = "address_connections_max",
      .type = Type::Number,
      .unit = "connections",
      .range = {0, kU32Max},
      .initial = 0u,
      .doc = "Connections of one address (IPv4, or a /64 of IPv6) at one time; more are closed at "
             "once, before TLS. Behind a PROXY header it is the address in there. 0: no limit, "
             "since a whole fleet may share one address behind NAT or a load balancer."},
     server<&ServerOptions::address_connections_max>()},
    {{.section = "limits",
      .name = "address_connection_rate",
      .type = Type::Number,
      .unit = "connections/s",
      .range = {0, kU32Max},
      .initial = 0u,
      .doc =
          "New connections of one address; what comes faster is closed at once, before TLS. 0: no "
          "limit, for the same reason."},
     server<&ServerOptions::address_rate>()},
    {{.section = "limits",
      .name = "address_connection_burst",
      .type = Type::Number,
      .unit = "connections",
      .range = {1, kU32Max},
      .initial = 100u,
      .doc = "With address_connection_rate: so many may come at once after a pause."},
     server<&ServerOptions::address_burst>()},
    {{.section = "limits",
      .name = "takeovers_max",
      .type = Type::Number,
      .unit = "takeovers",
      .range = {0, kU16Max},
      .initial = 10u,
      .doc =
          "How often in takeover_window_s a client id that is connected may be taken over by a "
          "new connection. Two devices with one client id do so for ever: the newcomer is refused "
          "with Server busy, and named with its rival in the log and by `godwit why`. 0: no "
          "limit."},
     limit<&Limits::takeovers_max>()},
    {{.section = "limits",
      .name = "takeover_window_s",
      .type = Type::Number,
      .unit = "s",
      .range = {1, 86400},
      .initial = 60u,
      .doc = "See takeovers_max."},
     limit<&Limits::takeover_window>()},
    {{.section = "limits",
      .name = "packet_timeout_s",
      .type = Type::Number,
      .unit = "s",
      .range = {0, 86400},
      .initial = 60u,
      .doc =
          "Time for a packet to come whole once its first byte is there, and a second more for "
          "each KiB of it. Then the connection is closed, whatever its keep alive. 0: no limit."},
     limit<&Limits::packet_timeout>()},
    {{.section = "limits",
      .name = "connect_timeout_s",
      .type = Type::Number,
      .unit = "s",
      .range = {1, 3600},
      .initial = 10u,
      .doc = "Time from the connection to an accepted CONNECT, TLS and WebSocket "
             "handshakes included. Then it is closed."},
     limit<&Limits::connect_timeout>()},
    {{.section = "limits",
      .name = "preconnect_bytes_max",
      .type = Type::Number,
      .unit = "bytes",
      .range = {1024, 16 * kMiB},
      .initial = 64u * 1024,
      .doc = "Bytes held for a connection before its CONNECT is accepted. One that needs "
             "more is closed."},
     limit<&Limits::preconnect_bytes_max>()},
    {{.section = "limits",
      .name = "packet_bytes_max",
      .type = Type::Number,
      .unit = "bytes",
      .range = {1024, kPacketBytesMax},
      .initial = 32u * kMiB,
      .doc = "Largest packet taken from a client, and told to MQTT 5.0 clients. A larger "
             "one is refused with Packet too large and the connection closed. The largest "
             "that MQTT can say is 268435460."},
     limit<&Limits::packet_bytes_max>()},
    {{.section = "limits",
      .name = "properties_max",
      .type = Type::Number,
      .unit = "properties",
      .range = {8, kU16Max},
      .initial = 256u,
      .doc = "Properties in one packet, user properties included. More are refused with "
             "Quota exceeded and the connection is closed."},
     limit<&Limits::properties_max>()},
    {{.section = "limits",
      .name = "filters_per_packet_max",
      .type = Type::Number,
      .unit = "filters",
      .range = {1, kU16Max},
      .initial = 1024u,
      .doc = "Topic filters in one SUBSCRIBE or UNSUBSCRIBE. More are refused with Quota "
             "exceeded and the connection is closed."},
     limit<&Limits::filters_max>()},
    {{.section = "limits",
      .name = "topic_levels_max",
      .type = Type::Number,
      .unit = "levels",
      .range = {1, 32768},
      .initial = 128u,
      .doc = "Levels of a topic name or filter, counted as one more than its slashes. "
             "Deeper ones are refused as not valid."},
     limit<&Limits::topic_levels_max>()},
    {{.section = "limits",
      .name = "subscriptions_per_client_max",
      .type = Type::Number,
      .unit = "subscriptions",
      .range = {1, kU32Max},
      .initial = 10'000u,
      .doc = "Subscriptions of one session. The SUBACK refuses more with Quota exceeded."},
     limit<&Limits::subscriptions_max>()},
    {{.section = "limits",
      .name = "topic_alias_max",
      .type = Type::Number,
      .unit = "aliases",
      .range = {0, kU16Max},
      .initial = 64u,
      .doc = "Topic aliases that MQTT 5.0 clients may use, told in CONNACK. 0: none."},
     limit<&Limits::topic_alias_max>()},
    {{.section = "limits",
      .name = "topic_alias_out_max",
      .type = Type::Number,
      .unit = "aliases",
      .range = {0, kU16Max},
      .initial = 64u,
      .doc = "Topic aliases that the broker itself makes for a client that allows as many. "
             "0: none."},
     limit<&Limits::topic_alias_out_max>()},
    {{.section = "limits",
      .name = "receive_maximum",
      .type = Type::Number,
      .unit = "messages",
      .range = {1, kU16Max},
      .initial = 1024u,
      .doc = "Messages of QoS 1 and 2 that a client may send before the first is "
             "acknowledged, told in CONNACK. More from an MQTT 5.0 client close the "
             "connection; older clients wait."},
     limit<&Limits::receive_maximum>()},
    {{.section = "limits",
      .name = "inflight_max",
      .type = Type::Number,
      .unit = "messages",
      .range = {1, kU16Max},
      .initial = 1024u,
      .doc = "Messages of QoS 1 and 2 sent to a client before it acknowledges the first, "
             "also when the client would take more. The others wait in its queue."},
     limit<&Limits::inflight_max>()},
    {{.section = "limits",
      .name = "queue_messages_max",
      .type = Type::Number,
      .unit = "messages",
      .range = {1, kU32Max},
      .initial = 100'000u,
      .doc = "Messages that wait for one session."},
     limit<&Limits::queue_messages_max>()},
    {{.section = "limits",
      .name = "queue_messages_full",
      .type = Type::Choice,
      .choices = kWhenFull,
      .initial = "drop_newest",
      .doc = "What follows when as many wait. drop_newest: the new message is dropped; refuse: its "
             "publisher is told Quota exceeded, and where that cannot be said it is dropped; "
             "drop_oldest: what has waited longest makes room; end_session: the session ends with "
             "its queue. A message of QoS 0 is dropped, whatever is chosen, but may take the place "
             "of another. Every loss is counted by its reason."},
     limit<&Limits::queue_messages_full>()},
    {{.section = "limits",
      .name = "queue_bytes_max",
      .type = Type::Number,
      .unit = "bytes",
      .range = {1024, kBytesMax},
      .initial = 256u * kMiB,
      .doc = "Bytes that wait for one session: topics, properties, payloads, and 48 for each "
             "message."},
     limit<&Limits::queue_bytes_max>()},
    {{.section = "limits",
      .name = "queue_bytes_full",
      .type = Type::Choice,
      .choices = kWhenFull,
      .initial = "drop_newest",
      .doc = "What follows when one more message would be above queue_bytes_max; as "
             "queue_messages_full."},
     limit<&Limits::queue_bytes_full>()},
    {{.section = "limits",
      .name = "queue_qos0",
      .type = Type::Flag,
      .initial = false,
      .doc = "Messages of QoS 0 are kept for sessions that are offline, too."},
     limit<&Limits::queue_qos0>()},
    {{.section = "limits",
      .name = "group_messages_max",
      .type = Type::Number,
      .unit = "messages",
      .range = {1, kU32Max},
      .initial = 100'000u,
      .doc = "Messages that wait for a shared subscription of which no member is ready. "
             "When it is full the newest is dropped and counted."},
     limit<&Limits::group_messages_max>()},
    {{.section = "limits",
      .name = "output_bytes_max",
      .type = Type::Number,
      .unit = "bytes",
      .range = {64 * 1024, kBytesMax},
      .initial = 32u * kMiB,
      .doc = "Bytes not yet sent on one connection. Beyond it messages of QoS 0 are "
             "dropped and counted, and those of QoS 1 and 2 wait in the queue. Keep it no "
             "smaller than the largest message."},
     limit<&Limits::output_bytes_max>()},
    {{.section = "limits",
      .name = "session_expiry_max_s",
      .type = Type::Number,
      .unit = "s",
      .range = {0, kU32Max},
      .initial = kWeekSeconds,
      .doc = "Longest time that a session is kept after its connection has ended. An MQTT "
             "5.0 client that asks for more gets this and is told so in CONNACK; it is "
             "also what a client of MQTT 3.1 or 3.1.1 without clean session gets."},
     limit<&Limits::session_expiry_max_s>()},
    {{.section = "limits",
      .name = "keepalive_max_s",
      .type = Type::Number,
      .unit = "s",
      .range = {0, kU16Max},
      .initial = 0u,
      .doc = "Longest keep alive. An MQTT 5.0 client that asks for more, or for none, is "
             "told to use this instead. 0: the client's value holds."},
     limit<&Limits::keepalive_max_s>()},
    {{.section = "limits",
      .name = "client_publish_rate",
      .type = Type::Number,
      .unit = "publishes/s",
      .range = {0, kU32Max},
      .initial = 0u,
      .doc = "PUBLISH packets of one client. What comes faster is not refused and not lost: the "
             "client is not read until it is its turn; see docs/limits.md. 0: no limit."},
     limit<&Limits::client_rates, &RateLimits::publish_rate>()},
    {{.section = "limits",
      .name = "client_publish_burst",
      .type = Type::Number,
      .unit = "publishes",
      .range = {0, kU32Max},
      .initial = 0u,
      .doc = "With client_publish_rate: so many may come at once after a pause, and no more QoS 1 "
             "and 2 may be under way (receive_maximum). 0: as many as a second gives."},
     limit<&Limits::client_rates, &RateLimits::publish_burst>()},
    {{.section = "limits",
      .name = "client_byte_rate",
      .type = Type::Number,
      .unit = "bytes/s",
      .range = {0, kU32Max},
      .initial = 0u,
      .doc = "Bytes of MQTT of one client, of all its packets from CONNACK on; as "
             "client_publish_rate. 0: no limit."},
     limit<&Limits::client_rates, &RateLimits::byte_rate>()},
    {{.section = "limits",
      .name = "client_byte_burst",
      .type = Type::Number,
      .unit = "bytes",
      .range = {0, kU32Max},
      .initial = 0u,
      .doc = "With client_byte_rate: so many may come at once after a pause. A packet that is "
             "larger is taken when nothing else was for as long as a burst takes, and paid for "
             "afterwards. 0: as many as a second gives."},
     limit<&Limits::client_rates, &RateLimits::byte_burst>()},
};

const Row<Options> kMqtt[] = {
    {{.section = "mqtt",
      .name = "server_reference",
      .initial = "",
      .doc = "Other servers, told to clients that are sent away when this one shuts down. Empty: "
             "none."},
     mqtt<&BrokerOptions::server_reference>()},
    {{.section = "mqtt",
      .name = "response_information",
      .initial = "",
      .doc = "Beginning of the response topics, for clients that ask for response information. "
             "Empty: none is told."},
     mqtt<&BrokerOptions::response_information>()},
};

}  // namespace

std::span<const Row<Options>> limits_rows() {
    return kLimits;
}
std::span<const Row<Options>> mqtt_rows() {
    return kMqtt;
}

}  // namespace godwit::config
