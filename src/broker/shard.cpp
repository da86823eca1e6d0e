#include "broker/shard.h"

#include "broker/closing.h"
#include "broker/connecting.h"
#include "broker/delivering.h"
#include "broker/keeping/keeping.h"
#include "broker/keeping/loading.h"
#include "broker/keeping/restoring.h"
#include "broker/limiting.h"
#include "broker/pacing.h"
#include "broker/permitting.h"
#include "broker/publishing.h"
#include "broker/reading.h"
#include "broker/realms.h"
#include "broker/refusing.h"
#include "broker/replaying.h"
#include "broker/scarcity.h"
#include "broker/sharing.h"
#include "broker/slowing.h"
#include "broker/subscribing.h"

namespace godwit::broker {

namespace {

template <class... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;  // clang 14 deduces no aggregates

void on_envelope(Core& core, ShardId from, const Envelope& envelope) {
    std::visit(Overloaded{
                   [&](const PublishEnvelope& in) { on_publish_envelope(core, from, in); },
                   [&](const PublishConfirm& in) { on_publish_confirm(core, from, in); },
                   [&](const PublishesTaken& in) { on_publishes_taken(core, from, in); },
                   [&](const RouteChange& in) { on_route_change(core, from, in); },
                   [&](const RouteProbe& in) { on_route_probe(core, from, in); },
                   [&](const RouteApplied& in) { on_route_applied(core, from, in); },
                   [&](const LogCondition& in) { on_log_condition(core, from, in); },
                   [&](const Boxed<RetainedQuery>& in) { on_retained_query(core, from, *in); },
                   [&](const Boxed<RetainedBatch>& in) { on_retained_batch(core, *in); },
                   [&](const Boxed<GroupJoin>& in) { on_group_join(core, from, *in); },
                   [&](const GroupJoined& in) { on_group_joined(core, in); },
                   [&](const Boxed<GroupLeave>& in) { on_group_leave(core, from, *in); },
                   [&](const Boxed<GroupPresence>& in) { on_group_presence(core, from, *in); },
                   [&](const GroupDeliver& in) { on_group_deliver(core, from, in); },
                   [&](const GroupTaken& in) { on_group_taken(core, from, in); },
                   [&](const GroupReleased& in) { on_group_released(core, in); },
                   [&](const GroupDone& in) { on_group_done(core, in); },
                   [&](const GroupReturn& in) { on_group_return(core, in); },
                   [&](const Boxed<RealmUse>& in) { on_realm_use(core, from, *in); },
               },
               envelope);
}

void on_tick(Core& core) {
    while (const auto token = core.timers.pop_due(core.now)) {
        switch (token->kind) {
            case TimerToken::Kind::Connection:
                on_connection_timer(core, {token->slot, token->generation});
                break;
            case TimerToken::Kind::SessionExpiry:
                on_session_expiry_timer(core, {token->slot, token->generation});
                break;
            case TimerToken::Kind::WillDelay:
                on_will_timer(core, {token->slot, token->generation});
                break;
            case TimerToken::Kind::Rate:
                on_rate_timer(core, {token->slot, token->generation});
                break;
        }
    }
    read_on(core);
    for (const auto& realm : core.realms) {
        const size_t bytes = realm->retained.memory_bytes();
        std::vector<ObjectId> kept;
        core.counters.retained -= realm->retained.expire(core.now, kept);
        core.counters.retained_bytes -= bytes - realm->retained.memory_bytes();
        for (ObjectId& id : kept) forget(core, id);
    }
}

void on_mail(Core& core, const Mail& in) {
    ++core.received[in.from.value];
    on_envelope(core, in.from, *in.envelope);
    if (!core.deferred_queries.empty()) answer_deferred(core);
}

/// What it had sent before is as good as if it had come in time.
void on_lost(Core& core, Connection& c, std::string_view why) {
    finish_reading(core, c);
    on_closed(core, c, why);
    std::erase_if(core.fx->closes,
                  [&](const Effects::Close& each) { return each.connection == c.id; });
}

void on_kick(Core& core, const Kick& in) {
    const Session* session = core.find(in.realm, in.client_id);
    if (!session) return;
    if (Connection* c = core.connection_of(*session))
        disconnect(core, *c, in.reason, "by the administrator");
}

void on_revoked(Core& core, const Revoked& in) {
    if (Connection* c = core.find(in.connection))
        disconnect(core, *c, mqtt::ReasonCode::NotAuthorized, "its certificate was revoked");
}

void on_shutdown(Core& core) {
    core.connections.for_each([&](Connection& c) {
        if (!c.closing)
            disconnect(core, c, mqtt::ReasonCode::ServerShuttingDown, "the broker stops");
    });
}

/// Calls walk(connection) if it is still there.
template <class Walk>
void with(Core& core, ConnectionId id, Walk&& walk) {
    if (Connection* c = core.find(id)) walk(*c);
}

}  // namespace

Result<Shard::Opened, DiskError> Shard::open(const ShardConfig& config, Directory& directory,
                                             const std::string& folder,
                                             const store::Options& options, Effects& fx) {
    Restorer restorer;
    auto opened = store::Log::open(directory, folder, options, restorer);
    if (!opened) return Err{opened.error()};
    Opened result{std::make_unique<Shard>(config), {}, std::move(opened->damage)};
    Core& core = result.shard->core_;
    core.keeper.log = std::make_unique<store::Log>(std::move(opened->log));
    core.fx = &fx;
    result.found = restorer.finish(core);
    if (result.found.clock) core.now = result.found.clock->now;
    result.shard->drain_loopback();
    return result;
}  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): clang-tidy 14 loses what is moved

