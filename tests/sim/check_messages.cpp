#include "sim/check.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::sim {

using std::chrono::seconds;
using Kind = Event::Kind;

namespace {

/// When a message expires, as far as the broker could know when it sent it. That it had expired
/// before is not written down until somebody looks at it: any crash may undo that.
Instant expiry_of(const View& view, const Event& event) {
    return view.history.due_at_last(view.messages[event.message].read_last,
                                    seconds(*view.facts(event.message).expiry_s), Duration::max(),
                                    event.broker.turn);
}

void check_late(const View& view, const Event& event, Violations& found) {
    const MessageFacts& facts = view.facts(event.message);
    const MessageView& message = view.messages[event.message];
    if (!message.read) return;
    if (!facts.expiry_s) {
        if (event.expiry_s)
            found.push_back(
                {"", fmt::format("m{} has no expiry", event.message), event.at, event.client});
        return;
    }
    const Instant due = expiry_of(view, event);
    if (!event.dup && event.broker.at >= due)
        found.push_back({"",
                         fmt::format("m{} was sent to {} at {}, expired at {}", event.message,
                                     view.history.clients[event.client], time_text(event.broker.at),
                                     time_text(due)),
                         event.at, event.client});
    const bool told = view.history.connections[event.connection].version == mqtt::Version::V5;
    if (!told || message.sends.size() != 1) return;
    const auto left = std::chrono::ceil<seconds>(due - event.broker.at).count();
    const uint32_t expected = left > 1 ? uint32_t(left) : 1u;
    if (event.expiry_s != expected)
        found.push_back({"",
                         fmt::format("m{} has {} s left, {} told", event.message, expected,
                                     event.expiry_s ? int64_t(*event.expiry_s) : -1),
                         event.at, event.client});
}

/// Some message of this topic had expired when the broker dropped one for it.
bool had_expired(const View& view, const Event& drop) {
    for (uint32_t m = 0; m < view.messages.size(); ++m) {
        const MessageFacts& facts = view.facts(m);
        if (facts.topic != drop.text || !facts.expiry_s || !view.messages[m].read) continue;
        for (const Event* send : view.messages[m].sends)
            if (send->broker.happened() && view.history.due(send->broker, seconds(*facts.expiry_s),
                                                            drop.broker.turn) <= drop.at)
                return true;
    }
    return false;
}

}  // namespace

Violations check_expiry(const View& view) {
    Violations found;
    for (const Event& event : view.history.events) {
        if (event.kind == Kind::Received && event.message != kNone &&
            !view.facts(event.message).will)
            check_late(view, event, found);
        if (event.kind == Kind::Dropped && event.why == "expired" && !had_expired(view, event))
            found.push_back(
                {"", "dropped as expired before it was: " + event.text, event.at, event.client});
    }
    return found;
}

namespace {

/// All that this session may have subscribed to the topic with, by the time of `event`.
std::vector<const Span*> ways(const View& view, uint32_t session, const Event& event) {
    auto all = view.matching(session, event.text, false);
    const auto shared = view.matching(session, event.text, true);
    all.insert(all.end(), shared.begin(), shared.end());
    std::erase_if(all, [&](const Span* span) { return span->sent > event.broker.at; });
    return all;
}

template <class Test>
bool all_of(const std::vector<const Span*>& spans, Test&& test) {
    return std::all_of(spans.begin(), spans.end(), test);
}

const char* fault_of(const View& view, const Event& event, const std::vector<const Span*>& spans) {
    if (spans.empty()) return "nothing was subscribed";
    if (all_of(spans, [&](const Span* span) { return event.qos > span->qos_most(); }))
        return "above the subscriptions' QoS";
    if (event.message == kNone) return nullptr;
    const MessageFacts& facts = view.facts(event.message);
    if (facts.publisher == event.client &&
        all_of(spans, [](const Span* span) { return !span->shared() && span->always_no_local(); }))
        return "No Local";
    if (event.retain && !facts.retain) return "RETAIN, but it was not retained";
    const bool as_published = all_of(spans, [](const Span* span) {
        return std::all_of(span->options.begin(), span->options.end(),
                           [](const auto& o) { return o.retain_as_published; });
    });
    if (as_published && facts.retain && !event.retain) return "Retain As Published";
    if (facts.will || event.dup || !event.fresh) return nullptr;
    const Instant sent = view.messages[event.message].sent;
    const bool over = all_of(spans, [&](const Span* span) { return span->ended < sent; });
    // A value that was retained before comes with the next subscription, which is another span.
    return over ? "it was sent after the UNSUBACK" : nullptr;
}

/// Identifiers that this session gave to subscriptions that match.
bool knows_ids(const View& view, uint32_t session, const Event& event) {
    return std::all_of(event.ids.begin(), event.ids.end(), [&](uint32_t id) {
        const auto& all = view.subscribed[session];
        return std::any_of(all.begin(), all.end(), [&](const Event* subscribe) {
            if (subscribe->number != id) return false;
            for (const Span* span : ways(view, session, event))
                if (span->filter == subscribe->text) return true;
            return false;
        });
    });
}

}  // namespace

Violations check_subscriptions(const View& view) {
    Violations found;
    for (uint32_t s = 0; s < view.sessions.size(); ++s)
        for (const Event* event : view.received[s]) {
            if (view.is_damaged(event->client, 0)) continue;
            const char* fault = fault_of(view, *event, ways(view, s, *event));
            if (!fault && !knows_ids(view, s, *event)) fault = "a strange subscription identifier";
            if (fault)
                found.push_back({"", fmt::format("{}: {}", fault, text_of(view.history, *event)),
                                 event->at, event->client});
        }
    return found;
}

}  // namespace godwit::sim
