// Checkers: one for each promise, a pure function from a history to what it breaks. Written against
// the specification and the design's promises, not against the code: they know clients, wires and
// time, and nothing of shards' insides. Where the specification leaves a choice, or a fault of the
// network makes it impossible to know, they are content; so a violation is always one.
#pragma once

#include "sim/view.h"

#include <span>
#include <string>
#include <vector>

namespace godwit::sim {

struct Violation {
    const char* checker = "";
    std::string what;
    Instant at = kNever;      // where to look
    uint32_t client = kNone;  // whose part of the history to look at
};
using Violations = std::vector<Violation>;

/// A QoS 1 or 2 message that was acknowledged reaches every session that had subscribed before it
/// was sent and has not unsubscribed or ended since, unless the broker says that it dropped it. One
/// of QoS 0 that the broker has read reaches those that are there all the time. [MQTT5-4.3.2-4]
/// [MQTT5-4.3.3-8] [MQTT5-4.5.0-1]
Violations check_delivery(const View& view);
/// QoS 2 never twice, into the system or out of it; QoS 1 again only if sent again or marked DUP;
/// QoS 0 never again. [MQTT5-4.3.3-10] [MQTT5-3.3.1-1] [MQTT5-4.4.0-1]
Violations check_duplicates(const View& view);
/// Messages of one publisher, topic and QoS come in their order. [MQTT5-4.6.0-5] [MQTT5-4.6.0-6]
Violations check_order(const View& view);
/// A new subscription gets the retained value, or a younger one, and never an older one; no session
/// sees an older value after a younger one; what was cleared is gone. [MQTT5-3.3.1-5] ..
/// [MQTT5-3.3.1-9]
Violations check_retained(const View& view);
/// One live connection for a client id. [MQTT5-3.1.4-3]
Violations check_takeover(const View& view);
/// Session present says what the broker has, and a session ends when it is due. [MQTT5-3.1.2-4]
/// [MQTT5-3.2.2-2] [MQTT5-3.2.2-3] [MQTT5-3.1.2-23]
Violations check_session_present(const View& view);
/// A will comes once when it is owed, and never when it is not. [MQTT5-3.1.2-8] [MQTT5-3.1.2-10]
/// [MQTT5-3.1.3-9] [MQTT5-3.14.4-3]
Violations check_wills(const View& view);
/// A silent client is closed after one and a half keep alives, and not before. [MQTT5-3.1.2-22]
Violations check_keep_alive(const View& view);
/// A group gets each message once, and again only when the member that had it has left; members
/// that are away are not fed. [MQTT5-4.8.2-4] .. [MQTT5-4.8.2-6]
Violations check_shared(const View& view);
/// Nothing is sent after its expiry, and nothing is dropped before; what is left is told rightly.
/// [MQTT5-3.3.2-5] [MQTT5-3.3.2-6]
Violations check_expiry(const View& view);
/// What comes was subscribed to: filter, QoS, No Local, RETAIN flag, subscription identifiers.
/// [MQTT5-3.3.4-2] .. [MQTT5-3.3.4-5] [MQTT5-3.8.3-3] [MQTT5-3.10.4-2] [MQTT5-3.3.1-12]
Violations check_subscriptions(const View& view);
/// PUBACK and PUBREC leave when every shard that takes the message has it. Mail that a crash
/// destroyed counts for acknowledgements before the crash.
Violations check_acknowledgements(const View& view);
/// Bytes unsent to one client stay below the limit; messages are dropped for limits only that are
/// set.
Violations check_bounds(const View& view);
/// The broker's clock goes on across a restart: by what passed, and by what the time of day jumped
/// forward meanwhile; backwards no further than it ran.
Violations check_clock(const View& view);
/// Every packet of the broker is well formed and legal for the state of its connection; at the end
/// nobody waits for anything. Seen by the clients themselves.
Violations check_protocol(const View& view);

struct Checker {
    const char* name;
    Violations (*check)(const View&);
};
std::span<const Checker> checkers();
/// All of them.
Violations check(const History& history);

/// How late a shard may be with what time alone makes due.
inline constexpr Duration kSlack = std::chrono::milliseconds(400);

}  // namespace godwit::sim
