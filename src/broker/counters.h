// Counters of one shard: plain numbers, read by the driver between turns.
#pragma once

#include "broker/losses.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace godwit::broker {

// X(name, help). All only grow.
#define GW_COUNTERS(X)                                                              \
    X(connections_accepted, "transport connections taken")                          \
    X(connections_refused, "connections that ended without an accepted CONNECT")    \
    X(connections_turned_away, "connections closed at once: too many or too fast")  \
    X(bytes_received, "MQTT bytes received")                                        \
    X(bytes_sent, "MQTT bytes sent")                                                \
    X(packets_received, "MQTT packets received")                                    \
    X(packets_sent, "MQTT packets sent")                                            \
    X(publishes_received, "PUBLISH packets received")                               \
    X(publishes_sent, "PUBLISH packets sent")                                       \
    X(publish_bytes_received, "payload bytes received")                             \
    X(publish_bytes_sent, "payload bytes sent")                                     \
    X(publishes_refused, "PUBLISH packets refused by access rules or limits")       \
    X(publishes_refused_full, "PUBLISH packets refused: the disk is full")          \
    X(publishes_refused_broken, "PUBLISH packets refused: the disk fails")          \
    X(takeovers, "connections ended by a newer one of the same client id")          \
    X(flapping_refused, "CONNECT refused: two clients take one client id in turns") \
    X(wills_published, "will messages published")                                   \
    X(sessions_expired, "sessions ended by their expiry")                           \
    X(keepalive_timeouts, "connections closed for silence")                         \
    X(malformed, "connections closed for malformed packets or protocol errors")

// X(name, help). Go up and down.
#define GW_GAUGES(X)                                                             \
    X(connections, "open transport connections")                                 \
    X(connections_held_back, "publishers not read until the disk is well again") \
    X(connections_over_rate, "clients not read until their rate gives more")     \
    X(sessions, "sessions, online and offline")                                  \
    X(sessions_online, "sessions with a connection")                             \
    X(subscriptions, "subscriptions, shared ones included")                      \
    X(shared_subscriptions, "members of shared groups at their home")            \
    X(retained, "retained messages")                                             \
    X(retained_bytes, "memory of retained messages")                             \
    X(queued, "messages waiting in session queues")                              \
    X(queued_bytes, "memory of messages in session queues")                      \
    X(group_queued, "messages waiting in shared groups")                         \
    X(group_queued_bytes, "memory of messages in shared groups")                 \
    X(inflight, "messages sent and not acknowledged")                            \
    X(store_behind, "1 while more waits for the shard's disk than may")          \
    X(store_full, "1 while the shard's log has no space, else 0")                \
    X(store_broken, "1 while writing the shard's log fails, else 0")             \
    X(memory_scarce, "1 while most of the process's memory is used, else 0")

/// What a client may be held back by, in the order in which they are asked.
enum class RateOf : uint8_t { Client, Realm, Listener };
inline constexpr size_t kRateOfCount = 3;
inline constexpr std::array<std::string_view, kRateOfCount> kRateOfNames{"client", "realm",
                                                                         "listener"};

/// By RateOf.
struct HeldBack {
    std::array<uint64_t, kRateOfCount> times{};
    std::array<uint64_t, kRateOfCount> nanoseconds{};  // of those that are over
};

struct Counters {
#define GW_FIELD(name, help) uint64_t name = 0;
    GW_COUNTERS(GW_FIELD)
    GW_GAUGES(GW_FIELD)
#undef GW_FIELD
    Losses lost;
    HeldBack held_back;

    Counters& operator+=(const Counters& other) {
#define GW_FIELD(name, help) name += other.name;
        GW_COUNTERS(GW_FIELD)
        GW_GAUGES(GW_FIELD)
#undef GW_FIELD
        for (size_t i = 0; i < kLossCount; ++i) lost.counts[i] += other.lost.counts[i];
        for (size_t i = 0; i < kRateOfCount; ++i) {
            held_back.times[i] += other.held_back.times[i];
            held_back.nanoseconds[i] += other.held_back.nanoseconds[i];
        }
        return *this;
    }
};

}  // namespace godwit::broker
