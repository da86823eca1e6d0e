#include "server/shard_runner.h"

#include "mqtt/decoder.h"
#include "os/clock.h"

#include <algorithm>
#include <array>
#include <utility>

namespace godwit::server {

namespace {

constexpr size_t kReadBytes = 64 * 1024;
/// While memory is not ample: what cannot be handled at once is kept.
constexpr size_t kScarceReadBytes = 4 * 1024;
// The others' work must not starve our clients: of each ring so many envelopes in a turn, and no
// more once they have made so much work.
constexpr size_t kEnvelopesPerTurn = 2048;
constexpr size_t kEnvelopesPerLook = 8;
constexpr uint64_t kMailWorkPerTurn = 8192;
/// What clients do not take of a turn's output is kept until they do, each of them its own: of more
/// than this the memory gauge would see the end only. The rest of the turn's work comes in the
/// next.
constexpr uint64_t kOutputBytesPerTurn = 4 << 20;
constexpr size_t kFlushBytesPerTurn = 1024 * 1024;  // of what a slow reader had not taken before
constexpr size_t kEventsPerTurn = 256;
/// Sockets served between two looks at the memory of the process.
constexpr size_t kEventsALook = 16;
constexpr size_t kOutcomeRounds =
    8;  // of writing on because the last write went through, in one turn
constexpr auto kLingerTime = std::chrono::seconds(2);
constexpr auto kStopTime = std::chrono::seconds(1);

}  // namespace

Result<std::unique_ptr<ShardRunner>, os::IoError> ShardRunner::make(RunnerParts parts) {
    auto poller = os::Poller::open();
    if (!poller) return Err{poller.error()};
    os::Waker& waker = parts.crossing->mailbox(parts.shard.id).waker();
    if (auto added = poller->add(waker.fd(), kWakerToken, os::Interest::Read); !added)
        return Err{added.error()};
    for (OpenListener* listener : parts.listeners)
        if (auto added = poller->add_exclusive(listener->listener.fd(), listener->id.value); !added)
            return Err{added.error()};
    if (parts.crossing->has_own_tables()) {
        const int arrivals = parts.crossing->arrivals_fd(parts.shard.id);
        if (auto added = poller->add(arrivals, kArrivalsToken, os::Interest::Read); !added)
            return Err{added.error()};
    }
    return std::unique_ptr<ShardRunner>(new ShardRunner(std::move(parts), std::move(*poller)));
}

ShardRunner::ShardRunner(RunnerParts parts, os::Poller poller)
    : parts_(std::move(parts)),
      poller_(std::move(poller)),
      shard_(parts_.opened ? std::move(parts_.opened)
                           : std::make_unique<broker::Shard>(parts_.shard)),
      fx_(std::move(parts_.opened_fx)),
      outgoing_(*parts_.crossing, parts_.shard.id),
      now_(read_clock()),
      watched_(parts_.listeners.size(), true),
      has_tls_(std::ranges::any_of(parts_.listeners,
                                   [](const OpenListener* each) { return each->tls; })),
      read_room_(kReadBytes),
      policy_(std::move(parts_.policy)),
      history_(parts_.history_events_max),
      memory_(parts_.memory_bytes_max) {
    feed(broker::PolicyChanged{policy_.get()});
}

void ShardRunner::run() {
    const auto is_busy = [this] { return sockets_.size() > 0 || !shard_->is_saved(); };
    while (!stopping_ || (is_busy() && now_ < stop_by_)) turn();
    // Here, since their descriptors may mean nothing in another thread.
    sockets_ = {};
    outgoing_.close();
}

bool ShardRunner::has_mail() {
    const ShardId self = parts_.shard.id;
    if (!parts_.crossing->mailbox(self).empty()) return true;
    if (parts_.store && parts_.store->has_done()) return true;
    for (uint16_t i = 0; i < parts_.shard.shard_count; ++i)
        if (i != self.value && !parts_.crossing->ring({i}, self).empty()) return true;
    return false;
}

Instant ShardRunner::read_clock() const {
    return os::monotonic_now() + parts_.clock_ahead;
}

std::optional<Duration> ShardRunner::patience(Instant now) const {
    const bool goes_on = behind_ || !flushed_.empty() || !broken_.empty();
    if (goes_on) return Duration::zero();
    Instant next = std::min(shard_->next_deadline().value_or(kNever), openings_.next_deadline());
    if (!lingering_.empty()) next = std::min(next, lingering_.front().first);
    next = std::min({next, accept_again_, stop_by_});
    if (!memory_.is_ample()) next = std::min(next, now + MemoryGauge::kPatience);
    if (next == kNever) return std::nullopt;
    // Deadlines that are close to each other are met in one turn.
    return std::chrono::ceil<std::chrono::milliseconds>(std::max(next - now, Duration::zero()));
}

void ShardRunner::turn() {
    os::Waker& waker = parts_.crossing->mailbox(parts_.shard.id).waker();
    std::array<os::PollEvent, kEventsPerTurn> room;
    waker.prepare_sleep();
    const auto timeout = has_mail() ? std::optional(Duration::zero()) : patience(read_clock());
    const auto events = poller_.wait(timeout, room);
    waker.cancel_sleep();

    now_ = read_clock();  // the one time of the turn
    const WallTime wall = os::wall_now();
    fx_.least_severity =
        parts_.log->wants(LogLevel::Debug) ? broker::Severity::Debug : broker::Severity::Info;
    look_at_memory(now_);
    feed_outcomes();
    // What was told before somebody called holds for him: certificates, policy, users.
    take_controls();
    take_events(events);
    take_envelopes();
    take_store_done();
    if (const auto due = shard_->next_deadline(); due && *due <= now_) feed(broker::Tick{});
    if (accept_again_ <= now_) pause_accepting();
    end_turn(wall);
    if (!opening_events_.empty() || openings_.next_deadline() <= now_) {
        take_openings();
        end_turn(wall);
    }
    watch_listeners();
    end_lingering();
    broker::Counters counters = shard_->counters();
    counters.connections_turned_away = turned_away_;
    if (const uint64_t messages = counters.publishes_received + counters.publishes_sent;
        messages != std::exchange(messages_, messages))
        messages_at_ = now_;
    parts_.counters->store(counters);
}

/// Does what was asked for, and what follows from it.
void ShardRunner::end_turn(WallTime wall) {
    shard_->end_turn(now_, wall, fx_);
    perform();
    for (size_t round = 0; round < kOutcomeRounds && !(flushed_.empty() && broken_.empty());
         ++round) {
        feed_outcomes();
        if (fx_.empty()) break;
        shard_->end_turn(now_, wall, fx_);
        perform();
    }
}

/// Also within a turn: what many ask for at once may be much.
void ShardRunner::look_at_memory(Instant now) {
    if (const auto memory = memory_.look(now)) feed(broker::MemoryState{*memory});
}

/// What became of the last writes.
void ShardRunner::feed_outcomes() {
    for (const broker::Flushed& flushed : std::exchange(flushed_, {})) feed(flushed);
    for (const auto& [id, why] : std::exchange(broken_, {}))
        if (Socket* socket = sockets_.find(id); socket && !socket->gone) on_gone(id, *socket, why);
}

void ShardRunner::feed(const broker::Input& input) {
    shard_->handle(input, now_, fx_);
}

// --- inputs ---

void ShardRunner::take_events(std::span<const os::PollEvent> events) {
    openings_.begin_turn(now_);
    for (size_t i = 0; i < events.size() && fx_.output_bytes < kOutputBytesPerTurn; ++i) {
        if (has_tls_ && is_opening(events[i]))
            opening_events_.push_back(events[i]);
        else
            on_event(events[i]);
        if (i % kEventsALook == kEventsALook - 1) look_at_memory(read_clock());
    }
}

void ShardRunner::on_event(const os::PollEvent& event) {
    if (event.token == kWakerToken)
        return parts_.crossing->mailbox(parts_.shard.id).waker().drain();
    if (event.token == kArrivalsToken) return take_arrivals();
    if (event.token < parts_.listeners.size()) return accept_from(*parts_.listeners[event.token]);
    const ConnectionId id = connection_of(event.token);
    Socket* socket = sockets_.find(id);
    if (!socket || socket->gone) return;
    if (event.writable) flush(id, *socket);
    if (event.readable && socket->opening && !socket->lingering) return begin_opening(id, *socket);
    if (event.readable && !socket->paused) return read_from(id, *socket);
    if (event.hangup) on_gone(id, *socket, "connection reset");
}

void ShardRunner::read_from(ConnectionId id, Socket& socket) {
    const size_t most = memory_.is_ample() ? kReadBytes : kScarceReadBytes;
    const auto count = os::receive_some(socket.fd.get(), std::span(read_room_).first(most));
    if (!count) {
        if (count.error().kind != os::StreamError::Kind::WouldBlock)
            on_gone(id, socket, count.error().text());
        return;
    }
    memory_.note(*count);
    if (!socket.lingering) receive(id, socket, Bytes(read_room_).first(*count));
}

void ShardRunner::receive(ConnectionId id, Socket& socket, Bytes raw) {
    if (!socket.wire) return feed(broker::Received{id, raw});
    if (socket.wire->awaits_proxy() && !receive_proxy(id, socket, raw)) return;
    mqtt_.clear();
    const bool had_unsent = !socket.unsent.empty();
    const auto outcome = socket.wire->receive(raw, mqtt_, socket.unsent.tail());
    identify(id, socket);
    if (!mqtt_.empty()) feed(broker::Received{id, mqtt_});
    if (!outcome) end_by_transport(id, socket, outcome.error().what);
    if (!had_unsent && !socket.unsent.empty()) return flush(id, socket);
    if (socket.lingering) end_if_sent(socket);
}

/// One of the layers has come to its end; what it has to say still goes out.
void ShardRunner::end_by_transport(ConnectionId id, Socket& socket, std::string_view why) {
    feed(broker::Closed{id, why});
    openings_.end(id, false);
    socket.wire.reset();  // its last word is in `unsent`, and strangers are many
    socket.lingering = true;
    lingering_.emplace_back(now_ + kLingerTime, id);
}

void ShardRunner::on_gone(ConnectionId id, Socket& socket, std::string_view why) {
    if (!socket.lingering) feed(broker::Closed{id, why});
    socket.lingering = true;
    socket.gone = true;
    poller_.remove(socket.fd.get());
    gone_.push_back(id);
}

void ShardRunner::drop_gone() {
    for (const ConnectionId id : gone_) drop(id);
    gone_.clear();
}

void ShardRunner::take_controls() {
    for (Control& control : parts_.crossing->mailbox(parts_.shard.id).take()) on_control(control);
}

void ShardRunner::take_envelopes() {
    for (uint16_t i = 0; i < parts_.shard.shard_count; ++i)
        if (i != parts_.shard.id.value) take_envelopes({i});
}

void ShardRunner::take_envelopes(ShardId from) {
    const auto visit = [&](broker::Envelope&& envelope) { feed(broker::Mail{from, &envelope}); };
    auto& ring = parts_.crossing->ring(from, parts_.shard.id);
    const uint64_t work_max = shard_->work() + kMailWorkPerTurn;
    const auto is_full = [&] {
        return shard_->work() >= work_max || fx_.output_bytes >= kOutputBytesPerTurn;
    };
    for (size_t taken = 0; taken < kEnvelopesPerTurn && !is_full();) {
        const size_t count = ring.drain(visit, kEnvelopesPerLook);
        if (count < kEnvelopesPerLook) return;
        taken += count;
    }
}

void ShardRunner::take_store_done() {
    if (!parts_.store || !parts_.store->take(store_done_)) return;
    for (store::WorkDone& done : store_done_) feed(broker::StoreDone{&done});
    store_done_.clear();
}

void ShardRunner::on_control(Control& control) {
    if (auto* moved = std::get_if<MovedConnection>(&control)) return adopt(std::move(*moved));
    if (auto* answer = std::get_if<AuthAnswer>(&control)) {
        broker::Verdict& verdict = answer->verdict;
        if (verdict.expires != kNever) verdict.expires += parts_.clock_ahead;
        return feed(verdict);
    }
    if (const auto* inject = std::get_if<InjectMessage>(&control))
        return feed(broker::Inject{inject->realm, inject->topic, as_bytes(inject->payload),
                                   mqtt::Qos::AtMostOnce, inject->retain});
    if (auto* ask = std::get_if<AskSession>(&control))
        return ask->answer.set_value(shard_->report(ask->realm, ask->client_id));
    if (auto* ask = std::get_if<AskRealms>(&control))
        return ask->answer.set_value(shard_->report_realms());
    if (auto* ask = std::get_if<AskExplain>(&control))
        return ask->answer.set_value(
            shard_->explain(ask->realm, ask->client_id, ask->request.view()));
    if (auto* ask = std::get_if<AskHistory>(&control))
        return ask->answer.set_value(history_.of(ask->realm, ask->client_id));
    if (std::holds_alternative<MakeRoom>(control)) return (void)crowd_out_oldest(newcomers_kept());
    if (auto* fresh = std::get_if<NewTls>(&control)) return replace_tls(std::move(*fresh));
    if (const auto* tickets = std::get_if<NewTickets>(&control)) {
        for (auto& context : parts_.tls)
            if (context) context->renew_tickets(tickets->secrets);
        return;
    }
    if (const auto* changed = std::get_if<ChangedUsers>(&control))
        return feed(broker::UsersChanged{changed->users});
    if (auto* policy = std::get_if<NewPolicy>(&control)) {
        feed(broker::PolicyChanged{policy->policy.get()});
        policy_ = std::move(policy->policy);
        return;
    }
    stopping_ = true;
    stop_by_ = now_ + kStopTime;
    if (accepting_) pause_accepting();
    accept_again_ = kNever;
    feed(broker::Shutdown{});
}

// --- effects ---

void ShardRunner::perform() {
    write_all();
    log_events();
    drop_gone();
    for (const auto& each : fx_.closes) close(each);
    for (auto& move : fx_.moves) {
        Socket* socket = sockets_.find(move.connection);
        if (!socket || socket->lingering) continue;  // it ended in the same turn
        poller_.remove(socket->fd.get());
        outgoing_.move(move.to, {sockets_.take(move.connection), std::move(move.bytes),
                                 std::move(move.verdict)});
    }
    for (auto& post : fx_.posts) outgoing_.post(post.to, std::move(post.envelope));
    for (auto& work : fx_.work) parts_.store->submit(std::move(work));
    for (auto& request : fx_.auth_requests) {
        LoginPeer peer = login_peer(request.connection);
        parts_.auth->ask(parts_.shard.id, std::move(request), std::move(peer));
    }
    for (const ConnectionId id : fx_.pauses) set_paused(id, true);
    for (const ConnectionId id : fx_.resumes) set_paused(id, false);
    memory_.note(fx_.output_bytes);
    fx_.clear();
    behind_ = outgoing_.publish();
}

void ShardRunner::write_all() {
    for (const auto& dirty : fx_.dirty) {
        Socket* socket = sockets_.find(dirty.connection);
        if (!socket || socket->lingering) continue;
        socket->unflushed += uint32_t(dirty.bytes);
        pieces_.clear();
        for (uint32_t at = dirty.first; at != broker::Effects::kNone; at = fx_.writes[at].next) {
            const auto& write = fx_.writes[at];
            pieces_.push_back(Bytes(fx_.arena).subspan(write.arena_at, write.arena_bytes));
            if (write.message) pieces_.push_back(write.message->payload());
        }
        if (socket->wire)
            write_wired(dirty, *socket);
        else
            write_plain(dirty, *socket);
    }
}

void ShardRunner::write_plain(const broker::Effects::Dirty& dirty, Socket& socket) {
    std::span<const Bytes> left = pieces_;
    size_t skip = 0;  // of the first piece: taken already
    while (socket.unsent.empty() && !left.empty()) {
        const auto count = os::write_some(socket.fd.get(), left);
        if (!count) {
            if (count.error().kind == os::StreamError::Kind::WouldBlock) break;
            return note_broken(dirty.connection, socket, count.error().text());
        }
        skip = *count;
        while (!left.empty() && skip >= left.front().size()) {
            skip -= left.front().size();
            left = left.subspan(1);
        }
        if (skip > 0) break;  // a short write: the kernel's buffer is full
    }
    for (const Bytes piece : left) {
        socket.unsent.append(piece.subspan(skip));
        skip = 0;
    }
    if (socket.unsent.empty()) return note_flushed(dirty.connection, socket);
    set_interest(dirty.connection, socket);
}

void ShardRunner::write_wired(const broker::Effects::Dirty& dirty, Socket& socket) {
    const bool had_unsent = !socket.unsent.empty();
    mqtt_.clear();
    for (const Bytes piece : pieces_) put_bytes(mqtt_, piece);
    if (parts_.listeners[socket.listener.value]->websocket)
        send_packet_by_packet(socket);
    else
        (void)socket.wire->send(mqtt_, socket.unsent.tail());  // receive() will say what is wrong
    if (!had_unsent) flush(dirty.connection, socket);
}

/// One frame for each packet: a client may read no more than one from a frame (Paho C does not),
/// though it should [MQTT5-6.0.0-2].
void ShardRunner::send_packet_by_packet(Socket& socket) {
    for (Bytes left = mqtt_; !left.empty();) {
        const auto status = mqtt::next_frame(left, mqtt::kPacketBytesMax);
        GW_ASSERT(status && status->complete);
        if (!socket.wire->send(left.first(status->frame.size), socket.unsent.tail())) return;
        left = left.subspan(status->frame.size);
    }
}

void ShardRunner::flush(ConnectionId id, Socket& socket) {
    if (!socket.unsent.empty()) {
        const Bytes all = socket.unsent.front();
        const Bytes front = all.first(std::min(all.size(), kFlushBytesPerTurn));
        const auto count = os::write_some(socket.fd.get(), {&front, 1});
        if (!count && count.error().kind != os::StreamError::Kind::WouldBlock)
            return note_broken(id, socket, count.error().text());
        if (count) socket.unsent.consume(*count);
    }
    set_interest(id, socket);
    if (!socket.unsent.empty()) return;  // the next turn goes on when there is room
    note_flushed(id, socket);
    if (socket.lingering) end_if_sent(socket);
}

/// Nothing more goes out. The shard hears of it with the next inputs: this is no time to change its
/// state.
void ShardRunner::note_broken(ConnectionId id, Socket& socket, std::string why) {
    socket.unsent = {};
    broken_.emplace_back(id, std::move(why));
}

void ShardRunner::note_flushed(ConnectionId id, Socket& socket) {
    if (socket.unflushed == 0) return;
    flushed_.push_back({id, std::exchange(socket.unflushed, 0)});
}

void ShardRunner::set_interest(ConnectionId id, Socket& socket) {
    socket.wants_write = !socket.unsent.empty();
    const os::Interest interest =
        socket.paused ? (socket.wants_write ? os::Interest::Write : os::Interest::None)
                      : (socket.wants_write ? os::Interest::ReadWrite : os::Interest::Read);
    if (interest == socket.interest) return;
    socket.interest = interest;
    poller_.modify(socket.fd.get(), token_of(id), interest);
}

void ShardRunner::set_paused(ConnectionId id, bool paused) {
    Socket* socket = sockets_.find(id);
    if (!socket || socket->lingering || socket->paused == paused) return;
    socket->paused = paused;
    set_interest(id, *socket);
}

/// The shard is through with it. What was written still goes out; then our end is shut, and the
/// peer gets a moment to see it: a reset would take the last packet away from it.
void ShardRunner::close(const broker::Effects::Close& close) {
    Socket* socket = sockets_.find(close.connection);
    if (!socket || socket->lingering) return;
    socket->lingering = true;
    socket->paused = false;
    lingering_.emplace_back(now_ + kLingerTime, close.connection);
    if (socket->wire) {
        socket->wire->close(transport::CloseCode(close.websocket_code), socket->unsent.tail());
        return flush(close.connection, *socket);
    }
    set_interest(close.connection, *socket);
    end_if_sent(*socket);
}

void ShardRunner::end_if_sent(Socket& socket) {
    if (!socket.unsent.empty() || socket.ended) return;
    socket.ended = true;
    os::shutdown_write(socket.fd.get());
}

void ShardRunner::drop(ConnectionId id) {
    openings_.end(id, false);
    release(sockets_.take(id));
}

void ShardRunner::end_lingering() {
    while (!lingering_.empty() && lingering_.front().first <= now_) {
        const ConnectionId id = lingering_.front().second;
        lingering_.pop_front();
        if (Socket* socket = sockets_.find(id); socket && !socket->gone) drop(id);
    }
}

}  // namespace godwit::server
