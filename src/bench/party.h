// Client: one connection to the broker under test. Party: what a crowd of clients does with theirs.
#pragma once

#include "base/bytes.h"
#include "base/instant.h"
#include "mqtt/packets.h"
#include "os/fd.h"
#include "transport/wire.h"

#include <memory>

namespace godwit::bench {

class Party;

enum class ClientState : uint8_t {
    Idle,        // no connection
    Queued,      // waits for its turn to connect
    Connecting,  // TCP
    Opening,     // TLS, WebSocket
    Greeting,    // CONNECT is on its way
    Open,
    Leaving,  // DISCONNECT is on its way
};

/// Owned by the Fleet, at one place for the whole run. A party reads it and changes nothing.
struct Client {
    Client(Party& its_party, uint32_t its_number, uint32_t its_slot)
        : party(&its_party), number(its_number), slot(its_slot) {}

    Party* party;
    uint32_t number;  // within its party, from 0
    uint32_t slot;    // within the fleet
    ClientState state = ClientState::Idle;
    bool awake = false;  // its turn comes
    bool hears_of_room = false;
    bool ping_due = false;
    bool said_goodbye = false;
    bool session_present = false;
    uint16_t receive_maximum = 65535;  // what the broker takes at once
    os::Fd fd;
    std::unique_ptr<transport::Wire> wire;
    Buffer unread;  // a packet that is cut off
    Buffer unsent;
    Instant since{};   // the attempt to connect
    Instant pinged{};  // a PINGREQ without answer; zero: none
};

/// Called by the Fleet, on one thread. What is not overridden is not wanted.
class Party {
public:
    virtual ~Party() = default;

    /// Appends CONNECT for this client.
    virtual void greet(const Client& client, Buffer& out) = 0;
    /// Accepted.
    virtual void on_open(Client&, Instant) {}
    /// Its socket takes bytes: what it wants to send is appended to `out`. Comes after every event
    /// of the client, and after Fleet::wake.
    virtual void on_turn(Client&, Instant, Buffer& /*out*/) {}
    virtual void on_message(Client&, const mqtt::Publish&, Instant) {}
    /// PUBREL: a message of QoS 2 that came is done with.
    virtual void on_released(Client&) {}
    /// A message of its own is done with: PUBACK, PUBCOMP, or a refusal.
    virtual void on_done(Client&, const mqtt::Ack&, Instant) {}
    virtual void on_suback(Client&, const mqtt::Suback&, Instant) {}
    /// The connection is over, as it wished or not.
    virtual void on_gone(Client&, Instant) {}
    /// Every turn of the fleet. @return when it has something to do if no event comes first
    virtual Instant on_time(Instant) { return kNever; }
};

}  // namespace godwit::bench
