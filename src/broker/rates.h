// Rates: how fast clients may send, and how far each has got. There are three lines: of the client,
// of its realm, of its listener; those of realms and listeners are the same for all shards of the
// process. Kept by slowing.h.
#pragma once

#include "base/ids.h"
#include "base/paged_array.h"
#include "broker/counters.h"
#include "broker/options.h"
#include "broker/session/session.h"
#include "mqtt/encoder.h"

#include <atomic>
#include <memory>
#include <unordered_map>
#include <vector>

namespace godwit::broker {

/// Until when a client has paid.
struct PaidUntil {
    Instant publishes = Instant::min(), bytes = Instant::min();
};

/// The same of a realm or listener, for all shards. Places that two shards take at once are one
/// after the other, in either order. Thread: any
struct SharedPaidUntil {
    std::atomic<Instant> publishes{Instant::min()}, bytes{Instant::min()};
};

/// One for all shards.
struct SharedRates {
    explicit SharedRates(const BrokerOptions& options)
        : realms(options.realms.size()), listeners(options.listeners.size()) {}
    std::vector<SharedPaidUntil> realms, listeners;  // by number
};

/// Of a connection that is online, where something is bounded.
struct RateState {
    uint32_t generation = 0;  // of the connection that it is about
    uint8_t asked = 0;        // lines that the packet at the front has its place in
    RateOf by{};              // the last that it was held back by
    uint32_t count = 0;       // times that it was held back
    uint32_t untold = 0;      // of them, since its last event
    Duration held{};          // all together, without the one under way
    PaidUntil paid;           // of the client
    Instant since = kNever;   // held back; kNever: it is not
    Instant due = kNever;     // while its timer is armed
    Instant tell_due;         // no event before
};

static_assert(sizeof(RateState) <= 64, "docs/adr/0023-rates.md");

struct Rates {
    /// @param shared  null: there is one shard
    Rates(const BrokerOptions& options, SharedRates* shared);

    bool bounded;                                  // something, for somebody
    mqtt::UserPropertyList told;                   // to clients, with CONNACK
    SharedRates* shared;                           // never null
    PagedArray<RateState> states;                  // by slot of the connection
    std::unordered_map<uint64_t, PaidUntil> left;  // of clients that have gone and owe, by hash
    size_t left_sweep_at = 1024;
    RefusalLine line;  // of those held back by their realm or listener

private:
    std::unique_ptr<SharedRates> own_;
};

}  // namespace godwit::broker
