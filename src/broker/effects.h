// Effects: what a turn asks of the outside, in order. Filled by Shard::handle, performed and
// cleared by the driver.
#pragma once

#include "base/ids.h"
#include "broker/envelope.h"
#include "broker/input.h"
#include "store/log.h"

#include <memory>
#include <string>
#include <vector>

namespace godwit::broker {

enum class Severity : uint8_t { Debug, Info, Warning, Error };

/// Something a person may ask about later; becomes one log line.
struct Event {
    Severity severity = Severity::Info;
    const char* name = "";    // "connected", "refused", "disconnected", "dropped", ...
    ConnectionId connection;  // generation 0: none
    RealmId realm;
    std::string client;       // client id; empty while unknown
    std::string reason;       // reason code name or own word
    std::string detail;       // which byte, property, rule, topic
    ConnectionId other = {};  // a second one that it is about; generation 0: none
    // Of a login, accepted or refused, and of one that is ended:
    std::string user = {};    // who it is, or claims to be; empty: nobody
    std::string method = {};  // what it was accepted by: "password", "certificate", ...
    uint32_t count = 1;       // of them in a row; 0: only a line, what it says was told before
    bool quiet = false;       // no line: see refusal_lines.h
    uint32_t untold = 0;      // others of its kind that had no line
};

/// Who somebody claims to be. Answered by a Verdict input, in any order.
struct AuthRequest {
    ConnectionId connection;
    ListenerId listener;
    RealmId realm;
    std::string client_id;
    std::string username;
    bool has_username = false, has_password = false;
    std::string password;
    mqtt::Version version = mqtt::Version::V5;
    std::string realm_chosen;  // by the client: who is let in must be of it; empty: by nobody
    std::string auth_method;   // enhanced authentication; empty: user name and password
    std::string auth_data;
    bool continues = false;  // further data of an exchange under way, or a re-authentication
};

class Effects {
public:
    static constexpr uint32_t kNone = 0xffff'ffff;

    /// Bytes for one connection: a range of the arena, then the payload of `message` if there is
    /// one.
    struct Write {
        uint32_t arena_at = 0;
        uint32_t arena_bytes = 0;
        uint32_t next = kNone;  // index of this connection's next write
        MessageRef message;
    };
    /// One connection with output: its writes in order, from `first` over Write::next.
    struct Dirty {
        ConnectionId connection;
        uint32_t first = kNone;
        uint32_t last = kNone;
        uint64_t bytes = 0;
    };
    struct Close {
        ConnectionId connection;
        uint16_t websocket_code = 1000;
    };
    struct Move {
        ConnectionId connection;
        ShardId to;
        Buffer bytes;  // everything received from it and not yet handled, CONNECT first
        std::unique_ptr<const Verdict> verdict = {};  // about it, if its realm is known by that
    };
    struct Post {
        ShardId to;
        Envelope envelope;
    };

    Buffer arena;
    std::vector<Write> writes;
    std::vector<Dirty> dirty;
    std::vector<Close> closes;  // after the writes; the driver forgets the id at once
    std::vector<Move> moves;    // likewise
    std::vector<Post> posts;
    std::vector<AuthRequest> auth_requests;
    std::vector<store::Work> work;     // for the shard's disk; each is answered by a StoreDone
    std::vector<ConnectionId> pauses;  // stop reading: nothing is lost, the peer waits
    std::vector<ConnectionId> resumes;
    std::vector<Event> events;
    uint64_t output_bytes = 0;                 // of all writes
    Severity least_severity = Severity::Info;  // the driver's: lesser events need not be made

    /// Keeps capacity: a steady turn allocates nothing.
    void clear();
    /// Nothing is asked for.
    bool empty() const {
        return dirty.empty() && closes.empty() && moves.empty() && posts.empty() &&
               auth_requests.empty() && work.empty() && pauses.empty() && resumes.empty() &&
               events.empty();
    }
    /// Tells turns apart: a stored index into `dirty` is valid only in the turn that it was made
    /// in.
    uint64_t turn() const { return turn_; }

    /// Where this connection stands in `dirty` this turn; kNone: not yet.
    /// Packed, since each connection has one.
    struct [[gnu::packed, gnu::aligned(4)]] Link {
        uint64_t turn = 0;
        uint32_t index = kNone;
    };
    /// Sends arena bytes [at, at+bytes), then the payload of `message`. @cost no allocation in a
    /// steady state
    void write(ConnectionId connection, Link& link, uint32_t arena_at, uint32_t arena_bytes,
               MessageRef message = {});

private:
    uint64_t turn_ = 1;
};

}  // namespace godwit::broker
