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

/// What time alone makes due is on disk no later: a shard may be late, and so may its disk.
constexpr Duration kDueSlack = 2 * kSlack;

/// Whether a session that lost its connection at `closed` is there at `at`.
Expected present_at(const View& view, const Moment& at, const Moment& closed, uint32_t expiry_s) {
    if (expiry_s == 0) return Expected::No;
    if (!closed.happened()) return Expected::Yes;
    const Duration expiry = seconds(expiry_s);
    if (at.at < view.history.due(closed, expiry, at.turn)) return Expected::Yes;
    const Instant last = view.history.due_at_last(closed, expiry, kDueSlack, at.turn);
    return at.at > last + kSlack ? Expected::No : Expected::Either;
}

/// The broker went down so soon after it had accepted this connection that what CONNECT said need
/// not be on disk: nothing had been acknowledged that a session that lasts would need.
bool may_be_forgotten(const View& view, uint32_t connection) {
    const ConnectionFacts& c = view.history.connections[connection];
    const Moment* crash = view.history.crash_after(c.accepted, kSlack);
    if (!crash) return false;
    if (std::min(c.expiry_s, view.history.limits.session_expiry_max_s) == 0) return true;
    const auto& events = view.history.events;
    // One that was sent before may have been on disk already.
    const auto is_new = [&](uint32_t message) {
        return std::any_of(events.begin(), events.end(), [&](const Event& each) {
            return each.kind == Kind::Publish && each.connection == connection &&
                   each.message == message && !each.dup;
        });
    };
    return std::none_of(events.begin(), events.end(), [&](const Event& each) {
        if (each.connection != connection || each.broker.turn >= crash->turn) return false;
        if (mqtt::is_error(each.reason)) return false;  // a refusal promises nothing
        return each.kind == Kind::Suback || (each.kind == Kind::Pubrec && is_new(each.message));
    });
}

/// Whether `other`, a clean start of the same client, may have ended what `connection` left: it was
/// accepted later, or read and never told.
bool may_clear(const View& view, uint32_t connection, uint32_t other) {
    const ConnectionFacts& c = view.history.connections[connection];
    const ConnectionFacts& o = view.history.connections[other];
    if (other == connection || o.client != c.client || !o.clean_start) return false;
    if (o.accepted.happened()) return o.accepted_order > c.accepted_order;
    const bool before = o.closed.happened() && o.closed.turn <= c.accepted.turn;
    return !before && o.read(o.connect_offset).happened();
}

/// A clean start that never got its answer ended the session of `before`, or did not, until `turn`.
bool may_be_cleared(const View& view, uint32_t before, uint64_t turn) {
    const auto& all = view.history.connections;
    for (uint32_t i = 0; i < all.size(); ++i)
        if (!all[i].accepted.happened() && may_clear(view, before, i) &&
            all[i].read(all[i].connect_offset).turn <= turn)
            return true;
    return false;
}

/// A crash may forget that `connection` resumed its session, and that those before it did: the
/// session is then there as an earlier one left it. @return  that may change what is `expected`
bool may_be_as_left_before(const View& view, uint32_t connection, const Moment& at,
                           Expected expected) {
    const auto& all = view.history.connections;
    const auto& mine = view.accepted[all[connection].client];
    auto here = std::find(mine.begin(), mine.end(), connection);
    while (here != mine.begin() && here != mine.end() && all[*here].session_present &&
           view.history.crash_after(all[*here].accepted, kSlack)) {
        const ConnectionFacts& last = all[*--here];
        if (present_at(view, at, last.closed, view.history.granted_expiry(last)) != expected)
            return true;
    }
    return false;
}

/// A crash may forget how the connection `old` ended, and count from the restart; and the next
/// crash may forget that. @return  that may change what is `expected`
bool may_be_counted_anew(const View& view, const ConnectionFacts& old, const Moment& at,
                         Expected expected) {
    const uint32_t wished = std::min(old.expiry_s, view.history.limits.session_expiry_max_s);
    const Moment* crash = view.history.crash_after(old.closed, kSlack);
    for (; crash && crash->at <= at.at; crash = view.history.crash_after(*crash, kSlack))
        if (present_at(view, at, *crash, wished) != expected) return true;
    return false;
}

/// Whether the session of connection `before` is there when `young` comes.
Expected expected_present(const View& view, uint32_t before, const ConnectionFacts& young) {
    if (young.clean_start || before == kNone) return Expected::No;
    const ConnectionFacts& old = view.history.connections[before];
    if (old.ever_paused && old.said_goodbye) return Expected::Either;
    const bool promised_gone = old.clean_start && view.history.granted_expiry(old) == 0;
    if (may_be_forgotten(view, before) && !promised_gone) return Expected::Either;
    if (may_be_cleared(view, before, young.accepted.turn)) return Expected::Either;
    if (view.is_damaged(young.client, old.accepted.turn)) return Expected::Either;
    const Moment& at = young.accepted;
    const Expected usual = present_at(view, at, old.closed, view.history.granted_expiry(old));
    const bool in_doubt =
        may_be_as_left_before(view, before, at, usual) || may_be_counted_anew(view, old, at, usual);
    return in_doubt ? Expected::Either : usual;
}

}  // namespace

