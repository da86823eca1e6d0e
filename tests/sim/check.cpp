#include "sim/check.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::sim {

using Kind = Event::Kind;

namespace {

constexpr Checker kCheckers[] = {
    {"protocol", check_protocol},
    {"takeover", check_takeover},
    {"session_present", check_session_present},
    {"subscriptions", check_subscriptions},
    {"duplicates", check_duplicates},
    {"delivery", check_delivery},
    {"order", check_order},
    {"retained", check_retained},
    {"wills", check_wills},
    {"shared", check_shared},
    {"expiry", check_expiry},
    {"keep_alive", check_keep_alive},
    {"acknowledgements", check_acknowledgements},
    {"bounds", check_bounds},
    {"clock", check_clock},
};

/// Output beyond the limit: what one turn may add before it is looked at again.
constexpr uint64_t kOutputSlackBytes = 16 * 1024;
/// A restart moves the clock on by this much more than it knows, since it is not written each turn.
constexpr Duration kClockSlack = std::chrono::milliseconds(1100);
constexpr Duration kWallTick = std::chrono::milliseconds(1);

}  // namespace

std::span<const Checker> checkers() {
    return kCheckers;
}

Violations check(const History& history) {
    const View view(history);
    Violations all;
    for (const Checker& checker : kCheckers)
        for (Violation& each : checker.check(view)) {
            each.checker = checker.name;
            all.push_back(std::move(each));
        }
    return all;
}

Violations check_protocol(const View& view) {
    Violations found;
    const size_t clients = view.history.clients.size();
    for (const Event& event : view.history.events) {
        const bool complaint = event.kind == Kind::Fault || event.kind == Kind::Unsettled;
        // What was in flight when the broker lost its memory may never come to its end.
        if (complaint && !view.is_damaged(event.client, 0))
            found.push_back({"", text_of(view.history, event), event.at, event.client});
        if (event.kind != Kind::Gauge || !view.history.damages.empty()) continue;
        const bool must_be_none = event.text == "queued" || event.text == "inflight";
        if (must_be_none && event.number != 0)
            found.push_back({"", fmt::format("{} {} at the end", event.number, event.text)});
        if (event.text == "sessions_online" && event.number != clients)
            found.push_back({"", fmt::format("{} of {} online", event.number, clients)});
    }
    return found;
}

namespace {

/// What this hop was to bring is the business of an acknowledgement that left in turn `acked`. It
/// is not when a crash destroyed the hop before: the message was sent again, and had hops of its
/// own; or when a restart posted it: the message was on the disk of its own shard.
bool concerns(const View& view, const Hop& hop, uint64_t acked) {
    if (hop.again || hop.posted_turn > acked) return false;
    const auto& crashes = view.history.crashes;
    return std::none_of(crashes.begin(), crashes.end(), [&](const Moment& crash) {
        return hop.posted_turn < crash.turn && crash.turn < acked;
    });
}

}  // namespace

Violations check_acknowledgements(const View& view) {
    Violations found;
    std::vector<std::vector<const Hop*>> hops(view.history.messages.size());
    for (const Hop& hop : view.history.hops)
        if (hop.message < hops.size()) hops[hop.message].push_back(&hop);
    for (const Event& event : view.history.events) {
        if (event.kind != Kind::Puback && event.kind != Kind::Pubrec) continue;
        for (const Hop* hop : hops[event.message])
            if (concerns(view, *hop, event.broker.turn) &&
                (hop->handled_turn == 0 || hop->handled_turn > event.broker.turn))
                found.push_back({"",
                                 fmt::format("m{} acknowledged in turn {}, on another shard in {}",
                                             event.message, event.broker.turn, hop->handled_turn),
                                 event.at, event.client});
    }
    return found;
}

namespace {

/// The limit that a drop speaks of is one that is set.
bool may_drop(const broker::Limits& limits, const std::string& why) {
    const broker::Limits usual;
    if (why == "queue_full")
        return limits.queue_messages_max != usual.queue_messages_max ||
               limits.queue_bytes_max != usual.queue_bytes_max;
    if (why == "output_full") return limits.output_bytes_max != usual.output_bytes_max;
    if (why == "quota_exceeded")
        return limits.realm.retained_messages_max != usual.realm.retained_messages_max;
    return true;
}

}  // namespace

Violations check_bounds(const View& view) {
    Violations found;
    const broker::Limits& limits = view.history.limits;
    for (const ConnectionFacts& each : view.history.connections)
        if (each.most_unsent_bytes > limits.output_bytes_max + kOutputSlackBytes)
            found.push_back({"",
                             fmt::format("{} bytes unsent to one client", each.most_unsent_bytes),
                             each.closed.at, each.client});
    for (const Event& event : view.history.events) {
        if (event.kind == Kind::Dropped && !may_drop(limits, event.why))
            found.push_back(
                {"", "dropped for a limit that is far: " + event.why, event.at, event.client});
    }
    return found;
}

Violations check_clock(const View& view) {
    Violations found;
    const History& h = view.history;
    if (!h.damages.empty()) return found;
    // The clock may have been written before more crashes than one.
    Duration gained{};
    for (size_t i = 0; i < h.jumps.size(); ++i) {
        const Instant at = h.crashes[i].at;
        Duration forward = kClockSlack, backward = kWallTick;
        for (const ClockStep& step : h.steps) {
            if (step.at > at) continue;
            if (step.by > Duration{}) forward += step.by;
            if (step.by < Duration{}) backward = kWallTick + (at - kBegin) + gained;
        }
        gained += std::max(h.jumps[i], Duration{});
        if (h.jumps[i] > forward || h.jumps[i] < -backward)
            found.push_back({"",
                             fmt::format("the broker's clock jumped by {} s at {}",
                                         double(h.jumps[i].count()) / 1e9, time_text(at)),
                             at});
    }
    return found;
}

}  // namespace godwit::sim
