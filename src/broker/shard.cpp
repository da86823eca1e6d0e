#include "broker/shard.h"

#include "broker/closing.h"
#include "broker/connecting.h"
#include "broker/delivering.h"
#include "broker/publishing.h"
#include "broker/reading.h"
#include "broker/replaying.h"
#include "broker/sharing.h"
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
                   [&](const RouteChange& in) { on_route_change(core, from, in); },
                   [&](const RouteProbe& in) { on_route_probe(core, from, in); },
                   [&](const RouteApplied& in) { on_route_applied(core, from, in); },
                   [&](const RetainedQuery& in) { on_retained_query(core, from, in); },
                   [&](const RetainedBatch& in) { on_retained_batch(core, in); },
                   [&](const GroupJoin& in) { on_group_join(core, from, in); },
                   [&](const GroupJoined& in) { on_group_joined(core, in); },
                   [&](const GroupLeave& in) { on_group_leave(core, from, in); },
                   [&](const GroupPresence& in) { on_group_presence(core, from, in); },
                   [&](const GroupDeliver& in) { on_group_deliver(core, from, in); },
                   [&](const GroupDone& in) { on_group_done(core, in); },
                   [&](const GroupReturn& in) { on_group_return(core, in); },
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
        }
    }
    for (const auto& realm : core.realms) {
        const size_t bytes = realm->retained.memory_bytes();
        core.counters.retained -= realm->retained.expire(core.now);
        core.counters.retained_bytes -= bytes - realm->retained.memory_bytes();
    }
}

void on_mail(Core& core, const Mail& in) {
    ++core.received[in.from.value];
    on_envelope(core, in.from, *in.envelope);
    if (!core.deferred_queries.empty()) answer_deferred(core);
}

void on_kick(Core& core, const Kick& in) {
    const auto& sessions = core.realm(in.realm).sessions;
    const auto known = sessions.find(in.client_id);
    if (known == sessions.end()) return;
    if (Connection* c = core.connection_of(*core.find(known->second)))
        disconnect(core, *c, in.reason, "by the administrator");
}

void on_shutdown(Core& core) {
    for (const auto& c : core.connections)
        if (c && !c->closing)
            disconnect(core, *c, mqtt::ReasonCode::ServerShuttingDown, "the broker stops");
}

/// Calls walk(connection) if it is still there.
template <class Walk>
void with(Core& core, ConnectionId id, Walk&& walk) {
    if (Connection* c = core.find(id)) walk(*c);
}

}  // namespace

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
            [&](const Adopted& in) { on_adopted(core, in); },
            [&](const Closed& in) {
                with(core, in.connection, [&](Connection& c) { on_closed(core, c, in.why); });
            },
            [&](const Verdict& in) {
                with(core, in.connection, [&](Connection& c) { on_verdict(core, c, in); });
            },
            [&](const Inject& in) { on_inject(core, in); },
            [&](const Tick&) { on_tick(core); },
            [&](const PolicyChanged& in) { core.acl = in.acl; },
            [&](const Kick& in) { on_kick(core, in); },
            [&](const Shutdown&) { on_shutdown(core); },
        },
        input);
    drain_loopback();
    reap();
}

void Shard::end_turn(Instant now, Effects& fx) {
    core_.now = now;
    core_.fx = &fx;
    confirm_publishes(core_);
    confirm_routes(core_);
}

std::optional<Instant> Shard::next_deadline() const {
    auto next = core_.timers.next_deadline();
    for (const auto& realm : core_.realms)
        if (const auto expiry = realm->retained.next_expiry(); expiry && (!next || *expiry < *next))
            next = expiry;
    return next;
}

void Shard::drain_loopback() {
    while (!core_.loopback.empty()) {
        const Envelope envelope = std::move(core_.loopback.front());
        core_.loopback.pop_front();
        on_envelope(core_, core_.config.id, envelope);
    }
}

void Shard::reap() {
    for (const ConnectionId id : core_.dying) {
        --core_.counters.connections;
        core_.connections[id.slot].reset();
    }
    core_.dying.clear();
}

}  // namespace godwit::broker
