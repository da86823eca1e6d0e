// Subscribers: the party that receives. They stay connected, or come and go as persistent sessions
// that gather messages meanwhile.
#pragma once

#include "bench/fleet.h"
#include "bench/identity.h"
#include "bench/ledger.h"
#include "bench/publishers.h"

#include <string>
#include <vector>

namespace godwit::bench {

struct SubscribePlan {
    mqtt::Qos qos = mqtt::Qos::AtMostOnce;
    std::string topic_prefix;
    std::string share;        // name of the shared group; empty: none
    bool persistent = false;  // sessions that outlive their connections
    bool subscribes = true;   // false: a client without any subscription
    uint32_t filters_per_packet = 10;
    /// So many of a hundred filters have a wildcard, "+" in the level before the last or "#" behind
    /// it, and match the one topic that they would match without.
    uint32_t wildcard_percent = 0;
};

class Subscribers : public Party {
public:
    /// What a connection is for.
    enum class Visit : uint8_t {
        Stay,     // subscribe and receive
        Found,    // make a session with its subscription, and go
        Collect,  // take what the session has gathered, and go
        Resume,   // the same, and stay
        Remove,   // end the session
    };

    Subscribers(Fleet& fleet, Ledger& ledger, const Identity& identity, const SubscribePlan& plan);

    /// Messages that come are settled with these.
    void set_publishers(Publishers* publishers) { publishers_ = publishers; }
    /// All connect, each for this.
    void begin(Visit visit);
    void leave_all();

    size_t count() const { return states_.size(); }
    size_t open_count() const { return open_count_; }
    /// Those that have done what this visit is for: subscribed, founded, collected, removed.
    size_t done_count() const { return done_count_; }
    bool all_done() const { return done_count_ == states_.size(); }
    /// Filters that have been granted.
    uint64_t granted_count() const { return granted_count_; }
    /// From SUBSCRIBE to SUBACK.
    const Histogram& subscribe_times() const { return subscribe_times_; }
    /// Sessions that were not there any more when their client came back.
    uint64_t sessions_lost() const { return sessions_lost_; }

    void greet(const Client& client, Buffer& out) override;
    void on_open(Client& client, Instant now) override;
    void on_turn(Client& client, Instant now, Buffer& out) override;
    void on_message(Client& client, const mqtt::Publish& message, Instant now) override;
    void on_released(Client& client) override;
    void on_suback(Client& client, const mqtt::Suback& packet, Instant now) override;
    void on_gone(Client& client, Instant now) override;

private:
    struct State {
        Client* client = nullptr;
        uint64_t awaited = 0;  // Collect, Resume: messages still to come
        Instant asked{};
        uint32_t filters_asked = 0;
        uint32_t filters_max = 0;  // that it is to subscribe to in this visit
        bool open = false;
        bool awaits_suback = false;
        bool done = false;
    };

    uint32_t filters_of(uint32_t number) const;
    std::string filter_of(uint32_t number, uint32_t k) const;
    void count_down(Client& client);
    void finish(Client& client);

    Fleet& fleet_;
    Ledger& ledger_;
    const Identity& identity_;
    const SubscribePlan plan_;
    Publishers* publishers_ = nullptr;
    std::vector<State> states_;
    Visit visit_ = Visit::Stay;
    size_t open_count_ = 0;
    size_t done_count_ = 0;
    uint64_t granted_count_ = 0;
    uint64_t sessions_lost_ = 0;
    Histogram subscribe_times_;
};

}  // namespace godwit::bench
