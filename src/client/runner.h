// Runner: drives one ClientProtocol over one Connection at a time, in turns, until its Task is
// done, a signal comes or the time is over. Connects again after a loss where that is wanted.
#pragma once

#include "client/client_protocol.h"
#include "client/connection.h"
#include "os/poller.h"
#include "os/signals.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace godwit::client {

inline constexpr int kStatusGood = 0;
inline constexpr int kStatusFailed = 1;
inline constexpr int kStatusTimedOut = 27;  // as mosquitto_sub has it

/// What is told to the person at the terminal, on standard error.
class Reporter {
public:
    Reporter(std::string program, bool quiet, bool debug)
        : program_(std::move(program)), quiet_(quiet), debug_(debug) {}
    /// "godwit sub: TEXT", unless it is to be quiet.
    void say(std::string_view text) const;
    void debug(std::string_view text) const;
    bool debugs() const { return debug_; }

private:
    std::string program_;
    bool quiet_;
    bool debug_;
};

/// What a command does with a connection. The Runner calls it, on one thread.
class Task {
public:
    virtual ~Task() = default;
    virtual void on_event(const Event& event, ClientProtocol& protocol, Instant now) = 0;
    /// Once a turn, after its events and before anything is sent.
    /// @param may_publish  connected, and the socket takes what it is given
    virtual void on_turn(ClientProtocol& protocol, Instant now, bool may_publish) = 0;
    /// When on_turn has something to do, if no event comes first and it may publish.
    virtual std::optional<Instant> next_deadline() const { return std::nullopt; }
    /// Whether it would read standard input now; if so, on_input is called when that will not wait.
    virtual bool wants_input() const { return false; }
    virtual void on_input() {}
    /// The exit status once it is done; nullopt while it is at work.
    virtual std::optional<int> result() const = 0;
    /// The exit status if it is ended from outside.
    virtual int status_when_interrupted() const = 0;
};

struct RunnerOptions {
    Endpoint endpoint;
    std::optional<transport::TlsContext> tls;
    Login login;
    ProtocolLimits limits;
    Buffer disconnect_properties;  // 5.0: encoded list
    bool reconnect = false;        // after a loss; a first connection must succeed
    Duration backoff_first = std::chrono::seconds(1);  // doubles with each attempt, to 30 s
    std::optional<Duration> time_over;  // for all of it; then the status is kStatusTimedOut
};

class Runner {
public:
    Runner(RunnerOptions options, const Reporter& reporter);
    /// Blocks until the task is done. Signals TERM, INT and HUP end it with DISCONNECT.
    /// @return  the exit status; everything that went wrong has been told
    int run(Task& task);

private:
    Result<Done, os::IoError> prepare();
    void start_connection(Instant now);
    void turn(Task& task);
    std::optional<Duration> time_to_wait(const Task& task, Instant now) const;
    void on_poll_event(const os::PollEvent& event, Task& task, Instant now);
    void on_signals(const Task& task);
    void on_socket(const os::PollEvent& event, Instant now);
    void take_events(Task& task, Instant now);
    void on_event(const Event& event, Task& task, Instant now);
    void on_time(Task& task, Instant now);
    void flush(Instant now);
    void lose(const std::string& why, bool worth_retrying, Instant now);
    void watch_input(const Task& task);
    void say_goodbye();
    bool wait_for_end(Instant until);
    bool may_publish() const;
    void trace_output() const;
    void trace_input();
    void trace_connected(const mqtt::Connack& packet) const;

    RunnerOptions options_;
    const Reporter& reporter_;
    ClientProtocol protocol_;
    std::optional<os::Poller> poller_;
    std::optional<os::SignalReader> signals_;
    std::unique_ptr<Connection> connection_;
    std::optional<ConnectionEnd> connection_end_;  // told once its last bytes are worked off
    std::vector<uint8_t> room_;
    std::optional<int> status_;
    std::string where_;  // the address in use, for messages

    bool begun_ = false;  // CONNECT has been written on this connection
    bool was_connected_ = false;
    std::optional<Instant> answer_due_;  // while connecting
    std::optional<Instant> retry_at_;
    std::optional<Instant> over_at_;
    Duration backoff_{};

    enum class Input : uint8_t { Unwatched, Watched, AlwaysReadable };
    Input input_ = Input::Unwatched;
    bool input_is_on_ = false;
};

}  // namespace godwit::client