Violations check_session_present(const View& view) {
    Violations found;
    const auto& all = view.history.connections;
    for (const auto& mine : view.accepted) {
        uint32_t old = kNone;
        for (const uint32_t each : mine) {
            const ConnectionFacts& young = all[each];
            const Expected expected = expected_present(view, old, young);
            old = each;
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

/// When a clean start may first have ended what `connection` left: its CONNECT was read. It is told
/// later, or never. kNever: there was none.
Instant first_clean_start(const View& view, uint32_t connection) {
    const auto& all = view.history.connections;
    Instant first = kNever;
    for (uint32_t i = 0; i < all.size(); ++i) {
        if (!may_clear(view, connection, i)) continue;
        const Moment read = all[i].read(all[i].connect_offset);
        first = std::min(first, read.happened() ? read.at : all[i].accepted.at);
    }
    return first == kNever ? kNever : std::max(first, all[connection].closed.at);
}

/// When `delay` has first passed since `closed`. A crash may forget the close and count from the
/// restart, whatever the clock did at it; and the next crash may forget that.
Instant first_due(const View& view, const Moment& closed, Duration delay) {
    Instant first = view.history.due(closed, delay);
    const Moment* crash = view.history.crash_after(closed, kSlack);
    for (; crash; crash = view.history.crash_after(*crash, kSlack))
        first = std::min(first, view.history.due(*crash, delay));
    return first;
}

/// What is owed of a will with a delay. @param next  the client's next accepted connection, or null
WillDue delayed_will_due(const View& view, uint32_t connection, const ConnectionFacts* next,
                         Duration delay) {
    const ConnectionFacts& c = view.history.connections[connection];
    const Instant due = first_due(view, c.closed, delay);
    const Instant last = view.history.due_at_last(c.closed, delay, kDueSlack);
    const Instant back = next ? next->accepted.at : view.history.end;
    const Instant cleared = first_clean_start(view, connection);
    const bool recounted = view.history.crash_after(c.closed, kSlack) != nullptr;
    if (back > last + kSlack && !recounted && cleared > last) return {Expected::Yes, due};
    if (next && !next->session_present && next->clean_start)
        return {Expected::Yes, std::min(cleared, due)};
    if (cleared < back) return {Expected::Either, std::min(cleared, due)};
    const bool undone = next && view.history.crash_after(next->accepted, kSlack);
    if (back + milliseconds(1) > due || recounted || undone)
        return {Expected::Either, std::min(cleared, due)};
    return {Expected::No};
}

/// What is owed of the will of `mine[at]`, as MQTT 5.0 section 3.1.2.5 says.
WillDue will_due(const View& view, const std::vector<uint32_t>& mine, size_t at) {
    const ConnectionFacts& c = view.history.connections[mine[at]];
    if (!c.closed.happened()) return {Expected::No};
    if ((c.said_goodbye && c.ever_paused) || view.is_damaged(c.client, c.accepted.turn)) return {};
    if (c.goodbye_was_read() && !c.goodbye_with_will) {
        const Moment* crash = view.history.crash_after(c.closed, kSlack);
        return crash ? WillDue{Expected::Either, crash->at} : WillDue{Expected::No};
    }
    if (may_be_forgotten(view, mine[at])) return {Expected::Either, c.closed.at};
    const uint32_t expiry_s = view.history.granted_expiry(c);
    const uint32_t delay_s = std::min(view.facts(c.will).delay_s, expiry_s);
    // A crash may forget that DISCONNECT took the session's expiry, and with it the will's delay.
    const bool shortened = c.goodbye_was_read() && c.goodbye_expiry_s;
    if (delay_s == 0 && shortened && view.history.crash_after(c.closed, kSlack))
        return {Expected::Either, c.closed.at};
    if (delay_s == 0) return {Expected::Yes, c.closed.at};
    const ConnectionFacts* next =
        at + 1 < mine.size() ? &view.history.connections[mine[at + 1]] : nullptr;
    return delayed_will_due(view, mine[at], next, seconds(delay_s));
}

void check_will_reached(const View& view, uint32_t will, const WillDue& due, Violations& found) {
    const MessageFacts& facts = view.facts(will);
    for (const Span& span : view.spans) {
        const SessionView& session = view.sessions[span.session];
        if (span.shared() || !span.matches(facts.topic) || !session.lasts) continue;
        if (view.is_damaged(span.session)) continue;
        if (view.may_be_gone(span.session, due.from, kNever)) continue;
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
