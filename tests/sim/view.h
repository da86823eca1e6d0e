// View: a history in the words that checkers think in: sessions, subscriptions, what was sent and
// what came. Derived from the history alone.
#pragma once

#include "sim/history.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace godwit::sim {

/// One session, as the broker's CONNACKs delimit it.
struct SessionView {
    uint32_t client = kNone;
    std::vector<uint32_t> connections;  // in order of acceptance
    bool lasts = false;                 // it is there at the end of the run
    /// From when to when its expiry had passed, until a crash undid that, and it was there again.
    std::vector<std::pair<Instant, Instant>> lapses;
};

/// One subscription of one session, from its first SUBSCRIBE to its UNSUBACK. In doubt, a
/// subscription may be in force from `sent` to `ended`, and is surely in force from `acked` to
/// `ending`.
struct Span {
    uint32_t session = kNone;
    std::string filter;  // as sent
    std::string share;   // of "$share/share/plain"; empty if not shared
    std::string plain;
    Instant sent;
    Instant acked = kNever;
    uint32_t connection = kNone;                     // of the first SUBACK
    Instant ending = kNever;                         // UNSUBSCRIBE was sent
    Instant ended = kNever;                          // UNSUBACK came
    std::vector<mqtt::SubscriptionOptions> options;  // of each SUBSCRIBE

    bool shared() const { return !share.empty(); }
    bool matches(std::string_view topic) const;
    uint8_t qos_least() const;
    uint8_t qos_most() const;
    bool always_no_local() const;
    bool ever_no_local() const;
};

/// What became of one message.
struct MessageView {
    std::vector<const Event*> sends;     // Publish
    std::vector<const Event*> received;  // by anybody, in order of time
    Instant sent = kNever;               // first
    Instant acked = kNever;              // PUBACK or PUBREC with success came
    Moment read_last;                    // the broker read the last send that it read
    bool read = false;
};

struct View {
    explicit View(const History& h);

    const History& history;
    std::vector<SessionView> sessions;
    std::vector<uint32_t> session_of;             // by connection; kNone: never accepted
    std::vector<std::vector<uint32_t>> accepted;  // by client: connections in order
    std::vector<Span> spans;
    std::vector<std::vector<uint32_t>> spans_of;  // by session
    std::vector<MessageView> messages;
    std::vector<std::vector<const Event*>> received;    // by session, in order
    std::vector<std::vector<const Event*>> subscribed;  // by session: Subscribe events
    std::map<std::pair<uint32_t, std::string>, std::vector<const Event*>> drops;  // client, topic

    const MessageFacts& facts(uint32_t message) const { return history.messages[message]; }
    /// Spans of this session that match, shared or plain as asked for.
    std::vector<const Span*> matching(uint32_t session, std::string_view topic, bool shared) const;
    /// The broker said that it dropped something of this topic for this client.
    bool dropped(uint32_t client, const std::string& topic, std::string_view why = {}) const;
    bool got(uint32_t session, uint32_t message) const;
    /// A lapse of the session and this time have a moment in common.
    bool may_be_gone(uint32_t session, Instant from, Instant until) const;
    /// The subscription was made in a session that was to end with its connection. A crash may
    /// forget that, and bring back the one that lasts, without it.
    bool may_be_undone(const Span& span) const;
    /// A start found damage after this turn on the client's home shard: what it kept may be lost,
    /// or come again.
    bool is_damaged(uint32_t client, uint64_t turn) const;
    /// The same of a session's shard while it lived.
    bool is_damaged(uint32_t session) const;
    /// The same of the publisher's shard once the message was sent.
    bool publisher_is_damaged(uint32_t message) const;
    bool is_damaged_topic(std::string_view topic) const;

private:
    bool shard_is_damaged(uint16_t shard, uint64_t turn) const;
    void find_sessions();
    void note_lapse(SessionView& session, uint32_t next) const;
    void walk();
    void on_subscription(const Event& event);
    void on_message(const Event& event);
    Span* open_span(uint32_t session, const std::string& filter, bool ending);
};

}  // namespace godwit::sim
