#include "broker/slowing.h"

#include "broker/reading.h"
#include "broker/realms.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::broker {

namespace {

constexpr auto kTellTime = std::chrono::seconds(1);
/// Clients that have gone and owe. Where there are more, some are forgotten.
constexpr size_t kLeftMax = 64 * 1024;

constexpr const char* kKeys[kRateOfCount][2] = {
    {"limits.client_publish_rate", "limits.client_byte_rate"},
    {"realm_publish_rate", "realm_byte_rate"},  // of [limits] or of its [[realm]]
    {"listener.publish_rate", "listener.byte_rate"}};

struct Wait {
    Instant due = Instant::min();
    Duration slack{};
    bool for_bytes = false;
};

Instant take_place(Instant& paid_until, Instant now, const Flow& flow, uint32_t amount) {
    const Place place = flow.next_place(paid_until, now, amount);
    paid_until = place.paid_until;
    return place.due;
}

/// Nothing else is published by it, so no order is needed.
Instant take_place(std::atomic<Instant>& paid_until, Instant now, const Flow& flow,
                   uint32_t amount) {
    Instant before = paid_until.load(std::memory_order_relaxed);
    for (;;) {
        const Place place = flow.next_place(before, now, amount);
        if (paid_until.compare_exchange_weak(before, place.paid_until, std::memory_order_relaxed))
            return place.due;
    }
}

/// @param paid  PaidUntil or SharedPaidUntil
Wait take_places(auto& paid, const RateLimits& limits, Instant now, const mqtt::Frame& frame) {
    Wait wait;
    const Flow publishes = limits.publishes(), bytes = limits.bytes();
    if (publishes.is_bounded() && frame.type() == mqtt::PacketType::Publish)
        wait = {take_place(paid.publishes, now, publishes, 1), publishes.slack(1)};
    if (!bytes.is_bounded()) return wait;
    const Instant due = take_place(paid.bytes, now, bytes, frame.size);
    return due > wait.due ? Wait{due, bytes.slack(frame.size), true} : wait;
}

const RateLimits& limits_of(const Core& core, const Connection& c, RateOf of) {
    return of == RateOf::Client  ? core.limits.client_rates
           : of == RateOf::Realm ? core.realm(realm_of(core, c)).limits.rates
                                 : core.listener(c).rates;
}

Wait take_places_of(Core& core, const Connection& c, RateOf of, const mqtt::Frame& frame) {
    Rates& rates = core.rates;
    const RateLimits& limits = limits_of(core, c, of);
    switch (of) {
        case RateOf::Client:
            return take_places(rates.states[c.id.slot].paid, limits, core.now, frame);
        case RateOf::Realm:
            return take_places(rates.shared->realms[realm_of(core, c).value], limits, core.now,
                               frame);
        case RateOf::Listener:
            return take_places(rates.shared->listeners[c.listener.value], limits, core.now, frame);
    }
    GW_ASSERT(false);
    return {};
}

/// nullptr: nothing was asked for it yet.
RateState* find_state(Rates& rates, ConnectionId id) {
    if (id.slot >= rates.states.size()) return nullptr;
    RateState& state = rates.states[id.slot];
    return state.generation == id.generation ? &state : nullptr;
}

RateState& need_state(Core& core, const Connection& c) {
    Rates& rates = core.rates;
    if (RateState* known = find_state(rates, c.id)) return *known;
    rates.states.grow_to(c.id.slot + 1);
    RateState& state = rates.states[c.id.slot];
    state = {.generation = c.id.generation};
    const auto owed = rates.left.find(core.find(c.session)->client_hash);
    if (owed == rates.left.end()) return state;
    state.paid = owed->second;
    rates.left.erase(owed);
    return state;
}

/// Once a second for each client; where it is not by its own rate, with no more than a line a
/// second for all of them.
void tell_held_back(Core& core, const Connection& c, RateState& state, bool for_bytes) {
    if (core.now < state.tell_due) {
        ++state.untold;
        return;
    }
    state.tell_due = core.now + kTellTime;
    const RateLimits& limits = limits_of(core, c, state.by);
    core.event(Severity::Warning, "held_back", c, kKeys[size_t(state.by)][for_bytes],
               for_bytes ? fmt::format("more than {} bytes/s", limits.byte_rate)
                         : fmt::format("more than {} publishes/s", limits.publish_rate));
    Event& event = core.fx->events.back();
    event.untold = std::exchange(state.untold, 0);
    if (state.by == RateOf::Client) return;
    RefusalLine& line = core.rates.line;
    event.quiet = core.now < line.due;
    if (event.quiet) {
        line.untold += event.untold + 1;
    } else {
        event.untold += line.untold;
        line = {core.now + kTellTime, 0};
    }
}

void begin_wait(Core& core, Connection& c, RateState& state, const Wait& wait) {
    state.since = core.now;
    state.due = wait.due + wait.slack;
    ++state.count;
    ++core.counters.held_back.times[size_t(state.by)];
    ++core.counters.connections_over_rate;
    core.arm(state.due, {TimerToken::Kind::Rate, c.id.slot, c.id.generation});
    pause_reading(core, c, Pause::Rate);
    tell_held_back(core, c, state, wait.for_bytes);
}

void end_wait(Core& core, RateState& state) {
    if (state.since == kNever) return;
    const Duration waited = core.now - std::exchange(state.since, kNever);
    state.due = kNever;
    state.held += waited;
    core.counters.held_back.nanoseconds[size_t(state.by)] += uint64_t(waited.count());
    --core.counters.connections_over_rate;
}

/// Forgets who owes nothing any more; of those that owe, keeps no more than may be.
void sweep_left(Rates& rates, Instant now) {
    size_t owing = 0;
    std::erase_if(rates.left, [&](const auto& each) {
        const PaidUntil& paid = each.second;
        return std::max(paid.publishes, paid.bytes) <= now || ++owing > kLeftMax / 2;
    });
    rates.left_sweep_at = std::max<size_t>(1024, 2 * rates.left.size());
}

}  // namespace

