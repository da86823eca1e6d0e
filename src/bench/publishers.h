// Publishers: the party that sends. Closed loop: each has at most a window of messages under way,
// which are under way until the broker has acknowledged them and their receivers here have them.
// Open loop: messages go when a schedule says, whatever has become of those before.
#pragma once

#include "bench/fleet.h"
#include "bench/identity.h"
#include "bench/ledger.h"
#include "bench/publish_template.h"
#include "bench/send_window.h"

#include <optional>
#include <vector>

namespace godwit::bench {

struct PublishPlan {
    PublishShape shape;
    uint32_t window = 1;
    /// All publishers together; without it the loop is closed.
    std::optional<double> per_second;
    /// All publishers together, as evenly as it goes; without it they go on until stop().
    std::optional<uint64_t> messages;
};

class Publishers : public Party {
public:
    Publishers(Fleet& fleet, Ledger& ledger, const Identity& identity, const PublishPlan& plan);

    void connect_all();
    /// Sends from now on.
    void start();
    /// Sends no more; what is under way may end.
    void stop() { running_ = false; }
    void leave_all();

    size_t count() const { return states_.size(); }
    size_t open_count() const { return open_count_; }
    /// Every one has sent all that it is to send, or stop() was called.
    bool all_sent() const;
    /// And QoS 1 and 2 are acknowledged.
    bool all_acknowledged() const { return unacknowledged_ == 0; }
    /// Deliveries that a publisher waits for no more.
    void settle(uint32_t publisher, uint64_t deliveries);

    void greet(const Client& client, Buffer& out) override;
    void on_open(Client& client, Instant now) override;
    void on_turn(Client& client, Instant now, Buffer& out) override;
    void on_done(Client& client, const mqtt::Ack& ack, Instant now) override;
    void on_gone(Client& client, Instant now) override;
    Instant on_time(Instant now) override;

private:
    struct State {
        Client* client = nullptr;
        SendWindow under_way;  // at QoS 1 and 2
        uint64_t deliveries_owed = 0;
        uint64_t messages_max = ~uint64_t(0);
        bool open = false;
    };

    bool may_send(const State& state, uint32_t p) const;
    void send_one(State& state, uint32_t p, Instant now, Buffer& out);
    bool has_ids() const { return plan_.shape.qos != mqtt::Qos::AtMostOnce; }

    Fleet& fleet_;
    Ledger& ledger_;
    const Identity& identity_;
    PublishPlan plan_;
    PublishTemplate template_;
    std::vector<State> states_;
    uint64_t unacknowledged_ = 0;
    size_t open_count_ = 0;
    size_t finished_ = 0;
    bool running_ = false;
    std::optional<Schedule> schedule_;
    uint64_t due_ = 0;  // messages of all that are due by the schedule
};

}  // namespace godwit::bench
