// Connection: what one transport connection needs while it lasts. A silent one owns no buffer.
#pragma once

#include "auth/subject.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "base/instant.h"
#include "broker/effects.h"
#include "broker/input.h"
#include "broker/session/topic_aliases.h"
#include "mqtt/packets.h"

#include <memory>
#include <optional>
#include <string>

namespace godwit::broker {

/// A CONNECT that waits for the authenticator; of few connections, what came before it.
struct PendingConnect {
    uint8_t header = 0;       // first byte and
    Buffer body;              // body of the CONNECT, decoded again when the verdict comes
    std::string client_id;    // the assigned one where the client sent none
    std::string auth_method;  // enhanced authentication; empty: none
    std::string auth_data;    // the authenticator's last data, for CONNACK
    std::optional<std::string> username;  // as the authenticator says; nullopt: as CONNECT does
    std::string method;  // what it is accepted by: "password", "certificate+token"; empty: nothing
    std::string server_name;  // that it asked TLS for, where that names its realm
    RealmId realm;
    std::string realm_fault;    // why the client can be in no realm; empty: it can
    bool realm_chosen = false;  // by the client, and it is not its listener's
    bool assigned = false;
    std::unique_ptr<const Verdict> verdict;  // made where it came from; null: nobody was asked yet
};

/// What few connections have: what 5.0 clients ask for beyond the common case, and certificates.
struct ConnectionFeatures {
    AliasesIn aliases_in;
    AliasesOut aliases_out;
    std::string
        auth_method;  // enhanced authentication; re-authentication must keep it [MQTT5-4.12.1-1]
    bool reauthenticating = false;
    Instant expires = kNever;  // of what the client has shown: it is disconnected then
    std::unique_ptr<auth::Identity> identity;  // until the session has it; null: none
};

/// What came and was not handled: a cut-off packet, or all unread input while paused.
struct Unhandled {
    Buffer bytes;          // never empty
    uint32_t at = 0;       // so many are handled already; 0 unless paused
    uint32_t since_s = 0;  // of the clock: since when it waits for its rest
    Instant came;          // the last of them
};

/// Why a connection is not read. It is read again when none holds.
enum class Pause : uint8_t {
    Verdict = 1,  // who this is, or the disk, has to be asked first
    Acks = 2,     // a 3.x client with as many publishes unacknowledged as it may have
    Disk = 4,     // the packet at the front of `partial` was not handled: it is handled again from
                  // the start once the disk is well
    Share = 8,    // it had its share of the turn: the rest is for a later one
    Output = 16,  // it does not read what it is answered
    Crossing = 32,  // a shard that takes its publishes of QoS 0 is behind
    Subacks = 64,   // as many of its SUBSCRIBEs and UNSUBSCRIBEs as may wait are not yet answered
    Rate = 128      // the packet at the front of `partial` waits for its turn
};

struct Connection {
    enum class State : uint8_t { AwaitConnect, Authenticating, Online };

    static constexpr ShardId kNowhere{UINT16_MAX};

    ConnectionId id;
    SessionRef session;  // valid while Online
    ListenerId listener;
    mqtt::Version version = mqtt::Version::V5;  // until CONNECT told: see version_known
    State state : 3 = State::AwaitConnect;
    bool version_known : 1 = false;
    bool adopted : 1 = false;  // moved here; never moves again
    bool closing : 1 = false;  // dead at the end of this input: nothing more is read or written
    bool bridge : 1 = false;   // 3.x with the bridge bit: sees RETAIN as published and no echo
    bool problem_information : 1 = true;
    uint8_t pauses = 0;            // set of Pause: reading is stopped
    uint8_t held_subacks = 0;      // its SUBSCRIBEs and UNSUBSCRIBEs not yet answered
    ShardId moving_to = kNowhere;  // its session lives there
    uint16_t keepalive_s = 0;
    uint16_t receive_maximum = 65535;  // what the client takes unacknowledged
    uint16_t held_acks = 0;            // its QoS 1/2 publishes not yet acknowledged by us
    uint16_t held_pubacks = 0;         // of them, at QoS 1
    uint32_t packet_bytes_max = mqtt::kPacketBytesMax;  // what the client takes
    Effects::Link link;
    uint64_t unsent_bytes = 0;   // written and not yet flushed
    Instant silent_since;        // since it was last heard, or could not be because it was not read
    Instant watch_due = kNever;  // its first timer; kNever: none
    std::unique_ptr<Unhandled> partial;  // null: nothing
    std::unique_ptr<PendingConnect> pending;
    std::unique_ptr<ConnectionFeatures> features;

    bool is_moving() const { return moving_to != kNowhere; }
    bool is_paused() const { return pauses != 0; }
    bool is_paused(Pause why) const { return (pauses & uint8_t(why)) != 0; }
    ConnectionFeatures& need_features() {
        if (!features) features = std::make_unique<ConnectionFeatures>();
        return *features;
    }
};

static_assert(sizeof(Connection) <= 96, "docs/adr/0018-idle-memory.md");

}  // namespace godwit::broker
