// Fleet: thousands of connections to one broker on one thread: connects them at the pace that is
// asked for, reads and writes once a turn each, answers what MQTT wants answered, and leaves the
// rest to their parties. A silent connection owns no buffer.
#pragma once

#include "base/ring.h"
#include "bench/faults.h"
#include "bench/histogram.h"
#include "bench/party.h"
#include "bench/schedule.h"
#include "client/endpoint.h"
#include "mqtt/decoder.h"
#include "os/address.h"
#include "os/poller.h"
#include "os/signals.h"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace godwit::bench {

struct FleetOptions {
    client::Endpoint endpoint;
    std::optional<transport::TlsContext> tls;
    mqtt::Version version = mqtt::Version::V5;
    /// Own addresses to call from, 127.x.y.z from 127.1.0.1 on; 0: the kernel's choice.
    uint32_t sources = 0;
    /// Attempts to connect under way at once.
    uint32_t connecting_max = 200;
    /// New attempts in a second; 0: as fast as it goes.
    double connects_per_second = 0;
    uint16_t keepalive_s = 0;
    /// Looks for events without ever sleeping: latency without the wake-up of this process.
    bool busy = false;
    /// A signal ends what it does; one fleet of a process may hear of them.
    bool hears_signals = true;
};

class Fleet {
public:
    /// @errors  a sentence: the host is unknown, no descriptors
    static Result<std::unique_ptr<Fleet>, std::string> make(FleetOptions options, Faults& faults);
    ~Fleet();

    Client& add(Party& party, uint32_t number);
    /// Puts it at the end of those that wait to connect.
    void connect(Client& client);
    /// Gives it a turn.
    void wake(Client& client);
    /// Sends DISCONNECT and waits for the broker to close; its party hears on_gone.
    void leave(Client& client);
    /// Closes without a word.
    void drop(Client& client);

    /// Turns until `done()`, the deadline, a signal or a hopeless fault. `done` is asked every
    /// turn.
    /// @return  whether it was done
    template <class Done>
    bool run_until(Done&& done, Instant deadline) {
        while (!done()) {
            if (interrupted_ || faults_.is_hopeless() || now_ >= deadline) return false;
            turn(deadline);
        }
        return true;
    }

    /// Called ten times a second while it runs.
    class Ticker {
    public:
        virtual ~Ticker() = default;
        virtual void on_tick(Instant now) = 0;
    };
    void set_ticker(Ticker* ticker) { ticker_ = ticker; }

    /// Of the turn; read anew after each wait.
    Instant now() const { return now_; }
    /// Where something else than turns took time.
    void look_at_clock();
    bool interrupted() const { return interrupted_; }
    /// Whether a signal has come; if so, it goes on.
    bool take_interrupt() { return std::exchange(interrupted_, false); }
    /// Those that CONNACK has accepted and that have not gone.
    size_t open_count() const { return open_count_; }
    /// Most connections at one time that descriptors allow.
    size_t open_max() const { return open_max_; }
    Faults& faults() { return faults_; }
    const FleetOptions& options() const { return options_; }
    /// Where the broker is, but for a Unix socket.
    const os::SocketAddress& address() const { return address_; }
    /// From the first SYN to CONNACK.
    Histogram& connect_times() { return connect_times_; }
    /// From PINGREQ to PINGRESP.
    Histogram& ping_times() { return ping_times_; }
    uint64_t bytes_in() const { return bytes_in_; }
    uint64_t bytes_out() const { return bytes_out_; }
    /// System calls that read or wrote.
    uint64_t transfers() const { return transfers_; }
    void set_pace(uint32_t connecting_max, double connects_per_second);
    /// From now on an attempt that fails is made again, until it works; else it is a fault.
    void insist() { insists_ = true; }
    /// From now on this thread takes what time others leave (os::step_back), a client at a time:
    /// it stands for machines elsewhere. Those in whose way it is would otherwise wait for the
    /// kernel's next look, up to 10 ms.
    void step_back();
    uint64_t repeated_attempts() const { return repeated_attempts_; }

private:
    Fleet(FleetOptions options, Faults& faults, os::Poller poller);
    Result<Done, std::string> prepare();
    Result<Done, std::string> hear_signals();
    void turn(Instant deadline);
    Instant next_due(Instant deadline);
    Duration time_to_wait(Instant due) const;
    void take_events(Duration wait);
    void run_awake();
    void tick();

    // connecting
    void start_waiting();
    bool may_start() const;
    bool start(Client& client);
    Result<os::Fd, os::IoError> open_socket(const Client& client) const;
    void on_connected(Client& client);
    void greet(Client& client);
    void give_up_old_attempts();
    std::string where() const;

    // one client's turn
    void on_event(const os::PollEvent& event);
    void take_turn(Client& client);
    void receive(Client& client);
    size_t take_frames(Client& client, Bytes mqtt);
    void on_frame(Client& client, const mqtt::Frame& frame);
    void on_connack(Client& client, const mqtt::Frame& frame);
    void on_publish(Client& client, const mqtt::Frame& frame);
    void on_ack(Client& client, const mqtt::Frame& frame);
    void on_disconnect(Client& client, const mqtt::Frame& frame);
    void send(Client& client);
    void flush(Client& client, Bytes bytes);
    void keep_unsent(Client& client, Bytes rest);
    void hear_of_room(Client& client, bool wanted);
    void say_goodbye(Client& client);
    Instant order_pings();

    void end(Client& client);
    void lose(Client& client, Fault kind, const std::string& why);

    FleetOptions options_;
    Faults& faults_;
    os::Poller poller_;
    std::optional<os::SignalReader> signals_;
    os::SocketAddress address_;
    std::vector<os::SocketAddress> sources_;
    std::deque<Client> clients_;
    std::vector<Party*> parties_;  // each once
    size_t open_max_ = 0;
    size_t sockets_ = 0;

    Ring<uint32_t> queued_;
    Ring<std::pair<uint32_t, Instant>> attempts_;  // the oldest first; some are decided
    std::optional<Schedule> pace_;
    uint64_t started_ = 0;  // since pace_ began
    size_t connecting_count_ = 0;
    size_t open_count_ = 0;
    Instant retry_at_{};  // a listener's backlog was full

    std::vector<uint32_t> awake_, turns_;
    std::vector<uint8_t> room_;  // what is read, behind what was cut off before
    Buffer out_;                 // the packets of one client's turn
    Buffer plain_, raw_;         // with TLS or WebSocket
    Instant now_{};
    Instant next_tick_{};
    Ticker* ticker_ = nullptr;
    bool interrupted_ = false;
    bool insists_ = false;
    bool is_behind_ = false;  // it has stepped back
    uint64_t repeated_attempts_ = 0;

    std::optional<Schedule> pings_;
    uint64_t pings_done_ = 0;

    Histogram connect_times_, ping_times_;
    uint64_t bytes_in_ = 0, bytes_out_ = 0, transfers_ = 0;
};

}  // namespace godwit::bench
