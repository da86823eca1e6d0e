// What a broker is told once: limits, features, listeners' policies. Checked by src/config before
// it gets here.
#pragma once

#include "base/rate_line.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace godwit::broker {

/// The answer to a message that finds a queue full. Of QoS 0 the newest is dropped, whatever is
/// said here, but for DropOldest where the oldest is of QoS 0 too.
enum class WhenFull : uint8_t {
    DropNewest,
    Refuse,      // PUBACK or PUBREC QuotaExceeded; who cannot be told so: as DropNewest
    DropOldest,  // of what waits for the same session, never what is in flight
    EndSession,  // its client is disconnected with QuotaExceeded, its queue is lost
};

/// How fast clients may send. Who is faster is not read until it is its turn; nothing is lost.
struct RateLimits {
    uint32_t publish_rate = 0;   // PUBLISH packets a second; 0: no limit
    uint32_t publish_burst = 0;  // at once, after a pause; 0: as many as a second gives
    uint32_t byte_rate = 0;      // of MQTT, from CONNACK on, a second; 0: no limit
    uint32_t byte_burst = 0;     // at once, after a pause; 0: as many as a second gives

    bool is_bounded() const { return publish_rate != 0 || byte_rate != 0; }
    Flow publishes() const { return {publish_rate, publish_burst}; }
    Flow bytes() const { return {byte_rate, byte_burst}; }
};

/// Bounds on what all clients of a realm hold together, and on how fast they come in and send. Each
/// has a named answer to "full".
struct RealmLimits {
    uint64_t sessions_max = 0;  // online and offline; refused: CONNACK QuotaExceeded. 0: no bound
    uint64_t connections_max = 0;  // accepted CONNECTs; refused likewise. 0: no bound
    uint32_t connection_rate = 0;  // CONNECTs a second; refused: ConnectionRateExceeded. 0: none
    uint32_t connection_burst = 1000;           // at once, after a pause
    uint64_t subscriptions_max = 0;             // refused: SUBACK QuotaExceeded. 0: no bound
    uint64_t queue_messages_max = 100'000'000;  // that wait for sessions and groups
    uint64_t queue_bytes_max = 64ull << 30;     // that wait for sessions and groups
    WhenFull queue_messages_full = WhenFull::DropNewest;
    WhenFull queue_bytes_full = WhenFull::DropNewest;
    uint64_t retained_messages_max = 10'000'000;
    uint64_t retained_bytes_max = 16ull << 30;
    WhenFull retained_full = WhenFull::DropNewest;  // delivered and not kept; or Refuse
    uint64_t memory_bytes_max = 0;  // see realm_memory.h; refused as scarcity.h says. 0: no bound
    RateLimits rates;
};

/// Bounds on what peers may hold or ask for. Each has a named answer to "full", given beside it.
struct Limits {
    std::chrono::milliseconds connect_timeout{10'000};  // to an accepted CONNECT; then closed
    uint32_t preconnect_bytes_max = 64 * 1024;          // bytes held before CONNECT; then closed
    std::chrono::milliseconds packet_timeout{
        60'000};  // for a packet to come whole, and a second a KiB; then closed. 0: none
    uint32_t takeovers_max = 10;  // of one client id in `takeover_window`; refused: ServerBusy
    std::chrono::milliseconds takeover_window{60'000};
    uint32_t packet_bytes_max = 32 * 1024 * 1024;  // refused: PacketTooLarge, closed
    uint32_t properties_max = 256;                 // a packet; refused: QuotaExceeded, closed
    uint32_t filters_max = 1024;                   // a SUBSCRIBE; refused: QuotaExceeded, closed
    uint32_t topic_levels_max = 128;      // refused: TopicNameInvalid or TopicFilterInvalid
    uint32_t subscriptions_max = 10'000;  // a session; refused: SUBACK QuotaExceeded
    uint16_t topic_alias_max = 64;        // told to clients; more is TopicAliasInvalid, closed
    uint16_t topic_alias_out_max = 64;    // aliases the broker makes for a client that allows more
    uint16_t receive_maximum =
        1024;  // told to clients; more is ReceiveMaximumExceeded, closed; 3.x waits
    uint16_t inflight_max =
        1024;  // unacknowledged messages towards one client; the rest waits in the queue
    uint32_t queue_messages_max = 100'000;            // that wait for a session
    uint64_t queue_bytes_max = 256ull * 1024 * 1024;  // that wait for a session
    WhenFull queue_messages_full = WhenFull::DropNewest;
    WhenFull queue_bytes_full = WhenFull::DropNewest;
    RealmLimits realm;  // of each realm that has none of its own
    uint32_t group_messages_max =
        100'000;  // a shared group without a ready member; newest is dropped and counted
    uint64_t output_bytes_max =
        32ull * 1024 * 1024;  // unsent to one connection; QoS 0 dropped and counted, QoS 1/2 wait
    uint32_t session_expiry_max_s =
        7 * 24 * 3600;             // longer wishes are cut to this and told in CONNACK
    uint16_t keepalive_max_s = 0;  // 0: the client's value holds; else Server Keep Alive
    bool queue_qos0 = false;       // keep QoS 0 messages for offline sessions
    RateLimits client_rates;       // of each client
};

/// One realm: a tenant's broker.
struct RealmOptions {
    std::string name = "default";
    bool is_open = true;  // the configuration names it; else it is what lies on disk, for nobody
    std::optional<RealmLimits> limits = {};  // nullopt: those of Limits::realm
};

/// Who names the realm of a connection; whoever names none is in the listener's.
enum class RealmBy : uint8_t {
    Listener,    // nobody else
    ServerName,  // the first label of the name that the client asked TLS for
    User,        // what comes after the last '@' of the user name
};

/// What a shard must know of the listener a connection came through.
struct ListenerPolicy {
    uint16_t realm = 0;  // index into BrokerOptions::realms
    RealmBy realm_by = RealmBy::Listener;
    bool allow_anonymous = true;        // without a user name
    bool check_password = false;        // user name and password go to the authenticator
    bool certificate_username = false;  // who shows a certificate is the user it names
    uint32_t connection_bytes = 180;    // of memory that one takes while nothing is under way
    RateLimits rates;                   // of all its clients
    std::string name;                   // URL, for logs
};

struct BrokerOptions {
    Limits limits;
    std::vector<RealmOptions> realms{RealmOptions{}};
    std::vector<ListenerPolicy> listeners{ListenerPolicy{}};
    std::string server_reference;  // sent with UseAnotherServer / ServerMoved / ServerShuttingDown;
                                   // empty: none
    std::string response_information;       // prefix for response topics; empty: none is returned
    std::vector<std::string> auth_methods;  // enhanced authentication the authenticator knows
};

}  // namespace godwit::broker
