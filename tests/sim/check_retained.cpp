#include "sim/check.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::sim {

using std::chrono::seconds;

namespace {

/// The retained values of one topic of one publisher, clearing ones included, oldest first.
using Values = std::vector<uint32_t>;

std::map<std::string_view, Values> values_by_topic(const View& view) {
    std::map<std::string_view, Values> all;
    std::map<std::string_view, uint32_t> publishers;
    for (uint32_t m = 0; m < view.messages.size(); ++m) {
        const MessageFacts& facts = view.facts(m);
        if (!facts.retain || facts.will || view.messages[m].sends.empty()) continue;
        const auto [of, is_new] = publishers.try_emplace(facts.topic, facts.publisher);
        if (view.is_damaged_topic(facts.topic) || view.publisher_is_damaged(m)) continue;
        if (is_new || of->second == facts.publisher) all[facts.topic].push_back(m);
    }
    return all;
}

/// The youngest value that was acknowledged before `at`; kNone if none was.
uint32_t settled_value(const View& view, const Values& values, Instant at) {
    uint32_t found = kNone;
    for (const uint32_t m : values)
        if (view.messages[m].acked < at) found = m;
    return found;
}

/// The span that this SUBSCRIBE began or renewed.
const Span* span_of(const View& view, uint32_t session, const Event& subscribe) {
    for (const uint32_t each : view.spans_of[session]) {
        const Span& span = view.spans[each];
        if (span.filter == subscribe.text && span.sent <= subscribe.at &&
            (span.ending == kNever || span.ending > subscribe.at))
            return &span;
    }
    return nullptr;
}

bool was_answered(const View& view, const Event& subscribe) {
    const auto& events = view.history.events;
    return std::any_of(events.begin(), events.end(), [&](const Event& each) {
        return each.kind == Event::Kind::Suback && each.connection == subscribe.connection &&
               each.packet_id == subscribe.packet_id && each.at >= subscribe.at &&
               !mqtt::is_error(each.reason);
    });
}

/// Whether the broker owes retained values for this SUBSCRIBE at QoS 1 or 2, for certain.
bool asks_for_values(const View& view, uint32_t session, const Event& subscribe, const Span& span) {
    using mqtt::RetainHandling;
    const RetainHandling handling = subscribe.options.retain_handling;
    const auto& all = view.subscribed[session];
    const auto first = std::find_if(all.begin(), all.end(), [&](const Event* each) {
        return each->text == span.filter && each->at == span.sent;
    });
    const bool is_new = *first == &subscribe;
    const bool asked =
        handling == RetainHandling::SendAlways || (handling == RetainHandling::SendIfNew && is_new);
    return asked && !span.shared() && span.ending == kNever && view.sessions[session].lasts &&
           span.qos_least() > 0 && was_answered(view, subscribe);
}

bool may_be_missed(const View& view, uint32_t client, const Values& values, uint32_t value) {
    const MessageFacts& facts = view.facts(value);
    if (facts.empty || facts.qos == 0) return true;
    for (const uint32_t m : values) {
        if (m >= value && (view.facts(m).empty || view.facts(m).expiry_s)) return true;
        // At QoS 1 an older one that is sent again is published again; at QoS 2 the younger is not.
        if (m < value && view.facts(m).qos < facts.qos && view.messages[m].sends.size() > 1)
            return true;
    }
    return view.dropped(client, facts.topic) || view.dropped(kNone, facts.topic);
}

void check_missing(const View& view, uint32_t session, const Event& subscribe,
                   const std::map<std::string_view, Values>& topics, Violations& found) {
    const Span* span = span_of(view, session, subscribe);
    if (!span || !asks_for_values(view, session, subscribe, *span)) return;
    // A crash ends a replay that is under way; docs/durability.md, Limits.
    if (view.history.crash_after(subscribe.broker, kNever - kBegin)) return;
    const uint32_t client = view.sessions[session].client;
    for (const auto& [topic, values] : topics) {
        if (!span->matches(topic)) continue;
        const uint32_t value = settled_value(view, values, subscribe.at);
        if (value == kNone || may_be_missed(view, client, values, value)) continue;
        if (span->ever_no_local() && view.facts(value).publisher == client) continue;
        const auto& received = view.received[session];
        const bool got =
            std::any_of(received.begin(), received.end(), [&, topic = topic](const Event* event) {
                return event->at >= subscribe.at && event->text == topic &&
                       event->message != kNone && event->message >= value;
            });
        if (!got)
            found.push_back({"",
                             fmt::format("{} subscribed to {} at {} and never got m{} of {}",
                                         view.history.clients[client], span->filter,
                                         time_text(subscribe.at), value, topic),
                             subscribe.at, client});
    }
}

/// Values older than what stood when the session first subscribed to the topic.
void check_stale(const View& view, uint32_t session, std::string_view topic, const Values& values,
                 Violations& found) {
    Instant first = kNever;
    for (const Span* span : view.matching(session, topic, false))
        first = std::min(first, span->sent);
    const uint32_t value = settled_value(view, values, first);
    if (value == kNone) return;
    for (const Event* event : view.received[session]) {
        if (event->text != topic || event->message == kNone || event->message >= value) continue;
        const bool once = view.messages[event->message].sends.size() == 1;
        if (!once || !view.facts(event->message).retain ||
            !view.matching(session, topic, true).empty())
            continue;
        found.push_back(
            {"",
             fmt::format("{} got m{} of {}, though m{} stood before it subscribed",
                         view.history.clients[event->client], event->message, topic, value),
             event->at, event->client});
    }
}

/// A crash came before it was acknowledged: it may have reached subscribers, and stand nowhere.
bool may_be_lost(const View& view, uint32_t value) {
    const MessageView& message = view.messages[value];
    return std::any_of(message.sends.begin(), message.sends.end(), [&](const Event* send) {
        const Moment* crash = view.history.crash_after(send->broker, kNever - kBegin);
        return crash && crash->at <= message.acked;
    });
}

/// An older value behind a younger one.
void check_backwards(const View& view, uint32_t session, Violations& found) {
    struct Key {
        std::string_view topic;
        uint8_t qos;
        auto operator<=>(const Key&) const = default;
    };
    std::map<Key, uint32_t> youngest;
    std::map<uint32_t, const Event*> seen;
    for (const Event* event : view.received[session]) {
        if (event->message == kNone || event->dup || !event->fresh) continue;
        const MessageFacts& facts = view.facts(event->message);
        if (!facts.retain || facts.will || !view.matching(session, facts.topic, true).empty())
            continue;
        if (view.publisher_is_damaged(event->message)) continue;
        // What had not yet been written down as sent comes again, as if it were new.
        const auto [sent, is_new] = seen.try_emplace(event->message, event);
        if (!is_new && view.history.crash_after(sent->second->broker, event->at - kBegin)) continue;
        auto [at, first] = youngest.try_emplace(Key{facts.topic, event->qos}, event->message);
        const bool once = view.messages[event->message].sends.size() == 1;
        const bool same = view.facts(at->second).publisher == facts.publisher;
        if (!first && same && once && event->message < at->second && !may_be_lost(view, at->second))
            found.push_back(
                {"",
                 fmt::format("{} got m{} of {} after m{}", view.history.clients[event->client],
                             event->message, facts.topic, at->second),
                 event->at, event->client});
        at->second = std::max(at->second, event->message);
    }
}

}  // namespace

Violations check_retained(const View& view) {
    Violations found;
    const auto topics = values_by_topic(view);
    for (uint32_t s = 0; s < view.sessions.size(); ++s) {
        if (view.is_damaged(s)) continue;
        for (const Event* subscribe : view.subscribed[s])
            check_missing(view, s, *subscribe, topics, found);
        for (const auto& [topic, values] : topics) check_stale(view, s, topic, values, found);
        check_backwards(view, s, found);
    }
    return found;
}

}  // namespace godwit::sim