bool may_take(Core& core, Connection& c, const mqtt::Frame& frame) {
    RateState& state = need_state(core, c);
    while (state.asked < kRateOfCount) {
        state.by = RateOf(state.asked++);
        const Wait wait = take_places_of(core, c, state.by, frame);
        if (wait.due <= core.now) continue;
        begin_wait(core, c, state, wait);
        return false;
    }
    state.asked = 0;
    return true;
}

void keep_places(Core& core, const Connection& c) {
    if (RateState* state = find_state(core.rates, c.id)) state->asked = kRateOfCount;
}

void on_rate_timer(Core& core, ConnectionId id) {
    RateState* state = find_state(core.rates, id);
    if (!core.find(id) || !state || state->due > core.now) return;
    state->due = kNever;
    core.pace.unfinished.push_back({.connection = id, .waited_in_line = true});
}

void go_on(Core& core, Connection& c) {
    end_wait(core, need_state(core, c));
    resume_reading(core, c, Pause::Rate);
    if (!c.closing && !c.is_paused(Pause::Rate)) c.silent_since = core.now;
}

void leave_lines(Core& core, const Connection& c, const Session& session) {
    Rates& rates = core.rates;
    RateState* state = find_state(rates, c.id);
    if (!state) return;
    end_wait(core, *state);
    const bool owes = std::max(state->paid.publishes, state->paid.bytes) > core.now;
    if (owes) {
        if (rates.left.size() >= rates.left_sweep_at) sweep_left(rates, core.now);
        rates.left[session.client_hash] = state->paid;
    }
    state->generation = 0;
}

uint16_t bounded_receive_maximum(const Core& core, const Connection& c) {
    uint32_t most = core.limits.receive_maximum;
    for (size_t i = 0; i < kRateOfCount; ++i) {
        const Flow publishes = limits_of(core, c, RateOf(i)).publishes();
        if (publishes.is_bounded()) most = std::min(most, publishes.burst());
    }
    return uint16_t(most);
}

HeldBackReport held_back_report(const Core& core, const Session& session) {
    HeldBackReport report;
    const ConnectionId id = session.connection;
    if (!session.online || id.slot >= core.rates.states.size()) return report;
    const RateState& state = core.rates.states[id.slot];
    if (state.generation != id.generation) return report;
    report = {.times = state.count, .held = state.held};
    if (state.since != kNever) {
        report.by = state.by;
        report.held += core.now - state.since;
    }
    return report;
}

}  // namespace godwit::broker
