#include "sim/view.h"

#include "topic/filter.h"

#include <algorithm>

namespace godwit::sim {

using Kind = Event::Kind;

bool Span::matches(std::string_view topic) const {
    return topic::matches(plain, topic);
}

uint8_t Span::qos_least() const {
    uint8_t least = 2;
    for (const auto& each : options) least = std::min(least, uint8_t(each.qos));
    return least;
}

uint8_t Span::qos_most() const {
    uint8_t most = 0;
    for (const auto& each : options) most = std::max(most, uint8_t(each.qos));
    return most;
}

bool Span::always_no_local() const {
    return std::all_of(options.begin(), options.end(), [](const auto& o) { return o.no_local; });
}

bool Span::ever_no_local() const {
    return std::any_of(options.begin(), options.end(), [](const auto& o) { return o.no_local; });
}

View::View(const History& h) : history(h), messages(h.messages.size()) {
    find_sessions();
    walk();
}

void View::find_sessions() {
    session_of.assign(history.connections.size(), kNone);
    accepted.resize(history.clients.size());
    for (uint32_t i = 0; i < history.connections.size(); ++i)
        if (history.connections[i].accepted.happened())
            accepted[history.connections[i].client].push_back(i);
    for (auto& mine : accepted) {
        std::sort(mine.begin(), mine.end(), [&](uint32_t a, uint32_t b) {
            return history.connections[a].accepted_order < history.connections[b].accepted_order;
        });
        for (const uint32_t connection : mine) {
            const ConnectionFacts& facts = history.connections[connection];
            const bool known = !sessions.empty() && sessions.back().client == facts.client;
            if (!facts.session_present || !known) sessions.push_back({facts.client, {}, false, {}});
            note_lapse(sessions.back(), connection);
            sessions.back().connections.push_back(connection);
            session_of[connection] = uint32_t(sessions.size() - 1);
        }
        if (mine.empty()) continue;
        const ConnectionFacts& last = history.connections[mine.back()];
        sessions.back().lasts =
            !last.closed.happened() ||
            history.due(last.closed, std::chrono::seconds(history.granted_expiry(last))) >
                history.end;
    }
    spans_of.resize(sessions.size());
    received.resize(sessions.size());
    subscribed.resize(sessions.size());
}

void View::note_lapse(SessionView& session, uint32_t next) const {
    if (session.connections.empty()) return;
    const ConnectionFacts& last = history.connections[session.connections.back()];
    if (!last.closed.happened()) return;
    const Moment& back = history.connections[next].accepted;
    const auto expiry = std::chrono::seconds(history.granted_expiry(last));
    const Instant due = history.due(last.closed, expiry, back.turn);
    if (due < back.at) session.lapses.emplace_back(due, back.at);
}

void View::walk() {
    for (const Event& event : history.events) {
        switch (event.kind) {
            case Kind::Subscribe:
            case Kind::Suback:
            case Kind::Unsubscribe:
            case Kind::Unsuback:
                on_subscription(event);
                break;
            case Kind::Dropped:
                drops[{event.client, event.text}].push_back(&event);
                break;
            default:
                on_message(event);
        }
    }
}

Span* View::open_span(uint32_t session, const std::string& filter, bool ending) {
    const auto& mine = spans_of[session];
    for (auto at = mine.rbegin(); at != mine.rend(); ++at) {
        Span& span = spans[*at];
        if (span.filter == filter && span.ended == kNever && (span.ending != kNever) == ending)
            return &span;
    }
    return nullptr;
}

void View::on_subscription(const Event& event) {
    const uint32_t session = session_of[event.connection];
    if (session == kNone) return;
    Span* span = open_span(session, event.text, event.kind == Kind::Unsuback);
    if (event.kind == Kind::Subscribe) {
        subscribed[session].push_back(&event);
        if (!span) {
            const auto parsed = topic::parse_filter(event.text);
            spans_of[session].push_back(uint32_t(spans.size()));
            span = &spans.emplace_back();
            span->session = session;
            span->filter = event.text;
            span->share = parsed->share;
            span->plain = parsed->filter;
            span->sent = event.at;
        }
        span->options.push_back(event.options);
        return;
    }
    if (!span || mqtt::is_error(event.reason)) return;
    if (event.kind == Kind::Suback && span->acked == kNever) {
        span->acked = event.at;
        span->connection = event.connection;
    }
    if (event.kind == Kind::Unsubscribe) span->ending = event.at;
    if (event.kind == Kind::Unsuback) span->ended = event.at;
}

void View::on_message(const Event& event) {
    if (event.message == kNone && event.kind != Kind::Received) return;
    if (event.kind == Kind::Received) {
        const uint32_t session = session_of[event.connection];
        if (session != kNone) received[session].push_back(&event);
        if (event.message != kNone) messages[event.message].received.push_back(&event);
        return;
    }
    MessageView& message = messages[event.message];
    const bool acks = event.kind == Kind::Puback || event.kind == Kind::Pubrec;
    if (acks && !mqtt::is_error(event.reason)) message.acked = std::min(message.acked, event.at);
    if (event.kind != Kind::Publish) return;
    message.sends.push_back(&event);
    message.sent = std::min(message.sent, event.at);
    if (!event.broker.happened()) return;
    message.read = true;
    message.read_last = event.broker;
}

std::vector<const Span*> View::matching(uint32_t session, std::string_view topic,
                                        bool shared) const {
    std::vector<const Span*> found;
    for (const uint32_t each : spans_of[session])
        if (spans[each].shared() == shared && spans[each].matches(topic))
            found.push_back(&spans[each]);
    return found;
}

bool View::dropped(uint32_t client, const std::string& topic, std::string_view why) const {
    const auto known = drops.find({client, topic});
    if (known == drops.end()) return false;
    return std::any_of(known->second.begin(), known->second.end(),
                       [&](const Event* drop) { return why.empty() || drop->why == why; });
}

bool View::got(uint32_t session, uint32_t message) const {
    const auto& all = messages[message].received;
    return std::any_of(all.begin(), all.end(), [&](const Event* event) {
        return session_of[event->connection] == session;
    });
}

bool View::may_be_gone(uint32_t session, Instant from, Instant until) const {
    const auto& lapses = sessions[session].lapses;
    return std::any_of(lapses.begin(), lapses.end(), [&](const auto& lapse) {
        return lapse.first <= until && from <= lapse.second;
    });
}

bool View::may_be_undone(const Span& span) const {
    return span.connection != kNone &&
           history.granted_expiry(history.connections[span.connection]) == 0 &&
           sessions[span.session].connections.back() != span.connection;
}

bool View::shard_is_damaged(uint16_t shard, uint64_t turn) const {
    return std::any_of(history.damages.begin(), history.damages.end(), [&](const Damage& each) {
        return each.shard == shard && each.found.turn > turn;
    });
}

bool View::is_damaged(uint32_t client, uint64_t turn) const {
    return client < history.homes.size() && shard_is_damaged(history.homes[client], turn);
}

bool View::is_damaged(uint32_t session) const {
    const uint32_t first = sessions[session].connections.front();
    return is_damaged(sessions[session].client, history.connections[first].accepted.turn);
}

bool View::publisher_is_damaged(uint32_t message) const {
    const auto& sends = messages[message].sends;
    const uint64_t turn =
        !sends.empty() && sends.front()->broker.happened() ? sends.front()->broker.turn : 0;
    return is_damaged(facts(message).publisher, turn);
}

bool View::is_damaged_topic(std::string_view topic) const {
    return std::any_of(history.messages.begin(), history.messages.end(), [&](const auto& each) {
        return each.topic == topic && shard_is_damaged(each.home, 0);
    });
}

}  // namespace godwit::sim