void settle(std::span<const ShardSeat> seats, Instant now, WallTime wall) {
    bool busy = true;
    while (busy) {
        busy = false;
        for (size_t from = 0; from < seats.size(); ++from) {
            for (Effects::Post& post : std::exchange(seats[from].fx->posts, {})) {
                const ShardSeat& to = seats[post.to.value];
                to.shard->handle(Mail{{uint16_t(from)}, &post.envelope}, now, *to.fx);
                busy = true;
            }
        }
        for (const ShardSeat& seat : seats) seat.shard->end_turn(now, wall, *seat.fx);
        for (const ShardSeat& seat : seats) busy |= !seat.fx->posts.empty();
    }
}

namespace {

/// Does what one shard wants of its disk. @return  whether there was something
bool work_off(const ShardSeat& seat, const LogFolder& log, Instant now,
              std::optional<DiskError>& error) {
    auto work = std::exchange(seat.fx->work, {});
    for (store::Work& each : work) {
        auto done = store::perform(std::move(each), *log.directory, log.name);
        if (done.error) error = done.error;
        seat.shard->handle(StoreDone{&done}, now, *seat.fx);
    }
    return !work.empty();
}

}  // namespace

Result<Done, DiskError> come_to_rest(std::span<const ShardSeat> seats,
                                     std::span<const LogFolder> logs, Instant now, WallTime wall) {
    std::optional<DiskError> error;
    for (bool busy = true; busy;) {
        settle(seats, now, wall);
        busy = false;
        for (size_t i = 0; i < seats.size(); ++i) {
            busy |= work_off(seats[i], logs[i], now, error);
            busy |= seats[i].shard->is_cleaning();
        }
    }
    for (const ShardSeat& seat : seats)
        if (!seat.shard->is_saved()) return Err{error.value_or(DiskError{})};
    return Done{};
}

void Shard::handle(const Input& input, Instant now, Effects& fx) {
    core_.now = now;
    core_.fx = &fx;
    Core& core = core_;
    std::visit(
        Overloaded{
            [&](const Received& in) {
                with(core, in.connection, [&](Connection& c) { on_received(core, c, in.bytes); });
            },
            [&](const Flushed& in) {
                with(core, in.connection, [&](Connection& c) { on_flushed(core, c, in.bytes); });
            },
            [&](const Mail& in) { on_mail(core, in); },
            [&](const Accepted& in) { on_accepted(core, in); },
            [&](const Identified& in) {
                with(core, in.connection, [&](Connection& c) { on_identified(core, c, in); });
            },
            [&](const Adopted& in) { on_adopted(core, in); },
            [&](const Closed& in) {
                with(core, in.connection, [&](Connection& c) { on_lost(core, c, in.why); });
            },
            [&](const Verdict& in) {
                with(core, in.connection, [&](Connection& c) { on_verdict(core, c, in); });
            },
            [&](const StoreDone& in) { on_store_done(core, std::move(*in.done)); },
            [&](const Restarted&) { on_restarted(core); },
            [&](const Inject& in) { on_inject(core, in); },
            [&](const Tick&) { on_tick(core); },
            [&](const PolicyChanged& in) { on_policy_changed(core, in); },
            [&](const UsersChanged& in) { on_users_changed(core, in); },
            [&](const Revoked& in) { on_revoked(core, in); },
            [&](const MemoryState& in) { on_memory(core, in); },
            [&](const Kick& in) { on_kick(core, in); },
            [&](const Shutdown&) { on_shutdown(core); },
        },
        input);
    end_input();
}

