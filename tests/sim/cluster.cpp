#include "sim/cluster.h"

#include <algorithm>

namespace godwit::sim {

using std::chrono::milliseconds;

struct Cluster::Seat {
    Seat(const broker::ShardConfig& config)
        : id(config.id), shard(std::make_unique<broker::Shard>(config)), mail(config.shard_count) {}
    struct Waiting {
        Instant since;
        store::Work work;
    };
    struct Slot {
        uint32_t generation = 0;
        Wire* wire = nullptr;
    };
    ShardId id;
    std::unique_ptr<broker::Shard> shard;
    broker::Effects fx;
    std::deque<Waiting> disk_work;  // the front one is under way
    std::deque<store::WorkDone> disk_done;
    Instant disk_at = kNever;  // when the front one is done
    size_t closes_noted = 0;
    size_t accepts_noted = 0;  // of fx.dirty
    std::vector<Slot> slots;
    std::vector<std::deque<Letter>> mail;  // by sender
    std::vector<uint32_t> ready;           // wires with input
    std::deque<std::string> kicks;
    Instant turn_at = kNever;
    Instant tick_at = kNever;  // next one in the agenda
    Instant stalled_until;
};

Cluster::Cluster(const Plan& plan, Agenda& agenda, Network& network, History& history)
    : plan_(plan),
      agenda_(agenda),
      network_(network),
      history_(history),
      random_(plan.seed ^ 0xc1),
      drives_(plan, agenda, history) {
    options_.limits = plan.limits;
    for (uint32_t i = 0; i < plan.clients.size(); ++i)
        client_numbers_.emplace(plan.clients[i].id, i);
    restart();
}

Cluster::~Cluster() = default;

broker::ShardConfig Cluster::config_of(uint16_t shard) const {
    broker::ShardConfig config;
    config.id = {shard};
    config.shard_count = plan_.shards;
    config.hash_key = {plan_.seed * 7 + 1, plan_.seed * 13 + 5};
    config.random_seed = plan_.seed;
    config.options = &options_;
    config.rates = rates_.get();
    if (plan_.seed % 13 == 7) {  // in some worlds a turn has little room
        config.pace.turn_work = 3;
        config.pace.untaken_max = 2;
    }
    return config;
}

void Cluster::restart() {
    ++turn_;
    std::vector<broker::ShardSeat> opened;
    std::optional<Instant> clock;
    drives_.mend();
    rates_ = std::make_unique<broker::SharedRates>(options_);
    for (uint16_t i = 0; i < plan_.shards; ++i) {
        seats_.push_back(std::make_unique<Seat>(config_of(i)));
        Seat& seat = *seats_.back();
        seat.fx.least_severity = broker::Severity::Debug;
        if (drives_.empty()) continue;
        clock = std::max(clock, open_log(seat));
        opened.push_back({seat.shard.get(), &seat.fx});
    }
    if (drives_.empty()) return;
    set_clock(clock);
    broker::settle(opened, now(), wall());
    restarting_ = true;
    for (const auto& seat : seats_) {
        give(*seat, broker::Restarted{});
        perform(*seat);
        schedule(*seat, agenda_.now());
    }
    restarting_ = false;
}

/// @return  the broker's clock, as far as this log knows
std::optional<Instant> Cluster::open_log(Seat& seat) {
    const uint16_t shard = seat.id.value;
    auto opened = broker::Shard::open(
        config_of(shard), drives_.disk(shard), "",
        {.segment_bytes = plan_.segment_bytes, .past_cache_min = plan_.segment_bytes / 16},
        seat.fx);
    GW_ASSERT(opened);
    for (const store::Damage& each : opened->damage)
        history_.damages.push_back({{agenda_.now(), turn_}, shard, each.what});
    seat.shard = std::move(opened->shard);
    if (!opened->found.clock) return std::nullopt;
    return broker::clock_after(*opened->found.clock, wall());
}

/// As the process does it: never behind what the logs know, nor behind the machine's clock.
void Cluster::set_clock(std::optional<Instant> found) {
    const Duration before = ahead_;
    const Instant up = agenda_.now() - up_behind_;
    ahead_ = std::max(found.value_or(up), up) - agenda_.now();
    // Where nothing was kept, nothing is late or early.
    if (!history_.crashes.empty()) history_.jumps.push_back(found ? ahead_ - before : Duration{});
}

WallTime Cluster::wall() const {
    return {(agenda_.now().time_since_epoch() + wall_ahead_).count() / 1'000'000};
}

void Cluster::step_clock(Duration by) {
    wall_ahead_ += by;
    history_.steps.push_back({agenda_.now(), by});
}

void Cluster::calm() {
    calm_ = true;
    drives_.calm();
}

void Cluster::note_homes() const {
    const broker::Core map(config_of(0));
    for (const std::string& each : history_.clients)
        history_.homes.push_back(map.home_of_client({}, each).value);
    for (MessageFacts& each : history_.messages)
        each.home = map.home_of_topic({}, each.topic).value;
}

// --- disks ---

void Cluster::begin_disk_work(Seat& seat) {
    if (seat.disk_work.empty() || seat.disk_at != kNever) return;
    seat.disk_at = agenda_.now() + drives_.work_time(seat.id.value);
    agenda_.put(seat.disk_at, Due::Kind::Disk, seat.id.value);
}

void Cluster::on_disk(uint16_t shard) {
    Seat& seat = *seats_[shard];
    if (seat.disk_at != agenda_.now()) return;  // of a shard before a crash
    seat.disk_at = kNever;
    drives_.note_wait(seat.disk_work.front().since);
    seat.disk_done.push_back(drives_.perform(shard, std::move(seat.disk_work.front().work)));
    seat.disk_work.pop_front();
    begin_disk_work(seat);
    schedule(seat, agenda_.now() + lateness());
}

/// The crash comes while the disk works: some of it has happened, none of it is synced.
void Cluster::tear_disk_work(Seat& seat) {
    if (!seat.disk_work.empty()) drives_.note_wait(seat.disk_work.front().since);
    while (!seat.disk_work.empty() && random_.below(2) == 0) {
        store::Work work = std::move(seat.disk_work.front().work);
        seat.disk_work.pop_front();
        work.sync = false;
        (void)drives_.perform(seat.id.value, std::move(work));
    }
}

void Cluster::crash(CrashKind kind) {
    history_.crashes.push_back({agenda_.now(), ++turn_});
    group_drops_before_ = counters().lost[broker::Loss::GroupFull];
    for (const auto& seat : seats_) {
        if (!drives_.empty()) tear_disk_work(*seat);
        for (const auto& slot : seat->slots) {
            if (!slot.wire) continue;
            slot.wire->stage = Wire::Stage::Gone;
            note_closed(*slot.wire);
            network_.abandon(*slot.wire);
        }
    }
    seats_.clear();
    if (kind == CrashKind::Killed || drives_.empty()) return;
    drives_.lose_power();
    up_behind_ = agenda_.now().time_since_epoch();
}

// --- waking ---

Duration Cluster::lateness() {
    const Duration most = calm_ || random_.below(20) != 0 ? Duration(20'000) : plan_.turn_max;
    return Duration(1 + random_.below(uint64_t(most.count())));
}

void Cluster::schedule(Seat& seat, Instant at) {
    at = std::max(at, seat.stalled_until);
    if (seat.turn_at <= at) return;
    seat.turn_at = at;
    agenda_.put(at, Due::Kind::Turn, seat.id.value);
}

void Cluster::wake(Wire& wire) {
    if (!wire.has_input()) return;
    Seat& seat = *seats_[wire.shard];
    if (!wire.listed) seat.ready.push_back(wire.number);
    wire.listed = true;
    schedule(seat, agenda_.now() + lateness());
}

void Cluster::on_tick(uint16_t shard) {
    Seat& seat = *seats_[shard];
    if (seat.tick_at > agenda_.now()) return;
    seat.tick_at = kNever;
    schedule(seat, agenda_.now());
}

void Cluster::stall(uint16_t shard, Duration duration) {
    seats_[shard]->stalled_until = agenda_.now() + duration;
}

void Cluster::kick(std::string_view client_id) {
    for (const auto& seat : seats_) {
        seat->kicks.emplace_back(client_id);
        schedule(*seat, agenda_.now() + lateness());
    }
}

bool Cluster::idle() const {
    return std::all_of(seats_.begin(), seats_.end(), [](const auto& seat) {
        return seat->ready.empty() && seat->kicks.empty() && seat->disk_work.empty() &&
               seat->disk_done.empty() &&
               std::all_of(seat->mail.begin(), seat->mail.end(),
                           [](const auto& box) { return box.empty(); });
    });
}

// --- connections ---

void Cluster::accept(Wire& wire) {
    wire.shard = uint16_t(wire.random.below(seats_.size()));
    seat_wire(*seats_[wire.shard], wire);
}

void Cluster::seat_wire(Seat& seat, Wire& wire) {
    size_t at = 0;
    while (at < seat.slots.size() && seat.slots[at].wire) ++at;
    if (at == seat.slots.size()) seat.slots.emplace_back();
    seat.slots[at].wire = &wire;
    wire.shard = seat.id.value;
    wire.id = {uint32_t(at), ++seat.slots[at].generation};
    wire.listed = false;
    wake(wire);
}

Wire* Cluster::at(Seat& seat, ConnectionId id) {
    auto& slot = seat.slots.at(id.slot);
    return slot.generation == id.generation ? slot.wire : nullptr;
}

void Cluster::note_closed(Wire& wire) {
    ConnectionFacts& facts = history_.connections[wire.number];
    if (facts.closed.happened()) return;
    facts.closed = {agenda_.now(), turn_};
    facts.closed_order = ++order_;
}

// --- turns ---

void Cluster::on_turn(uint16_t shard) {
    Seat& seat = *seats_[shard];
    if (seat.turn_at != agenda_.now()) return;  // moved meanwhile
    seat.turn_at = kNever;
    if (seat.stalled_until > agenda_.now()) return schedule(seat, seat.stalled_until);
    ++turn_;
    auto sources = sources_of(seat);
    for (size_t i = sources.size(); i > 1; --i)
        std::swap(sources[i - 1], sources[random_.below(i)]);
    if (!calm_ && !sources.empty() && random_.below(3) == 0)
        sources.resize(1 + random_.below(sources.size()));
    for (const Source& source : sources) feed(seat, source);
    seat.shard->end_turn(now(), wall(), seat.fx);
    note_closes(seat);
    note_accepts(seat);
    perform(seat);
    after_turn(seat);
}

std::vector<Cluster::Source> Cluster::sources_of(Seat& seat) {
    std::vector<Source> found;
    for (uint32_t from = 0; from < seat.mail.size(); ++from)
        if (!seat.mail[from].empty() && seat.mail[from].front().at <= agenda_.now())
            found.push_back({Source::Kind::Mail, from});
    for (const uint32_t wire : seat.ready) found.push_back({Source::Kind::Wire, wire});
    if (!seat.kicks.empty()) found.push_back({Source::Kind::Kick});
    if (!seat.disk_done.empty()) found.push_back({Source::Kind::Disk});
    const auto due = next_deadline(seat);
    if (due && *due <= agenda_.now()) found.push_back({Source::Kind::Tick});
    return found;
}

void Cluster::after_turn(Seat& seat) {
    std::erase_if(seat.ready, [&](uint32_t number) {
        Wire& wire = network_.wire(number);
        const bool mine = wire.shard == seat.id.value && wire.has_input();
        if (!mine && wire.shard == seat.id.value) wire.listed = false;
        return !mine;
    });
    if (!seat.ready.empty() || !seat.kicks.empty() || !seat.disk_done.empty())
        schedule(seat, agenda_.now() + lateness());
    for (const auto& box : seat.mail)
        if (!box.empty()) schedule(seat, std::max(box.front().at, agenda_.now() + lateness()));
    const auto due = next_deadline(seat);
    if (due && *due < seat.tick_at) {
        seat.tick_at = *due;
        agenda_.put(*due, Due::Kind::Tick, seat.id.value);
    }
}

/// On the agenda.
std::optional<Instant> Cluster::next_deadline(const Seat& seat) const {
    const auto due = seat.shard->next_deadline();
    return due ? std::optional(agenda_time(*due)) : std::nullopt;
}

void Cluster::give(Seat& seat, const broker::Input& input) {
    seat.shard->handle(input, now(), seat.fx);
    note_closes(seat);
    note_accepts(seat);
}

void Cluster::note_closes(Seat& seat) {
    for (; seat.closes_noted < seat.fx.closes.size(); ++seat.closes_noted) {
        Wire* wire = at(seat, seat.fx.closes[seat.closes_noted].connection);
        GW_ASSERT(wire != nullptr);
        wire->stage = Wire::Stage::Gone;
        note_closed(*wire);
    }
}

void Cluster::feed(Seat& seat, const Source& source) {
    switch (source.kind) {
        case Source::Kind::Mail:
            return feed_mail(seat, source.index);
        case Source::Kind::Wire:
            return feed_wire(seat, network_.wire(source.index));
        case Source::Kind::Kick:
            give(seat, broker::Kick{.client_id = seat.kicks.front()});
            return seat.kicks.pop_front();
        case Source::Kind::Disk:
            give(seat, broker::StoreDone{&seat.disk_done.front()});
            return seat.disk_done.pop_front();
        case Source::Kind::Tick:
            return give(seat, broker::Tick{});
    }
}

void Cluster::feed_mail(Seat& seat, uint32_t from) {
    auto& box = seat.mail[from];
    size_t count = 0;
    while (count < box.size() && box[count].at <= agenda_.now()) ++count;
    if (!calm_ && random_.below(3) == 0) count = 1 + random_.below(count);
    for (; count > 0; --count) {
        const Letter letter = std::move(box.front());
        box.pop_front();
        if (letter.hop != kNone) history_.hops[letter.hop].handled_turn = turn_;
        give(seat, broker::Mail{{uint16_t(from)}, &letter.envelope});
    }
}

void Cluster::feed_wire(Seat& seat, Wire& wire) {
    if (wire.stage == Wire::Stage::Gone || wire.shard != seat.id.value) return;
    if (wire.stage == Wire::Stage::Accepted) {
        wire.stage = Wire::Stage::Open;
        return give(seat, broker::Accepted{.connection = wire.id, .listener = {}});
    }
    if (wire.stage == Wire::Stage::Adopted) {
        wire.stage = Wire::Stage::Open;
        const Buffer bytes = std::exchange(wire.adopted_bytes, {});
        return give(seat, broker::Adopted{.connection = wire.id, .listener = {}, .bytes = bytes});
    }
    if (wire.to_flush > 0)
        return give(seat, broker::Flushed{wire.id, std::exchange(wire.to_flush, 0)});
    if (!wire.paused && !wire.arrived.empty()) return feed_bytes(seat, wire);
    if (!wire.gone_told) return;
    wire.stage = Wire::Stage::Gone;
    note_closed(wire);
    seat.slots[wire.id.slot].wire = nullptr;
    give(seat, broker::Closed{wire.id, "gone"});
}

void Cluster::feed_bytes(Seat& seat, Wire& wire) {
    size_t count = wire.arrived.size();
    if (plan_.network.cut_bytes && !calm_ && random_.below(4) == 0)
        count = 1 + random_.below(count);
    const Buffer bytes(wire.arrived.begin(), wire.arrived.begin() + ptrdiff_t(count));
    wire.arrived.erase(wire.arrived.begin(), wire.arrived.begin() + ptrdiff_t(count));
    wire.read_bytes += count;
    ConnectionFacts& facts = history_.connections[wire.number];
    facts.reads.push_back({wire.read_bytes, {agenda_.now(), turn_}});
    facts.last_read = agenda_.now();
    give(seat, broker::Received{wire.id, bytes});
}

namespace {

/// A 3.1 client is not told; the broker's own words are.
bool says_resumed(const broker::Effects& fx, ConnectionId connection) {
    return std::any_of(fx.events.begin(), fx.events.end(), [&](const broker::Event& each) {
        return std::string_view(each.name) == "connected" && each.connection == connection &&
               each.detail.ends_with("session resumed");
    });
}

}  // namespace

/// CONNACK is the first thing that a connection is sent, in the turn that read CONNECT or later.
void Cluster::note_accepts(Seat& seat) {
    const broker::Effects& fx = seat.fx;
    for (; seat.accepts_noted < fx.dirty.size(); ++seat.accepts_noted) {
        const auto& dirty = fx.dirty[seat.accepts_noted];
        const Wire* wire = at(seat, dirty.connection);
        if (!wire || wire->written_bytes > 0) continue;
        const auto& first = fx.writes[dirty.first];
        const uint8_t* bytes = fx.arena.data() + first.arena_at;
        const size_t head = first.arena_bytes > 1 && (bytes[1] & 0x80) ? 3 : 2;
        if (first.arena_bytes < head + 2 || bytes[0] != 0x20 || bytes[head + 1] != 0) continue;
        ConnectionFacts& facts = history_.connections[wire->number];
        facts.accepted = {agenda_.now(), turn_};
        facts.accepted_order = ++order_;
        facts.session_present = (bytes[head] & 1) != 0;
        if (facts.version == mqtt::Version::V31)
            facts.session_present = says_resumed(fx, dirty.connection);
    }
}

// --- effects ---

void Cluster::perform(Seat& seat) {
    broker::Effects& fx = seat.fx;
    perform_writes(seat);
    for (const auto& close : fx.closes) {
        Wire* wire = std::exchange(seat.slots[close.connection.slot].wire, nullptr);
        network_.finish(*wire);
    }
    seat.closes_noted = 0;
    seat.accepts_noted = 0;
    for (const ConnectionId id : fx.pauses)
        if (Wire* wire = at(seat, id)) {
            wire->paused = true;
            history_.connections[wire->number].ever_paused = true;
        }
    for (const ConnectionId id : fx.resumes)
        if (Wire* wire = at(seat, id)) {
            wire->paused = false;
            wake(*wire);
        }
    perform_moves(seat);
    perform_posts(seat);
    note_drops(seat);
    for (store::Work& work : fx.work) seat.disk_work.push_back({agenda_.now(), std::move(work)});
    begin_disk_work(seat);
    GW_ASSERT(fx.auth_requests.empty());
    fx.clear();
}

void Cluster::perform_writes(Seat& seat) {
    const broker::Effects& fx = seat.fx;
    for (const auto& dirty : fx.dirty) {
        Wire* wire = at(seat, dirty.connection);
        if (!wire) continue;
        Buffer out;
        for (uint32_t i = dirty.first; i != broker::Effects::kNone; i = fx.writes[i].next) {
            const auto& write = fx.writes[i];
            put_bytes(out, Bytes(fx.arena).subspan(write.arena_at, write.arena_bytes));
            if (write.message) put_bytes(out, write.message->payload());
        }
        GW_ASSERT(out.size() == dirty.bytes);
        wire->written_bytes += out.size();
        wire->writes.push_back({wire->written_bytes, {agenda_.now(), turn_}});
        network_.write(*wire, out);
        uint64_t& most = history_.connections[wire->number].most_unsent_bytes;
        most = std::max<uint64_t>(most, wire->unsent.size());
        wake(*wire);
    }
}

void Cluster::perform_moves(Seat& seat) {
    for (auto& move : seat.fx.moves) {
        Wire* wire = at(seat, move.connection);
        if (!wire) continue;
        seat.slots[move.connection.slot].wire = nullptr;
        wire->stage = Wire::Stage::Adopted;
        wire->adopted_bytes = std::move(move.bytes);
        seat_wire(*seats_[move.to.value], *wire);
    }
}

void Cluster::perform_posts(Seat& seat) {
    for (auto& post : seat.fx.posts) {
        Seat& target = *seats_[post.to.value];
        auto& box = target.mail[seat.id.value];
        const Duration most = calm_ || random_.below(8) != 0 ? Duration(20'000) : plan_.hop_max;
        Instant at = agenda_.now() + Duration(1 + random_.below(uint64_t(most.count())));
        if (!box.empty()) at = std::max(at, box.back().at);
        Letter letter{at, kNone, std::move(post.envelope)};
        if (const auto* publish = std::get_if<broker::PublishEnvelope>(&letter.envelope)) {
            letter.hop = uint32_t(history_.hops.size());
            history_.hops.push_back(
                {message_of(as_text(publish->message->payload())), turn_, 0, restarting_});
        }
        box.push_back(std::move(letter));
        schedule(target, at);
    }
}

void Cluster::note_drops(Seat& seat) {
    for (const broker::Event& event : seat.fx.events) {
        const std::string_view name(event.name);
        if (name != "dropped" && name != "retained_refused") continue;
        Event noted;
        noted.kind = Event::Kind::Dropped;
        noted.at = agenda_.now();
        noted.broker = {agenda_.now(), turn_};
        // What is not retained is lost to all who might subscribe; the event names its publisher.
        const auto known = client_numbers_.find(event.client);
        if (name == "dropped" && known != client_numbers_.end()) noted.client = known->second;
        noted.text = event.detail;
        noted.why = event.reason;
        history_.events.push_back(std::move(noted));
    }
}

broker::Counters Cluster::counters() const {
    broker::Counters sum;
    sum.lost[broker::Loss::GroupFull] = group_drops_before_;
    for (const auto& seat : seats_) sum += seat->shard->counters();
    return sum;
}

}  // namespace godwit::sim
