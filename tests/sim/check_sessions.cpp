#include "sim/check.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = Event::Kind;

Violations check_takeover(const View& view) {
    Violations found;
    const auto& all = view.history.connections;
    for (const auto& mine : view.accepted)
        for (size_t i = 1; i < mine.size(); ++i) {
            const ConnectionFacts& old = all[mine[i - 1]];
            const ConnectionFacts& young = all[mine[i]];
            if (old.closed.happened() && old.closed_order < young.accepted_order) continue;
            found.push_back({"",
                             fmt::format("#{} was accepted while #{} of the same client lived",
                                         mine[i], mine[i - 1]),
                             young.accepted.at, young.client});
        }
    return found;
}

namespace {

enum class Expected : uint8_t { No, Yes, Either };

/// Whether the session of `old` is there when `young` comes.
Expected expected_present(const View& view, const ConnectionFacts* old,
                          const ConnectionFacts& young) {
    if (young.clean_start || !old) return Expected::No;
    if (old->ever_paused && old->said_goodbye) return Expected::Either;
    const uint32_t expiry_s = view.history.granted_expiry(*old);
    if (expiry_s == 0) return Expected::No;
    const Instant due = old->closed.happened() ? old->closed.at + seconds(expiry_s) : kNever;
    if (young.accepted.at < due) return Expected::Yes;
    return young.accepted.at > due + kSlack ? Expected::No : Expected::Either;
}

}  // namespace

Violations check_session_present(const View& view) {
    Violations found;
    const auto& all = view.history.connections;
    for (const auto& mine : view.accepted) {
        const ConnectionFacts* old = nullptr;
        for (const uint32_t each : mine) {
            const ConnectionFacts& young = all[each];
            const Expected expected = expected_present(view, old, young);
            old = &young;
            const bool wrong =
                young.session_present ? expected == Expected::No : expected == Expected::Yes;
            if (wrong)
                found.push_back(
                    {"",
                     fmt::format("#{} of {} was told session present {}", each,
                                 view.history.clients[young.client], young.session_present),
                     young.accepted.at, young.client});
        }
    }
    for (const Event& event : view.history.events)
        if (event.kind == Kind::Connack && !mqtt::is_error(event.reason) &&
            event.flag != all[event.connection].session_present)
            found.push_back({"", "CONNACK changed on its way", event.at, event.client});
    return found;
}

namespace {

struct WillDue {
    Expected expected = Expected::Either;
    Instant from = kNever;  // it is published no earlier
};

/// What is owed of the will of `mine[at]`, as MQTT 5.0 section 3.1.2.5 says.
WillDue will_due(const View& view, const std::vector<uint32_t>& mine, size_t at) {
    const ConnectionFacts& c = view.history.connections[mine[at]];
    if (!c.closed.happened()) return {Expected::No};
    if (c.said_goodbye && c.ever_paused) return {};
    if (c.goodbye_was_read() && !c.goodbye_with_will) return {Expected::No};
    const uint32_t expiry_s = view.history.granted_expiry(c);
    const uint32_t delay_s = std::min(view.facts(c.will).delay_s, expiry_s);
    if (delay_s == 0) return {Expected::Yes, c.closed.at};
    const Instant due = c.closed.at + seconds(delay_s);
    const ConnectionFacts* next =
        at + 1 < mine.size() ? &view.history.connections[mine[at + 1]] : nullptr;
    const Instant back = next ? next->accepted.at : view.history.end;
    if (back > due + kSlack) return {Expected::Yes, due};
    if (next && !next->session_present && next->clean_start)
        return {Expected::Yes, std::min(back, due)};
    if (back + milliseconds(1) > due) return {Expected::Either, due};
    return {Expected::No};
}

void check_will_reached(const View& view, uint32_t will, const WillDue& due, Violations& found) {
    const MessageFacts& facts = view.facts(will);
    for (const Span& span : view.spans) {
        const SessionView& session = view.sessions[span.session];
        if (span.shared() || !span.matches(facts.topic) || !session.lasts) continue;
        if (std::min(span.qos_least(), facts.qos) == 0 || span.ending != kNever) continue;
        if (span.acked > due.from || (span.ever_no_local() && session.client == facts.publisher))
            continue;
        if (view.got(span.session, will) || view.dropped(session.client, facts.topic)) continue;
        found.push_back({"",
                         fmt::format("will m{} of {}, owed from {} on, never came to {} ({})", will,
                                     view.history.clients[facts.publisher], time_text(due.from),
                                     view.history.clients[session.client], span.filter),
                         due.from, facts.publisher});
    }
}

void check_will(const View& view, const std::vector<uint32_t>& mine, size_t at, Violations& found) {
    const uint32_t will = view.history.connections[mine[at]].will;
    if (will == kNone) return;
    const WillDue due = will_due(view, mine, at);
    if (due.expected == Expected::Yes) check_will_reached(view, will, due, found);
    for (const Event* event : view.messages[will].received) {
        const bool early =
            due.expected != Expected::No && due.from != kNever && event->broker.at < due.from;
        if (due.expected != Expected::No && !early) continue;
        found.push_back({"",
                         fmt::format("will m{} of #{} came {}", will, mine[at],
                                     early ? "too early" : "though it was not owed"),
                         event->at, view.facts(will).publisher});
    }
}

}  // namespace

Violations check_wills(const View& view) {
    Violations found;
    for (const auto& mine : view.accepted)
        for (size_t i = 0; i < mine.size(); ++i) check_will(view, mine, i, found);
    return found;
}

Violations check_keep_alive(const View& view) {
    Violations found;
    for (const ConnectionFacts& c : view.history.connections) {
        if (!c.accepted.happened() || c.ever_paused) continue;
        const uint16_t most =
            c.version == mqtt::Version::V5 ? view.history.limits.keepalive_max_s : 0;
        const bool capped = most != 0 && (c.keepalive_s == 0 || c.keepalive_s > most);
        const uint16_t keepalive_s = capped ? most : c.keepalive_s;
        if (keepalive_s == 0) continue;
        const Instant until = c.closed.happened() ? c.closed.at : view.history.end;
        const Instant due = std::max(c.last_read, c.accepted.at) + milliseconds(keepalive_s * 1500);
        if (until > due + kSlack)
            found.push_back({"",
                             fmt::format("{} was silent from {} on, closed {}, keep alive {} s",
                                         view.history.clients[c.client], time_text(c.last_read),
                                         time_text(c.closed.at), keepalive_s),
                             due, c.client});
    }
    for (const Event& event : view.history.events) {
        if (event.kind != Kind::Disconnected || event.reason != mqtt::ReasonCode::KeepAliveTimeout)
            continue;
        const ConnectionFacts& c = view.history.connections[event.connection];
        if (c.closed.at - c.last_read < milliseconds(c.keepalive_s * 1500) &&
            view.history.limits.keepalive_max_s == 0)
            found.push_back({"", "closed for silence too early", event.at, event.client});
    }
    return found;
}

}  // namespace godwit::sim