void Shard::end_turn(Instant now, WallTime wall, Effects& fx) {
    core_.now = now;
    core_.fx = &fx;
    if (core_.counts_memory) {
        judge_realms(core_);
        end_input();
    }
    if (core_.keeper.log) {
        take_loaded(core_);
        move_objects(core_);
        tell_condition(core_);
        end_input();
        commit(core_, wall);
    }
    confirm_publishes(core_);
    tell_taken(core_);
    confirm_routes(core_);
    tell_realm_use(core_);
    divide_turn(core_);
}

std::optional<Instant> Shard::next_deadline() const {
    if (!core_.pace.unfinished.empty()) return core_.now;
    auto next = core_.timers.next_deadline();
    for (const auto& realm : core_.realms)
        if (const auto expiry = realm->retained.next_expiry(); expiry && (!next || *expiry < *next))
            next = expiry;
    if (!core_.keeper.log) return next;
    if (core_.keeper.log->wants_move()) return core_.now;
    for (const auto disk :
         {core_.keeper.log->next_deadline(), core_.keeper.condition.next_deadline()})
        if (disk && (!next || *disk < *next)) next = disk;
    return next;
}

std::optional<auth::Explanation> Shard::explain(RealmId realm, std::string_view client_id,
                                                const auth::Request& request) const {
    const Session* session = core_.find(realm, client_id);
    if (!session) return std::nullopt;
    if (!core_.profiles) return auth::explain_without_policy();
    return auth::explain(core_.profiles->policy(), subject_of(core_, *session), request);
}

bool Shard::awaits_connect(ConnectionId id) const {
    const Connection* c = core_.connections.at(id.slot);
    return c && c->id == id && !c->closing && c->state == Connection::State::AwaitConnect;
}

std::optional<SessionReport> Shard::report(RealmId realm, std::string_view client_id) const {
    const Session* known = core_.find(realm, client_id);
    if (!known) return std::nullopt;
    const Session& session = *known;
    SessionReport out{.shard = core_.config.id,
                      .version = session.version,
                      .online = session.online,
                      .subscriptions = session.subscription_count(),
                      .queued = session.waiting_count(),
                      .queued_bytes = session.waiting_bytes(),
                      .inflight = session.inflight_count(),
                      .held_back = held_back_report(core_, session)};
    if (!session.online && session.expires > core_.now)
        out.expires_in_s =
            uint64_t(std::chrono::ceil<std::chrono::seconds>(session.expires - core_.now).count());
    if (session.extras && session.extras->lost) out.lost = *session.extras->lost;
    return out;
}

std::vector<RealmReport> Shard::report_realms() const {
    std::vector<RealmReport> all;
    for (const auto& realm : core_.realms)
        if (core_.options.realms[realm->id.value].is_open) all.push_back(report_of(core_, *realm));
    return all;
}

bool Shard::is_saved() const {
    const store::Log* log = core_.keeper.log.get();
    return !log || log->durable() + 1 == log->next_ticket();
}

bool Shard::is_cleaning() const {
    return core_.keeper.log && core_.keeper.log->wants_move();
}

void Shard::drain_loopback() {
    while (!core_.loopback.empty()) {
        const Envelope envelope = std::move(core_.loopback.front());
        core_.loopback.pop_front();
        on_envelope(core_, core_.config.id, envelope);
    }
}

void Shard::end_input() {
    drain_loopback();
    while (!core_.ending.empty()) {
        end_full_sessions(core_);
        drain_loopback();
    }
    reap();
}

void Shard::reap() {
    for (const ConnectionId id : core_.dying) {
        --core_.counters.connections;
        core_.counters.connections_held_back -=
            core_.connections.at(id.slot)->is_paused(Pause::Disk);
        core_.connections.erase(id.slot);
    }
    core_.dying.clear();
}

}  // namespace godwit::broker
