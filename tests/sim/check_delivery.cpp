#include "sim/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace godwit::sim {

namespace {

/// Whether this subscription owes its session the message at QoS 1 or 2.
bool owes(const View& view, const Span& span, uint32_t message) {
    const MessageFacts& facts = view.facts(message);
    const MessageView& m = view.messages[message];
    if (span.shared() || !span.matches(facts.topic)) return false;
    if (std::min(span.qos_least(), facts.qos) == 0) return false;
    if (span.acked > m.sent || span.ending != kNever) return false;
    const SessionView& session = view.sessions[span.session];
    if (!session.lasts || view.is_damaged(span.session) || view.may_be_undone(span)) return false;
    if (view.may_be_gone(span.session, m.sent, m.acked)) return false;
    return !(span.ever_no_local() && facts.publisher == session.client);
}

/// Whether this subscription owes its session the message at QoS 0: the connection is there all the
/// time, and nothing is too much.
bool owes_once(const View& view, const Span& span, uint32_t message) {
    const MessageFacts& facts = view.facts(message);
    const MessageView& m = view.messages[message];
    if (span.shared() || !span.matches(facts.topic) || !m.read) return false;
    if (span.acked > m.sent || span.ending != kNever) return false;
    const SessionView& session = view.sessions[span.session];
    const ConnectionFacts& c = view.history.connections[session.connections.back()];
    if (c.closed.happened() || c.accepted.at > m.sent) return false;
    if (view.is_damaged(span.session) || view.may_be_undone(span)) return false;
    if (span.ever_no_local() && facts.publisher == session.client) return false;
    const ConnectionFacts& from = view.history.connections[m.sends.front()->connection];
    return !from.ever_paused && !view.dropped(session.client, facts.topic);
}

void check_at_most_once(const View& view, uint32_t message, Violations& found) {
    const MessageFacts& facts = view.facts(message);
    for (const Span& span : view.spans) {
        if (!owes_once(view, span, message) || view.got(span.session, message)) continue;
        const uint32_t client = view.sessions[span.session].client;
        found.push_back(
            {"",
             fmt::format("m{} on {} (qos 0) never came to {}, which was there ({})", message,
                         facts.topic, view.history.clients[client], span.filter),
             view.messages[message].sent, client});
    }
}

bool is_excused(const View& view, uint32_t client, uint32_t message) {
    const MessageFacts& facts = view.facts(message);
    if (view.dropped(client, facts.topic, "queue_full")) return true;
    if (view.dropped(client, facts.topic, "too_large") && facts.bytes > 200) return true;
    return facts.expiry_s && view.dropped(client, facts.topic, "expired");
}

}  // namespace

Violations check_delivery(const View& view) {
    Violations found;
    for (uint32_t m = 0; m < view.messages.size(); ++m) {
        const MessageView& message = view.messages[m];
        const MessageFacts& facts = view.facts(m);
        if (facts.qos == 0 && !facts.empty && !facts.will) check_at_most_once(view, m, found);
        if (message.acked == kNever || facts.qos == 0 || facts.empty) continue;
        for (const Span& span : view.spans) {
            if (!owes(view, span, m) || view.got(span.session, m)) continue;
            const uint32_t client = view.sessions[span.session].client;
            if (is_excused(view, client, m)) continue;
            found.push_back(
                {"",
                 fmt::format("m{} of {} on {}, acknowledged at {}, never came to {} ({})", m,
                             view.history.clients[facts.publisher], facts.topic,
                             time_text(message.acked), view.history.clients[client], span.filter),
                 message.acked, client});
        }
    }
    return found;
}

