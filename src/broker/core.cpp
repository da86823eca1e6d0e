#include "broker/core.h"

#include "broker/realms.h"

#include <algorithm>

namespace godwit::broker {

namespace {

/// Outboxes that wait for the next session that owes something.
constexpr size_t kSpareOutboxesMax = 256;

/// Mutant::LoseOrderAcrossHop: the messages change places, the envelopes' numbers do not.
[[maybe_unused]] void swap_last_publishes(Effects& fx) {
    if (fx.posts.size() < 2) return;
    auto& last = fx.posts.back();
    auto& before = fx.posts[fx.posts.size() - 2];
    auto* late = std::get_if<PublishEnvelope>(&last.envelope);
    auto* early = std::get_if<PublishEnvelope>(&before.envelope);
    if (!late || !early || last.to != before.to) return;
    if (late->message->topic() == early->message->topic()) std::swap(late->message, early->message);
}

}  // namespace

Core::Core(const ShardConfig& shard_config)
    : config(shard_config),
      homes{config.hash_key, config.shard_count},
      options(*shard_config.options),
      limits(options.limits),
      gate(config.shard_count),
      random(config.random_seed ^ mix_hash(config.id.value, config.hash_key.k0)),
      keeper(config.shard_count),
      rates(options, config.rates),
      posted(config.shard_count),
      received(config.shard_count),
      confirm_due(config.shard_count * kLanes),
      route_applied(config.shard_count),
      route_acks_due(config.shard_count),
      peer_posted(config.shard_count, std::vector<uint64_t>(config.shard_count)),
      peer_clock(config.shard_count),
      pace{.ways = std::vector<Pace::Way>(config.shard_count), .share = config.pace.turn_work} {
    GW_ASSERT(config.shard_count >= 1 && config.shard_count <= kShardsMax);
    for (size_t i = 0; i < options.realms.size(); ++i)
        realms.push_back(std::make_unique<Realm>(RealmId{uint16_t(i)}, options.realms[i], config));
    counts_memory = std::ranges::any_of(
        realms, [](const auto& realm) { return realm->limits.memory_bytes_max != 0; });
}

Connection* Core::find(ConnectionId id) {
    Connection* c = connections.at(id.slot);
    return c && c->id == id && !c->closing ? c : nullptr;
}

bool Core::routes_in_force(uint64_t sequence) const {
    for (uint16_t i = 0; i < config.shard_count; ++i)
        if (i != config.id.value && route_applied[i] < sequence) return false;
    return true;
}

uint64_t Core::all_others() const {
    const uint64_t all =
        config.shard_count == 64 ? ~uint64_t(0) : (uint64_t(1) << config.shard_count) - 1;
    return all & ~(uint64_t(1) << config.id.value);
}

void Core::arm(Instant due, const TimerToken& token) {
    if (timers.size() >= timers_sweep_at) {
        timers.sweep([this](Instant each, const TimerToken& of) { return is_stale(each, of); });
        timers_sweep_at = 1024 + 2 * timers.size();
    }
    timers.arm(due, token);
}

bool Core::is_stale(Instant due, const TimerToken& token) {
    if (token.kind == TimerToken::Kind::Connection) {
        const Connection* c = find(ConnectionId{token.slot, token.generation});
        return !c || c->watch_due != due;
    }
    if (token.kind == TimerToken::Kind::Rate) {
        const ConnectionId id{token.slot, token.generation};
        return !find(id) || rates.states[id.slot].due != due;
    }
    const Session* session = find(SessionRef{token.slot, token.generation});
    if (!session || session->online) return true;
    if (token.kind == TimerToken::Kind::SessionExpiry) return session->expires != due;
    return !session->will || session->will->due != due;
}

void Core::post(ShardId to, Envelope envelope) {
    if (to == config.id) {
        loopback.push_back(std::move(envelope));
        return;
    }
    ++posted[to.value];
    fx->posts.push_back({to, std::move(envelope)});
    if (GW_MUTANT(LoseOrderAcrossHop)) swap_last_publishes(*fx);
}

Outbox& Core::need_outbox(Session& session) {
    if (session.outbox) return *session.outbox;
    if (spare_outboxes.empty()) {
        session.outbox = std::make_unique<Outbox>();
    } else {
        session.outbox = std::move(spare_outboxes.back());
        spare_outboxes.pop_back();
    }
    return *session.outbox;
}

void Core::free_outbox_if_empty(Session& session) {
    if (!session.outbox || !session.outbox->empty()) return;
    if (spare_outboxes.size() < kSpareOutboxesMax)
        spare_outboxes.push_back(std::move(session.outbox));
    session.outbox.reset();
}

void Core::event(Severity severity, const char* name, const Connection& c, std::string_view reason,
                 std::string detail) {
    Event e{severity, name, c.id, realm_of(*this, c), {}, std::string(reason), std::move(detail)};
    if (const Session* session = find(c.session); session && c.state == Connection::State::Online)
        e.client = session->client_id;
    else if (c.pending)
        e.client = c.pending->client_id;
    fx->events.push_back(std::move(e));
}

void Core::event(Severity severity, const char* name, const Session& s, std::string_view reason,
                 std::string detail) {
    fx->events.push_back({severity, name, s.online ? s.connection : ConnectionId{}, s.realm,
                          std::string(s.client_id), std::string(reason), std::move(detail)});
}

}  // namespace godwit::broker
