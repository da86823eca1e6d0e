// RealmReport: what is held for a realm, and what its clients were refused, on one shard or on all
// together, for people.
#pragma once

#include <cstdint>
#include <string>

namespace godwit::broker {

// X(name, help). Go up and down.
#define GW_REALM_GAUGES(X)                                                       \
    X(connections, "clients that are connected")                                 \
    X(sessions, "sessions, online and offline")                                  \
    X(subscriptions, "subscriptions, shared ones included")                      \
    X(queued, "messages waiting for sessions and shared groups")                 \
    X(queued_bytes, "bytes of messages waiting for sessions and shared groups")  \
    X(retained, "retained messages")                                             \
    X(retained_bytes, "memory of retained messages")                             \
    X(memory_bytes, "memory held for it; 0 where no realm has a bound for that") \
    X(memory_scarce, "shards that refuse its clients for its memory or that of the process")

// X(name, help). All only grow.
#define GW_REALM_COUNTERS(X)                                                     \
    X(connects_refused, "CONNECT refused by limits of the realm, or for memory") \
    X(subscriptions_refused, "subscriptions refused by limits, or for memory")   \
    X(publishes_refused, "PUBLISH packets refused by access rules or limits")    \
    X(dropped, "messages that some client takes and did not get, for any reason")

/// Of what a realm's clients were refused.
struct RealmRefusals {
#define GW_FIELD(name, help) uint64_t name = 0;
    GW_REALM_COUNTERS(GW_FIELD)
#undef GW_FIELD
};

struct RealmReport {
    std::string realm;
#define GW_FIELD(name, help) uint64_t name = 0;
    GW_REALM_GAUGES(GW_FIELD)
    GW_REALM_COUNTERS(GW_FIELD)
#undef GW_FIELD

    /// The same realm on another shard.
    RealmReport& operator+=(const RealmReport& other) {
#define GW_FIELD(name, help) name += other.name;
        GW_REALM_GAUGES(GW_FIELD)
        GW_REALM_COUNTERS(GW_FIELD)
#undef GW_FIELD
        return *this;
    }
};

}  // namespace godwit::broker
