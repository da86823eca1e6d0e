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
};

/// Output beyond the limit: what one turn may add before it is looked at again.
constexpr uint64_t kOutputSlackBytes = 16 * 1024;

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
        if (event.kind == Kind::Fault || event.kind == Kind::Unsettled)
            found.push_back({"", text_of(view.history, event), event.at, event.client});
        if (event.kind != Kind::Gauge) continue;
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

Violations check_bounds(const View& view) {
    Violations found;
    const broker::Limits& limits = view.history.limits;
    const broker::Limits usual;
    for (const ConnectionFacts& each : view.history.connections)
        if (each.most_unsent_bytes > limits.output_bytes_max + kOutputSlackBytes)
            found.push_back({"",
                             fmt::format("{} bytes unsent to one client", each.most_unsent_bytes),
                             each.closed.at, each.client});
    for (const Event& event : view.history.events) {
        if (event.kind != Kind::Dropped) continue;
        const bool queue =
            event.why == "queue_full" && limits.queue_messages_max == usual.queue_messages_max;
        const bool output =
            event.why == "output_full" && limits.output_bytes_max == usual.output_bytes_max;
        if (queue || output)
            found.push_back(
                {"", "dropped for a limit that is far: " + event.why, event.at, event.client});
    }
    return found;
}

}  // namespace godwit::sim
