#include "client/runner.h"

#include "client/explain.h"
#include "os/clock.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

namespace godwit::client {

namespace {

using namespace std::chrono_literals;

enum Token : uint64_t { kSocket = 1, kSignals, kInput };

constexpr size_t kRoomBytes = 256 * 1024;
/// Above this much unsent nothing more is published.
constexpr size_t kBacklogBytesMax = 1 << 20;
constexpr Duration kAnswerTime = 30s;
constexpr Duration kBackoffMax = 30s;
/// How long the other end may take to close after our DISCONNECT.
constexpr Duration kFarewellTime = 1s;
/// How long the last bytes may stand still.
constexpr Duration kStallTime = 30s;

std::string_view packet_name(mqtt::PacketType type) {
    constexpr std::string_view kNames[] = {"packet 0",  "CONNECT",  "CONNACK",     "PUBLISH",
                                           "PUBACK",    "PUBREC",   "PUBREL",      "PUBCOMP",
                                           "SUBSCRIBE", "SUBACK",   "UNSUBSCRIBE", "UNSUBACK",
                                           "PINGREQ",   "PINGRESP", "DISCONNECT",  "AUTH"};
    return kNames[size_t(type)];
}

mqtt::Disconnect farewell_packet(Bytes properties) {
    mqtt::Disconnect packet{.user_properties = mqtt::UserProperties(properties)};
    for (const mqtt::Property& p : mqtt::PropertyList(properties)) {
        if (p.id == mqtt::PropertyId::SessionExpiryInterval) packet.session_expiry_s = p.number;
        if (p.id == mqtt::PropertyId::ReasonString) packet.reason_string = p.text;
    }
    return packet;
}

}  // namespace

void Reporter::say(std::string_view text) const {
    if (!quiet_) fmt::print(stderr, "{}: {}\n", program_, text);
}

void Reporter::debug(std::string_view text) const {
    if (debug_) fmt::print(stderr, "{}: {}\n", program_, text);
}

Runner::Runner(RunnerOptions options, const Reporter& reporter)
    : options_(std::move(options)),
      reporter_(reporter),
      protocol_(options_.login, options_.limits),
      room_(kRoomBytes) {}

Result<Done, os::IoError> Runner::prepare() {
    os::ignore_sigpipe();
    auto poller = os::Poller::open();
    if (!poller) return Err{poller.error()};
    poller_ = std::move(*poller);
    auto signals = os::SignalReader::open();
    if (!signals) return Err{signals.error()};
    signals_ = std::move(*signals);
    return poller_->add(signals_->fd(), kSignals, os::Interest::Read);
}

int Runner::run(Task& task) {
    if (const auto prepared = prepare(); !prepared) {
        reporter_.say(prepared.error().text());
        return kStatusFailed;
    }
    const Instant begin = os::monotonic_now();
    if (options_.time_over) over_at_ = begin + *options_.time_over;
    if (reporter_.debugs()) (void)protocol_.take_seen();
    start_connection(begin);
    while (!status_) turn(task);
    say_goodbye();
    return *status_;
}

// --- the connection ---

void Runner::start_connection(Instant now) {
    begun_ = false;
    retry_at_.reset();
    answer_due_ = now + kAnswerTime;
    where_ = to_text(options_.endpoint);
    reporter_.debug("connecting to " + where_);
    auto opened = Connection::open(options_.endpoint, options_.tls ? &*options_.tls : nullptr,
                                   protocol_.version(), *poller_, kSocket);
    if (!opened) return lose(opened.error().what, true, now);
    connection_ = std::move(*opened);
}

void Runner::lose(const std::string& why, bool worth_retrying, Instant now) {
    connection_.reset();
    answer_due_.reset();
    if (!options_.reconnect || !was_connected_ || !worth_retrying) {
        reporter_.say(why);
        status_ = kStatusFailed;
        return;
    }
    backoff_ =
        backoff_ == Duration::zero() ? options_.backoff_first : std::min(2 * backoff_, kBackoffMax);
    retry_at_ = now + backoff_;
    reporter_.say(fmt::format("{}; trying again in {} s", why,
                              std::chrono::duration_cast<std::chrono::seconds>(backoff_).count()));
}

void Runner::on_socket(const os::PollEvent& event, Instant now) {
    if (!connection_) return;
    const auto step = connection_->on_event(event, room_, protocol_.input());
    if (connection_->ready() && !begun_) {
        begun_ = true;
        where_ = connection_->address();
        protocol_.begin(now);
    }
    if (!step) connection_end_ = step.error();
}

// --- a turn ---

void Runner::turn(Task& task) {
    std::array<os::PollEvent, 8> room;
    watch_input(task);
    const auto events = poller_->wait(time_to_wait(task, os::monotonic_now()), room);
    const Instant now = os::monotonic_now();
    for (const os::PollEvent& event : events) on_poll_event(event, task, now);
    if (input_ == Input::AlwaysReadable && task.wants_input()) task.on_input();
    take_events(task, now);
    on_time(task, now);
    task.on_turn(protocol_, now, may_publish());
    if (!status_) status_ = task.result();
    flush(now);
    if (status_ || !connection_end_) return;
    const ConnectionEnd end = *std::exchange(connection_end_, std::nullopt);
    const bool unanswered = begun_ && !protocol_.is_connected();
    lose(unanswered ? end.what +
                          " before it answered: does it expect TLS (--tls, --cafile) or "
                          "WebSocket (--ws) on this port?"
                    : end.what,
         true, now);
}

std::optional<Duration> Runner::time_to_wait(const Task& task, Instant now) const {
    Instant due = kNever;
    const auto consider = [&due](const std::optional<Instant>& at) {
        if (at) due = std::min(due, *at);
    };
    consider(answer_due_);
    consider(retry_at_);
    consider(over_at_);
    if (connection_) consider(protocol_.next_deadline());
    if (may_publish()) consider(task.next_deadline());
    if (input_ == Input::AlwaysReadable && task.wants_input()) due = now;
    if (due == kNever) return std::nullopt;
    return due - now;
}

void Runner::on_poll_event(const os::PollEvent& event, Task& task, Instant now) {
    switch (event.token) {
        case kSocket:
            return on_socket(event, now);
        case kSignals:
            return on_signals(task);
        case kInput:
            if (task.wants_input()) task.on_input();
            return;
        default:
            return;
    }
}

void Runner::on_signals(const Task& task) {
    while (const auto signal = signals_->next())
        if (signal != os::Signal::User1) status_ = task.status_when_interrupted();
}

void Runner::take_events(Task& task, Instant now) {
    while (connection_ && !status_) {
        const auto event = protocol_.next_event();
        trace_input();
        if (!event) return;
        on_event(*event, task, now);
        if (!status_) status_ = task.result();
    }
}

void Runner::on_event(const Event& event, Task& task, Instant now) {
    if (const auto* connected = std::get_if<Connected>(&event)) {
        was_connected_ = true;
        answer_due_.reset();
        backoff_ = {};
        if (reporter_.debugs()) trace_connected(connected->packet);
    }
    if (const auto* ended = std::get_if<Ended>(&event)) {
        flush(now);
        connection_end_.reset();
        return lose(explain_end(*ended, where_), is_worth_retrying(*ended), now);
    }
    task.on_event(event, protocol_, now);
}

void Runner::on_time(Task& task, Instant now) {
    if (status_) return;
    if (over_at_ && now >= *over_at_) {
        reporter_.say("timed out");
        status_ = kStatusTimedOut;
        return;
    }
    if (answer_due_ && now >= *answer_due_)
        return lose(
            fmt::format("no answer from {} within {} s", where_,
                        std::chrono::duration_cast<std::chrono::seconds>(kAnswerTime).count()),
            true, now);
    if (retry_at_ && now >= *retry_at_) return start_connection(now);
    if (!connection_) return;
    if (const auto event = protocol_.tick(now)) on_event(*event, task, now);
}

bool Runner::may_publish() const {
    return connection_ && protocol_.is_connected() &&
           connection_->waiting_bytes() < kBacklogBytesMax;
}

void Runner::flush(Instant now) {
    if (!connection_ || !connection_->ready() || protocol_.output().empty()) return;
    if (reporter_.debugs()) trace_output();
    const auto sent = connection_->send(protocol_.output());
    protocol_.output_taken(now);
    if (!sent && !connection_end_) connection_end_ = sent.error();
}

void Runner::watch_input(const Task& task) {
    if (input_ == Input::AlwaysReadable || task.wants_input() == input_is_on_) return;
    input_is_on_ = task.wants_input();
    if (input_ == Input::Unwatched) {
        // A regular file cannot be watched, and need not be.
        const bool watched = poller_->add(STDIN_FILENO, kInput, os::Interest::Read).has_value();
        input_ = watched ? Input::Watched : Input::AlwaysReadable;
        return;
    }
    // A hang-up is reported whatever the interest: while nobody reads, the pipe is not watched.
    poller_->remove(STDIN_FILENO);
    input_ = Input::Unwatched;
}

// --- the end ---

void Runner::say_goodbye() {
    if (!connection_ || !protocol_.is_connected() || connection_end_) return;
    protocol_.disconnect(farewell_packet(options_.disconnect_properties));
    flush(os::monotonic_now());
    Instant until = os::monotonic_now() + kStallTime;
    while (!connection_end_ && connection_->waiting_bytes() > 0) {
        const size_t before = connection_->waiting_bytes();
        if (!wait_for_end(until)) return;
        if (connection_->waiting_bytes() < before) until = os::monotonic_now() + kStallTime;
    }
    // Closing while the other end still sends would reset the connection under our last bytes.
    until = os::monotonic_now() + kFarewellTime;
    while (!connection_end_ && wait_for_end(until)) {
    }
    connection_->say_goodbye();
}

/// Reads and writes on once something happens. @return false when the time is over, or on a signal
bool Runner::wait_for_end(Instant until) {
    std::array<os::PollEvent, 8> room;
    const auto events = poller_->wait(until - os::monotonic_now(), room);
    for (const os::PollEvent& event : events) {
        if (event.token == kSignals) return false;
        if (event.token == kSocket) on_socket(event, os::monotonic_now());
    }
    while (const auto event = protocol_.next_event()) {
        const auto* ended = std::get_if<Ended>(&*event);
        if (!ended || !mqtt::is_error(ended->reason) || status_ != kStatusGood) continue;
        reporter_.say(explain_end(*ended, where_));
        status_ = kStatusFailed;
    }
    trace_input();
    return !events.empty();
}

// --- debug ---

void Runner::trace_output() const {
    for (Bytes rest = protocol_.output(); !rest.empty();) {
        const auto status = mqtt::next_frame(rest, mqtt::kPacketBytesMax);
        if (!status || !status->complete) return;
        reporter_.debug(fmt::format("sending {}, {} bytes", packet_name(status->frame.type()),
                                    status->frame.size));
        rest = rest.subspan(status->frame.size);
    }
}

void Runner::trace_input() {
    if (!reporter_.debugs()) return;
    for (const SeenPacket& seen : protocol_.take_seen())
        reporter_.debug(fmt::format("received {}, {} bytes", packet_name(seen.type), seen.bytes));
}

void Runner::trace_connected(const mqtt::Connack& packet) const {
    std::string line = fmt::format("connected to {}, session present: {}", where_,
                                   packet.session_present ? "yes" : "no");
    if (!packet.assigned_client_id.empty())
        line += fmt::format(", client id assigned: {}", packet.assigned_client_id);
    const transport::PeerIdentity* peer = connection_->identity();
    if (peer != nullptr && !peer->tls_version.empty())
        line += fmt::format(", {} {}", peer->tls_version, peer->tls_cipher);
    reporter_.debug(line);
}

}  // namespace godwit::client
