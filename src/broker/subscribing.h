// Subscribing: SUBSCRIBE and UNSUBSCRIBE, and the routes that every shard keeps of them. SUBACK
// leaves when the filters are routed from every shard, so that nothing published after it is
// missed. Source: MQTT 5.0 sections 3.8 to 3.11, MQTT 3.1.1 sections 3.8 to 3.11
#pragma once

#include "broker/core.h"

namespace godwit::broker {

void on_subscribe(Core& core, Connection& c, const mqtt::Subscribe& packet);
void on_unsubscribe(Core& core, Connection& c, const mqtt::Unsubscribe& packet);

/// Adds or replaces a taker, and tells the other shards if this one's interest is another by that.
Router::Added add_route(Core& core, Realm& realm, std::string_view filter, const Taker& taker);
/// Removes a taker that is there, likewise.
void remove_route(Core& core, Realm& realm, std::string_view filter, SessionRef session,
                  bool group);
/// One subscription, whatever it is kept as.
struct HeldSubscription {
    std::string share;  // empty: not shared
    std::string filter;
    uint8_t qos = 0;
};
std::vector<HeldSubscription> subscriptions_of(Core& core, Session& session);
/// Without a word to the client: MQTT has none for it.
void end_subscription(Core& core, Session& session, const HeldSubscription& subscription);
/// All subscriptions of a session that ends.
void drop_subscriptions(Core& core, Session& session);

void on_route_change(Core& core, ShardId from, const RouteChange& in);
void on_route_probe(Core& core, ShardId from, const RouteProbe& in);
void on_route_applied(Core& core, ShardId from, const RouteApplied& in);
/// Tells every shard which of its changes are in force here since this turn.
void confirm_routes(Core& core);
/// Sends the SUBACKs that may leave by now, and begins their replays.
void release_subacks(Core& core);

}  // namespace godwit::broker