namespace {

/// How often a message may come to a session as a new one, its shared subscriptions aside.
size_t copies_allowed(const View& view, uint32_t session, uint32_t message) {
    const MessageFacts& facts = view.facts(message);
    const auto& sends = view.messages[message].sends;
    size_t copies = 1;
    if (facts.qos == 1 && !facts.will)
        copies = size_t(std::count_if(sends.begin(), sends.end(),
                                      [](const Event* send) { return send->broker.happened(); }));
    if (!facts.retain) return copies;
    for (const Event* subscribe : view.subscribed[session])
        copies += subscribe->options.retain_handling != mqtt::RetainHandling::SendNever;
    return copies;
}

/// The broker may have forgotten in a crash that it had sent `first`: that was not on disk yet. At
/// QoS 0 it sends nothing again by itself, but the publisher may, or the will is due once more, or
/// what was published at QoS 2 comes from the publisher's shard again.
bool may_be_forgotten(const View& view, const Event& first, const Event& again) {
    const Moment* crash = view.history.crash_after(first.broker, kSlack);
    if (!crash || crash->turn > again.broker.turn || first.qos == 2) return false;
    const MessageFacts& facts = view.facts(again.message);
    if (again.qos == 1 || facts.will || facts.qos == 2) return true;
    const auto& sends = view.messages[again.message].sends;
    return std::any_of(sends.begin(), sends.end(), [&](const Event* send) {
        return send->broker.happened() && send->broker.turn > crash->turn;
    });
}

void check_copies(const View& view, uint32_t session, uint32_t message,
                  const std::vector<const Event*>& received, Violations& found) {
    size_t fresh = 0;
    std::vector<const Event*> before;  // each of them may be forgotten once
    for (const Event* event : received) {
        // Marked DUP, QoS 1 may come again; QoS 2 is known by its packet identifier, or it is not.
        if (event->qos == 2 ? !event->fresh : event->dup) continue;
        const auto forgotten = std::find_if(before.begin(), before.end(), [&](const Event* each) {
            return may_be_forgotten(view, *each, *event);
        });
        if (forgotten == before.end())
            ++fresh;
        else
            before.erase(forgotten);
        before.push_back(event);
    }
    const size_t allowed = copies_allowed(view, session, message);
    if (fresh <= allowed) return;
    found.push_back({"",
                     fmt::format("m{} (qos {}) came {} times to {}, {} allowed", message,
                                 view.facts(message).qos, fresh,
                                 view.history.clients[view.sessions[session].client], allowed),
                     received.back()->at, received.back()->client});
}

}  // namespace

Violations check_duplicates(const View& view) {
    Violations found;
    for (uint32_t s = 0; s < view.sessions.size(); ++s) {
        if (view.is_damaged(s)) continue;
        std::map<uint32_t, std::vector<const Event*>> by_message;
        for (const Event* event : view.received[s]) {
            if (event->message != kNone) by_message[event->message].push_back(event);
            if (event->dup && event->connection == view.sessions[s].connections.front())
                found.push_back(
                    {"",
                     "DUP on the first connection of a session: " + text_of(view.history, *event),
                     event->at, event->client});
        }
        for (const auto& [message, received] : by_message)
            if (!view.publisher_is_damaged(message) &&
                view.matching(s, view.facts(message).topic, true).empty())
                check_copies(view, s, message, received, found);
    }
    return found;
}

namespace {

/// The broker can know that the publisher meant `older` to come first. It was sent once (what is
/// sent again may come again, behind younger ones), and not over a connection that the broker took
/// for the later one: who publishes right behind CONNECT may overtake himself.
bool is_before(const View& view, uint32_t older, uint32_t younger) {
    const auto& a = view.messages[older].sends;
    const auto& b = view.messages[younger].sends;
    if (a.size() != 1 || b.empty() || view.publisher_is_damaged(older)) return false;
    const auto order_of = [&](const Event* send) {
        return view.history.connections[send->connection].accepted_order;
    };
    return order_of(a.front()) <= order_of(b.front());
}

}  // namespace

Violations check_order(const View& view) {
    Violations found;
    // Publisher, topic, QoS as published, QoS as delivered.
    using Stream = std::tuple<uint32_t, std::string_view, uint8_t, uint8_t>;
    for (uint32_t s = 0; s < view.sessions.size(); ++s) {
        if (view.is_damaged(s)) continue;
        std::map<Stream, uint32_t> youngest;
        std::map<uint32_t, bool> seen;
        for (const Event* event : view.received[s]) {
            if (event->message == kNone || event->retain) continue;
            const MessageFacts& facts = view.facts(event->message);
            if (facts.will || seen[event->message]) continue;
            seen[event->message] = true;
            if (!view.matching(s, facts.topic, true).empty()) continue;
            auto [at, first] = youngest.try_emplace(
                Stream{facts.publisher, facts.topic, facts.qos, event->qos}, event->message);
            if (!first && event->message < at->second &&
                is_before(view, event->message, at->second))
                found.push_back(
                    {"",
                     fmt::format("m{} came to {} after m{}, both of {} on {}", event->message,
                                 view.history.clients[event->client], at->second,
                                 view.history.clients[facts.publisher], facts.topic),
                     event->at, event->client});
            at->second = std::max(at->second, event->message);
        }
    }
    return found;
}

}  // namespace godwit::sim
