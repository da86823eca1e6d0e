// History: what was seen of a run, in virtual time, by those outside: the clients and the wires.
// The checkers (check.h) read it and nothing else, so that they judge the broker by what it did.
#pragma once

#include "base/instant.h"
#include "broker/options.h"
#include "mqtt/packets.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::sim {

inline constexpr uint32_t kNone = 0xffff'ffff;

/// A message as its publisher meant it. Index in History::messages: its number, also in its
/// payload.
struct MessageFacts {
    uint32_t publisher = kNone;  // client
    std::string topic;
    uint8_t qos = 0;
    bool retain = false;
    bool empty = false;  // clears a retained value
    bool will = false;
    uint32_t delay_s = 0;  // of a will
    std::optional<uint32_t> expiry_s;
    uint32_t bytes = 0;  // of its payload
    uint16_t home = 0;   // shard of its topic
};

/// A turn of a shard, and when it was. Turns of all shards are counted together.
struct Moment {
    Instant at = kNever;
    uint64_t turn = 0;
    bool happened() const { return at != kNever; }
};

/// How far a byte stream had come at a moment.
struct Mark {
    uint64_t offset = 0;
    Moment moment;
};

/// One connection, as the broker's end of the wire saw it.
struct ConnectionFacts {
    uint32_t client = kNone;
    mqtt::Version version = mqtt::Version::V5;
    bool clean_start = false;
    uint32_t expiry_s = 0;  // as wished, 3.x translated; see granted_expiry()
    uint16_t keepalive_s = 0;
    uint16_t receive_maximum = 65535;
    uint32_t will = kNone;  // message
    Moment accepted;        // the broker wrote CONNACK with success
    bool session_present = false;
    Moment closed;  // the broker closed it, or was told that it is gone
    bool ever_paused = false;
    uint64_t most_unsent_bytes = 0;                 // that the network had no room for
    uint64_t accepted_order = 0, closed_order = 0;  // of all such events of the run; 0: never
    Instant last_read = kNever;
    std::vector<Mark> reads;      // of what the client sent
    uint64_t connect_offset = 0;  // where its CONNECT ends
    // DISCONNECT of the client, if it sent one
    bool said_goodbye = false;
    uint64_t goodbye_offset = 0;
    bool goodbye_with_will = false;
    std::optional<uint32_t> goodbye_expiry_s;

    /// When the broker read the byte before `offset` of the client's stream.
    Moment read(uint64_t offset) const;
    /// The broker read the client's DISCONNECT.
    bool goodbye_was_read() const { return said_goodbye && read(goodbye_offset).happened(); }
};

struct Event {
    enum class Kind : uint8_t {
        Connect,       // client sent CONNECT
        Connack,       // client got it: reason, flag = session present
        Publish,       // client sent: message, qos, dup, packet_id
        Puback,        // client got
        Pubrec,        // client got
        Pubrel,        // client sent
        Pubcomp,       // client got
        Received,      // client got a PUBLISH: see fresh
        Acked,         // client sent PUBACK or PUBCOMP for `message`
        Subscribe,     // client sent one filter of a SUBSCRIBE: text, options, number = identifier
        Suback,        // client got the answer for one filter
        Unsubscribe,   // client sent: text
        Unsuback,      // client got
        Disconnect,    // client sent
        Disconnected,  // client got: reason
        Closed,        // client learnt that the connection is gone
        SessionLost,   // client forgot its session: the broker has none
        Dropped,       // the broker said so: client, text = topic, why = reason
        Fault,         // the broker broke a rule of the protocol: why
        Unsettled,     // at the end of the quiet phase: why
        Gauge,         // at the end of the quiet phase: text = name, number = value
        Action,        // the script did: text
    };
    Kind kind = Kind::Action;
    Instant at;
    uint32_t client = kNone;
    uint32_t connection = kNone;
    uint32_t message = kNone;
    uint16_t packet_id = 0;
    uint8_t qos = 0;
    bool dup = false;
    bool retain = false;
    bool fresh = false;  // Received: new to the application; not a QoS 2 message known by its id
    bool flag = false;
    mqtt::ReasonCode reason = mqtt::ReasonCode::Success;
    mqtt::SubscriptionOptions options;
    uint32_t number = 0;
    std::vector<uint32_t> ids;         // Received: subscription identifiers
    std::optional<uint32_t> expiry_s;  // Received: as forwarded
    uint64_t offset = 0;               // sent: where it ends in the client's stream
    Moment broker;  // received: when the broker wrote it; sent: when it read it, see resolve()
    std::string text;
    std::string why;
};

/// One publish on its way from a shard to another.
struct Hop {
    uint32_t message = kNone;
    uint64_t posted_turn = 0;
    uint64_t handled_turn = 0;  // 0: never
    bool again = false;         // posted by a restart, for what came before it
};

/// What a start found damaged.
struct Damage {
    Moment found;
    uint16_t shard = 0;
    std::string what;
};

/// From `from` to `until` what a shard wrote may not have reached its disk as soon as usual.
struct Trouble {
    Instant from, until;
};

/// The time of day jumped.
struct ClockStep {
    Instant at;
    Duration by{};
};

struct History {
    uint64_t seed = 0;
    broker::Limits limits;
    std::vector<std::string> clients;  // ids
    std::vector<MessageFacts> messages;
    std::vector<ConnectionFacts> connections;
    std::vector<Event> events;
    std::vector<Hop> hops;
    std::vector<Moment> crashes;  // in order; the broker is there again at the same instant
    std::vector<Duration> jumps;  // of the broker's clock, at each of them
    std::vector<Damage> damages;
    std::vector<Trouble> troubles;  // in order, none overlaps another
    std::vector<ClockStep> steps;
    std::vector<uint16_t> homes;  // shards of clients
    Instant quiet;                // faults ended
    Instant end;

    /// Fills Event::broker of what clients sent.
    void resolve();
    /// Session expiry that the broker owes this connection's session, after its DISCONNECT if that
    /// was read.
    uint32_t granted_expiry(const ConnectionFacts& connection) const;
    /// The first crash after `from`, if it came no later than `within` after it, troubles of the
    /// disks aside; nullptr: none did.
    const Moment* crash_after(const Moment& from, Duration within) const;
    /// When `length` has first passed on the broker's clock since `from`, as far as crashes up to
    /// turn `until` tell.
    Instant due(const Moment& from, Duration length, uint64_t until = UINT64_MAX) const;
    /// The same, where each crash that came no later than `within` after that has undone what it
    /// led to: the clock may have gone back, and what was due is due later.
    Instant due_at_last(const Moment& from, Duration length, Duration within,
                        uint64_t until = UINT64_MAX) const;
    void add_trouble(Instant from, Instant until);

private:
    /// `until` came no later than `within` after `from`, troubles of the disks aside.
    bool is_soon(Instant from, Instant until, Duration within) const;
};

/// "12.345678 c1 #4 PUBLISH m17 t/1 qos 2 id 5"
std::string text_of(const History& history, const Event& event);
std::string time_text(Instant at);
/// The last `count` events that have to do with `client` (kNone: with anybody), one a line.
std::string tail_of(const History& history, size_t count, uint32_t client = kNone);

/// "m17;xxxx", `bytes` long if that is longer.
std::string payload_of(uint32_t message, uint32_t bytes);
/// kNone when it is no such payload, or damaged.
uint32_t message_of(std::string_view payload);

/// The clock of every run begins here.
inline constexpr Instant kBegin{std::chrono::hours(1000)};

}  // namespace godwit::sim
