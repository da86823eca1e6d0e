// Connection: what one transport connection needs while it lasts. A silent one owns no buffer.
#pragma once

#include "base/bytes.h"
#include "base/ids.h"
#include "base/instant.h"
#include "broker/effects.h"
#include "broker/session/topic_aliases.h"
#include "mqtt/packets.h"

#include <memory>
#include <optional>
#include <string>

namespace godwit::broker {

/// A CONNECT that waits for the authenticator.
struct PendingConnect {
    uint8_t header = 0;       // first byte and
    Buffer body;              // body of the CONNECT, decoded again when the verdict comes
    std::string client_id;    // the assigned one where the client sent none
    std::string auth_method;  // enhanced authentication; empty: none
    std::string auth_data;    // the authenticator's last data, for CONNACK
    bool assigned = false;
};

/// What 5.0 clients ask for beyond the common case.
struct ConnectionFeatures {
    AliasesIn aliases_in;
    AliasesOut aliases_out;
    std::string
        auth_method;  // enhanced authentication; re-authentication must keep it [MQTT5-4.12.1-1]
    bool reauthenticating = false;
};

struct Connection {
    enum class State : uint8_t { AwaitConnect, Authenticating, Online };

    ConnectionId id;
    SessionRef session;  // valid while Online
    ListenerId listener;
    State state = State::AwaitConnect;
    mqtt::Version version = mqtt::Version::V5;  // until CONNECT told: see version_known
    bool version_known : 1 = false;
    bool adopted : 1 = false;  // moved here; never moves again
    bool closing : 1 = false;  // dead at the end of this input: nothing more is read or written
    bool paused : 1 = false;   // reading is stopped
    bool bridge : 1 = false;   // 3.x with the bridge bit: sees RETAIN as published and no echo
    bool problem_information : 1 = true;
    bool held_back = false;  // paused, and the packet at the front of `partial` was not handled: it
                             // is handled again from the start
    std::optional<ShardId> moving_to;  // its session lives there
    uint16_t keepalive_s = 0;
    uint16_t receive_maximum = 65535;  // what the client takes unacknowledged
    uint16_t held_acks = 0;            // its QoS 1/2 publishes not yet acknowledged by us
    uint16_t held_pubacks = 0;         // of them, at QoS 1
    uint32_t packet_bytes_max = mqtt::kPacketBytesMax;  // what the client takes
    uint64_t unsent_bytes = 0;                          // written and not yet flushed
    Instant last_received;
    Instant watch_due = kNever;  // its first timer; kNever: none
    Effects::Link link;
    Buffer partial;  // a cut-off packet, or all unread input while paused
    std::unique_ptr<PendingConnect> pending;
    std::unique_ptr<ConnectionFeatures> features;

    ConnectionFeatures& need_features() {
        if (!features) features = std::make_unique<ConnectionFeatures>();
        return *features;
    }
};

static_assert(sizeof(Connection) <= 120, "docs/adr/0018-idle-memory.md");

}  // namespace godwit::broker
