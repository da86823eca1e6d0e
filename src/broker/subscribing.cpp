#include "broker/subscribing.h"

#include "base/mutant.h"
#include "broker/closing.h"
#include "broker/delivering.h"
#include "broker/keeping/keeping.h"
#include "broker/limiting.h"
#include "broker/permitting.h"
#include "broker/reading.h"
#include "broker/refusal_lines.h"
#include "broker/refusing.h"
#include "broker/replaying.h"
#include "broker/scarcity.h"
#include "broker/sharing.h"
#include "mqtt/encoder.h"
#include "topic/filter.h"

#include <algorithm>

namespace godwit::broker {

using mqtt::ReasonCode;
using mqtt::RetainHandling;
using mqtt::SubscriptionOptions;

namespace {

/// Of one connection; what waits costs memory on its shard, and an envelope to each of the others.
constexpr uint8_t kHeldSubacksMax = 64;

/// One entry of a SUBSCRIBE on its way.
struct Wish {
    topic::ParsedFilter filter;
    SubscriptionOptions options;
    uint32_t subscription_id = 0;
};

size_t bytes_of(const topic::ParsedFilter& filter) {
    return filter.share.size() + filter.filter.size();
}

void announce(Core& core, const Realm& realm, std::string_view filter, InterestChange change) {
    ++core.route_sequence;
    for (uint16_t i = 0; i < core.config.shard_count; ++i)
        if (i != core.config.id.value)
            core.post({i}, RouteChange{realm.id, std::string(filter), change, core.route_sequence});
}

/// Every shard tells what it has posted so far, even where the subscription changes no route: only
/// then can a fetch wait for it.
void probe(Core& core) {
    ++core.route_sequence;
    for (uint16_t i = 0; i < core.config.shard_count; ++i)
        if (i != core.config.id.value) core.post({i}, RouteProbe{core.route_sequence});
}

bool is_held(Core& core, const Session& session, const topic::ParsedFilter& filter) {
    if (filter.share.empty())
        return core.realm(session.realm).router.find(filter.filter, session.self).has_value();
    return is_member(session,
                     {session.realm, std::string(filter.share), std::string(filter.filter)});
}

/// Grants the wished QoS, or the highest below it that is allowed [MQTT5-3.8.4-8].
std::optional<Denial> grant(const Core& core, const Session& session, Wish& wish) {
    for (;;) {
        auto& qos = wish.options.qos;
        auto denial = denial_of(
            core, session,
            {.action = auth::Action::Subscribe, .topic = wish.filter.filter, .qos = uint8_t(qos)});
        if (!denial || qos == mqtt::Qos::AtMostOnce) return denial;
        qos = mqtt::Qos(uint8_t(qos) - 1);
    }
}

/// What one subscription more would break: a key of the configuration, or the state of the memory;
/// null: nothing.
const char* subscription_limit(const Core& core, const Session& session) {
    if (session.subscription_count() >= core.limits.subscriptions_max)
        return "subscriptions_per_client_max";
    if (is_subscriptions_full(core.realm(session.realm))) return "realm_subscriptions_max";
    return may_subscribe(core, session) ? nullptr : "memory_scarce";
}

void tell_refused(Core& core, Session& session, const Wish& wish, const char* reason,
                  std::string_view why) {
    const std::string detail = ": " + std::string(why);
    tell_refusal(core, session, "subscribe_refused", reason, {wish.filter.filter, detail});
}

void refuse_wish(Core& core, Session& session, const Wish& wish, const char* limit) {
    ++core.realm(session.realm).refused.subscriptions_refused;
    tell_refused(core, session, wish, "quota_exceeded", limit);
}

/// Why this entry is refused in the SUBACK; Success if it is not.
ReasonCode check_wish(Core& core, Session& session, Wish& wish) {
    if (topic::has_more_levels(wish.filter.filter, core.limits.topic_levels_max) &&
        !GW_MUTANT(AnyDepth))
        return ReasonCode::TopicFilterInvalid;
    // Each SUBSCRIBE is a replay, also of what is subscribed already; of a client that does not
    // read what it gets, none ends.
    if (session.replay() && session.replay()->filters.size() / 2 >= core.limits.subscriptions_max)
        return ReasonCode::QuotaExceeded;
    const char* const limit = subscription_limit(core, session);
    const ReasonCode refusal = limit ? ReasonCode::QuotaExceeded : subscribe_refusal(core, session);
    if (refusal != ReasonCode::Success && !is_held(core, session, wish.filter)) {
        if (limit) refuse_wish(core, session, wish, limit);
        return refusal;
    }
    const auto denial = grant(core, session, wish);
    if (!denial) return ReasonCode::Success;
    tell_refused(core, session, wish, "not_authorized", denial->rule);
    return ReasonCode::NotAuthorized;
}

void subscribe_shared(Core& core, Session& session, const Wish& wish, PendingSuback& pending) {
    GroupKey key{session.realm, std::string(wish.filter.share), std::string(wish.filter.filter)};
    const size_t before = session.extras ? session.extras->memberships.size() : 0;
    pending.joins.push_back(
        join_group(core, session, std::move(key), wish.options, wish.subscription_id));
    keep_membership(core, session, wish.filter);
    if (session.extras->memberships.size() > before)
        add_subscription(core, session.realm, bytes_of(wish.filter));
}

void subscribe_plain(Core& core, Session& session, const Wish& wish, PendingSuback& pending) {
    const Taker taker{session.self,
                      wish.subscription_id,
                      wish.options.qos,
                      wish.options.no_local,
                      wish.options.retain_as_published,
                      false,
                      is_durable(core, session) && wish.options.qos != mqtt::Qos::AtMostOnce};
    const auto added = add_route(core, core.realm(session.realm), wish.filter.filter, taker);
    if (added.is_new) add_subscription(core, session.realm, bytes_of(wish.filter));
    HeldFilter* held =
        added.is_new ? session.subscriptions.add(added.id) : session.subscriptions.find(added.id);
    keep_subscription(core, session, held->kept,
                      {.session = session.kept,
                       .subscription_id = wish.subscription_id,
                       .options = wish.options,
                       .share = {},
                       .filter = wish.filter.filter});
    const auto handling = wish.options.retain_handling;
    const bool fetch = handling == RetainHandling::SendAlways ||
                       (handling == RetainHandling::SendIfNew && added.is_new);
    if (!fetch) return;  // [MQTT5-3.3.1-10] [MQTT5-3.3.1-11]
    Replay::Fetch plan;
    plan.filter = wish.filter.filter;
    plan.options = wish.options;
    plan.subscription_id = wish.subscription_id;
    begin_hold(core, session, plan);
    pending.fetches.push_back(std::move(plan));
}

/// Checks every filter before any takes effect: a malformed one closes the connection.
std::optional<std::string> find_fault(const mqtt::Subscribe& packet, ReasonCode& reason) {
    for (const mqtt::SubscribeEntry& entry : packet.entries) {
        const auto filter = topic::parse_filter(entry.filter);
        if (!filter) {
            reason = ReasonCode::MalformedPacket;
            return "topic filter: " + std::string(topic::error_text(filter.error()));
        }
        if (!filter->share.empty() && entry.options.no_local) {
            reason = ReasonCode::ProtocolError;  // [MQTT5-3.8.3-4]
            return std::string("no local on a shared subscription");
        }
    }
    return std::nullopt;
}

bool send_suback(Core& core, Connection& c, const PendingSuback& ready) {
    const mqtt::Suback ack{.packet_id = ready.packet_id, .reasons = ready.reasons};
    return send_packet(core, c, [&](Buffer& out) {
        if (ready.unsuback)
            mqtt::encode_unsuback(out, c.version, ack);
        else
            mqtt::encode_suback(out, c.version, ack);
    });
}

ReasonCode unsubscribe(Core& core, Session& session, const topic::ParsedFilter& filter) {
    if (!filter.share.empty()) {
        const GroupKey key{session.realm, std::string(filter.share), std::string(filter.filter)};
        if (!leave_group(core, session, key)) return ReasonCode::NoSubscriptionExisted;
    } else {
        Realm& realm = core.realm(session.realm);
        const auto id = realm.router.find(filter.filter, session.self);
        if (!id) return ReasonCode::NoSubscriptionExisted;
        forget(core, session.subscriptions.find(*id)->kept);
        session.subscriptions.remove(*id);
        if (!GW_MUTANT(UnsubscribeKeepsTaker))
            remove_route(core, realm, filter.filter, session.self, false);
        cancel_fetches(core, session, filter.filter);
    }
    remove_subscription(core, session.realm, bytes_of(filter));
    return ReasonCode::Success;
}

}  // namespace

Router::Added add_route(Core& core, Realm& realm, std::string_view filter, const Taker& taker) {
    const auto added = realm.router.add_taker(filter, taker);
    if (added.change) announce(core, realm, filter, *added.change);
    return added;
}

void remove_route(Core& core, Realm& realm, std::string_view filter, SessionRef session,
                  bool group) {
    const auto id = realm.router.find(filter, session, group);
    GW_ASSERT(id.has_value());
    const std::string text(filter);  // may be the router's own
    if (const auto change = realm.router.remove_taker(*id, session, group))
        announce(core, realm, text, *change);
}

void drop_subscriptions(Core& core, Session& session) {
    Realm& realm = core.realm(session.realm);
    for (HeldFilter& each : session.subscriptions.all()) {
        const std::string_view filter = realm.router.text(each.id);
        remove_subscription(core, realm.id, filter.size());
        forget(core, each.kept);
        remove_route(core, realm, filter, session.self, false);
    }
    session.subscriptions.clear();
    return_group_messages(core, session);
    if (!session.extras) return;
    while (!session.extras->memberships.empty()) {
        const GroupKey key = session.extras->memberships.back().key;
        remove_subscription(core, realm.id, key.share.size() + key.filter.size());
        leave_group(core, session, key);
    }
}

std::vector<HeldSubscription> subscriptions_of(Core& core, Session& session) {
    std::vector<HeldSubscription> all;
    Router& router = core.realm(session.realm).router;
    for (const HeldFilter& each : session.subscriptions.all())
        all.push_back({{},
                       std::string(router.text(each.id)),
                       uint8_t(router.taker(each.id, session.self).qos)});
    if (!session.extras) return all;
    for (const Membership& each : session.extras->memberships)
        all.push_back({each.key.share, each.key.filter, uint8_t(each.options.qos)});
    return all;
}

void end_subscription(Core& core, Session& session, const HeldSubscription& subscription) {
    (void)unsubscribe(core, session, {subscription.share, subscription.filter});
}

namespace {

/// Those of sessions that end with their connections do not wait behind those that wait for a disk;
/// but where one lasted until now, the disk may have the subscription still.
void await_suback(Core& core, Connection& c, PendingSuback pending, uint64_t ticket) {
    const Session& session = *core.find(c.session);
    const bool on_disk = is_durable(core, session) || (pending.unsuback && session.was_durable);
    pending.ticket = on_disk ? ticket : 0;
    auto& line = pending.ticket != 0 ? core.kept_subacks : core.pending_subacks;
    line.push_back(std::move(pending));
    ++c.held_subacks;
    release_subacks(core);
    if (c.held_subacks >= kHeldSubacksMax) pause_reading(core, c, Pause::Subacks);
}

}  // namespace

void on_subscribe(Core& core, Connection& c, const mqtt::Subscribe& packet) {
    ReasonCode fault_reason{};
    if (auto fault = find_fault(packet, fault_reason))
        return disconnect(core, c, fault_reason, std::move(*fault));
    Session& session = *core.find(c.session);
    const uint64_t sequence_before = core.route_sequence, mark = writing_mark(core);
    PendingSuback pending{
        .session = session.self, .connection = c.id, .packet_id = packet.packet_id};
    for (const mqtt::SubscribeEntry& entry : packet.entries) {
        Wish wish{*topic::parse_filter(entry.filter), entry.options, packet.subscription_id};
        if (c.bridge) wish.options.no_local = wish.options.retain_as_published = true;
        const ReasonCode refusal = check_wish(core, session, wish);
        if (refusal != ReasonCode::Success) {
            pending.reasons.push_back(uint8_t(refusal));
            continue;
        }
        if (wish.filter.share.empty())
            subscribe_plain(core, session, wish, pending);
        else
            subscribe_shared(core, session, wish, pending);
        pending.reasons.push_back(uint8_t(wish.options.qos));  // [MQTT5-3.8.4-7]
    }
    if (!pending.fetches.empty() && core.route_sequence == sequence_before) probe(core);
    if (!pending.fetches.empty()) pending.crossings_made = core.keeper.crossings_made;
    pending.route_sequence = core.route_sequence;
    await_suback(core, c, std::move(pending), ticket_since(core, mark));
}

void on_unsubscribe(Core& core, Connection& c, const mqtt::Unsubscribe& packet) {
    for (const mqtt::SubscribeEntry& entry : packet.entries)
        if (const auto filter = topic::parse_filter(entry.filter); !filter)
            return disconnect(core, c, ReasonCode::MalformedPacket,
                              "topic filter: " + std::string(topic::error_text(filter.error())));
    Session& session = *core.find(c.session);
    PendingSuback pending{.session = session.self,
                          .connection = c.id,
                          .packet_id = packet.packet_id,
                          .unsuback = true};
    for (const mqtt::SubscribeEntry& entry : packet.entries)
        pending.reasons.push_back(
            uint8_t(unsubscribe(core, session, *topic::parse_filter(entry.filter))));
    // All that was written: an UNSUBSCRIBE before, never answered, may have ended what this one
    // finds ended.
    await_suback(core, c, std::move(pending), newest_ticket(core));
    if (!c.closing) pump(core, session);
}

namespace {

void owe_route_ack(Core& core, ShardId to, uint64_t sequence) {
    core.route_acks_due[to.value].push_back(
        {sequence, core.clock.next(core.now), core.keeper.crossings_made});
}

}  // namespace

void on_route_change(Core& core, ShardId from, const RouteChange& in) {
    core.realm(in.realm).router.change_remote(in.filter, from, in.interest);
    owe_route_ack(core, from, in.sequence);
}

void on_route_probe(Core& core, ShardId from, const RouteProbe& in) {
    owe_route_ack(core, from, in.sequence);
}

void on_route_applied(Core& core, ShardId from, const RouteApplied& in) {
    core.clock.observe(in.clock);
    core.route_applied[from.value] = in.upto;
    core.peer_posted[from.value] = in.posted;
    core.peer_clock[from.value] = in.clock;
    release_joins(core);
    release_subacks(core);
}

void confirm_routes(Core& core) {
    for (uint16_t i = 0; i < core.config.shard_count; ++i) {
        auto& due = core.route_acks_due[i];
        std::optional<RouteAck> last;
        for (; !due.empty() && due.front().crossings_made <= core.keeper.crossings_posted;
             due.pop_front())
            last = due.front();
        if (last) core.post({i}, RouteApplied{last->sequence, last->clock, core.posted});
    }
}

namespace {

void release_subacks(Core& core, std::deque<PendingSuback>& line) {
    while (!line.empty()) {
        PendingSuback& front = line.front();
        const bool in_force =
            core.routes_in_force(front.route_sequence) || GW_MUTANT(SubackBeforeRoutes);
        const bool on_disk = is_on_disk(core, front.ticket) || GW_MUTANT(SubackBeforeDisk);
        const bool posted = front.crossings_made <= core.keeper.crossings_posted;
        if (!front.joins.empty() || !in_force || !on_disk || !posted) return;
        const PendingSuback ready = std::move(front);
        line.pop_front();
        Connection* c = core.find(ready.connection);
        if (c) --c->held_subacks;
        if (c && !send_suback(core, *c, ready))  // [MQTT5-3.10.4-4]
            disconnect(core, *c, ReasonCode::PacketTooLarge,
                       ready.unsuback ? "UNSUBACK" : "SUBACK");
        if (Session* session = core.find(ready.session))
            begin_fetches(core, *session, ready.fetches);
        if (c && c->held_subacks < kHeldSubacksMax) resume_reading(core, *c, Pause::Subacks);
    }
}

}  // namespace

void release_subacks(Core& core) {
    release_subacks(core, core.pending_subacks);
    release_subacks(core, core.kept_subacks);
}

}  // namespace godwit::broker
