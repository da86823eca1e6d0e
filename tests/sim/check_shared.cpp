#include "sim/check.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::sim {

using std::chrono::seconds;

namespace {

/// How long a message may lie with a member that is away while another one is there.
constexpr Duration kPatience = seconds(1);

struct Group {
    std::string filter;  // "$share/name/filter"
    std::vector<const Span*> members;
};

std::vector<Group> groups_of(const View& view) {
    std::map<std::string_view, Group> all;
    for (const Span& span : view.spans) {
        if (!span.shared()) continue;
        Group& group = all[span.filter];
        group.filter = span.filter;
        group.members.push_back(&span);
    }
    std::vector<Group> list;
    for (auto& [filter, group] : all) list.push_back(std::move(group));
    return list;
}

/// What this session got of the topic came through one shared subscription, and no other.
bool is_only_way(const View& view, uint32_t session, std::string_view topic) {
    const auto shared = view.matching(session, topic, true);
    const bool one = std::all_of(shared.begin(), shared.end(), [&](const Span* span) {
        return span->filter == shared.front()->filter;
    });
    return one && view.matching(session, topic, false).empty();
}

/// From what is known, somebody of the group has to get it.
bool is_owed(const View& view, const Group& group, uint32_t message) {
    const MessageView& m = view.messages[message];
    const MessageFacts& facts = view.facts(message);
    if (m.acked == kNever || facts.qos == 0 || facts.empty || facts.expiry_s) return false;
    bool someone_stays = false;
    for (const Span* member : group.members) {
        if (member->qos_least() == 0) return false;
        const SessionView& session = view.sessions[member->session];
        if (view.dropped(session.client, facts.topic)) return false;
        // A QoS 2 message that was under way to a session ends with it [MQTT5-4.8.2-5].
        const bool stays = session.lasts && member->ending == kNever &&
                           !view.may_be_undone(*member) &&
                           !view.may_be_gone(member->session, m.sent, kNever);
        if (!stays && std::min(facts.qos, member->qos_most()) == 2) return false;
        someone_stays |= stays && member->acked <= m.sent;
    }
    return someone_stays;
}

/// A group's queue was full: the broker counts that, and names no message.
bool groups_dropped(const View& view) {
    const broker::Limits usual;
    if (view.history.limits.group_messages_max == usual.group_messages_max) return false;
    return std::any_of(view.history.events.begin(), view.history.events.end(), [](const Event& e) {
        return e.kind == Event::Kind::Gauge && e.text == "group_drops" && e.number > 0;
    });
}

void check_reached(const View& view, const Group& group, uint32_t message, Violations& found) {
    if (!is_owed(view, group, message) || groups_dropped(view)) return;
    for (const Span* member : group.members)
        if (view.got(member->session, message)) return;
    found.push_back({"",
                     fmt::format("m{} on {} came to nobody of {}", message,
                                 view.facts(message).topic, group.filter),
                     view.messages[message].acked, view.facts(message).publisher});
}

/// The receiver has left, or at least its connection has, or it holds the group no more.
bool has_left(const View& view, const Group& group, const Event& before, const Event& after) {
    const ConnectionFacts& c = view.history.connections[before.connection];
    if (c.closed.happened() && c.closed.turn <= after.broker.turn) return true;
    const uint32_t session = view.session_of[before.connection];
    return std::any_of(group.members.begin(), group.members.end(), [&](const Span* member) {
        return member->session == session && member->ending <= after.broker.at;
    });
}

void check_once(const View& view, const Group& group, uint32_t message, Violations& found) {
    if (view.messages[message].sends.size() != 1) return;
    const Event* last = nullptr;
    for (const Event* event : view.messages[message].received) {
        const uint32_t session = view.session_of[event->connection];
        const bool ours = std::any_of(group.members.begin(), group.members.end(),
                                      [&](const Span* each) { return each->session == session; });
        if (!ours || event->retain || event->dup || !event->fresh) continue;
        if (!is_only_way(view, session, view.facts(message).topic)) continue;
        const bool second =
            last && !has_left(view, group, *last, *event) && !has_left(view, group, *event, *last);
        if (second)
            found.push_back({"",
                             fmt::format("m{} came twice through {}: to {} at {} and to {}",
                                         message, group.filter, view.history.clients[last->client],
                                         time_text(last->at), view.history.clients[event->client]),
                             event->at, event->client});
        last = event;
    }
}

/// The session has a connection during all of [from, until].
bool is_online(const View& view, uint32_t session, Instant from, Instant until) {
    for (const uint32_t each : view.sessions[session].connections) {
        const ConnectionFacts& c = view.history.connections[each];
        if (c.accepted.at <= from && (!c.closed.happened() || c.closed.at >= until)) return true;
    }
    return false;
}

bool is_away(const View& view, uint32_t client, Instant from, Instant until) {
    for (const uint32_t each : view.accepted[client]) {
        const ConnectionFacts& c = view.history.connections[each];
        const bool before = c.closed.happened() && c.closed.at < from;
        if (!before && c.accepted.at < until) return false;
    }
    return true;
}

/// How many messages this connection held unacknowledged, at most, is below its window.
bool has_room(const View& view, const Span& member) {
    for (const uint32_t each : view.sessions[member.session].connections)
        if (view.history.connections[each].receive_maximum < 65535) return false;
    return view.history.limits.inflight_max >= 1024 &&
           view.history.limits.output_bytes_max > 1'000'000;
}

/// When another member last left before `until`: what it had may have gone on from there.
Instant last_leaving(const View& view, const Group& group, const Event& event, Instant until) {
    Instant last = kBegin;
    const auto leaves = [&](Instant at) {
        if (at < until) last = std::max(last, at);
    };
    for (const Span* member : group.members) {
        if (member->session == view.session_of[event.connection]) continue;
        leaves(member->ending);
        leaves(member->ended);
        for (const uint32_t each : view.sessions[member->session].connections)
            leaves(view.history.connections[each].closed.at);
    }
    return last;
}

/// A message that waited for a member's return, while somebody else could have had it.
void check_not_away(const View& view, const Group& group, const Event& event, Violations& found) {
    const uint32_t session = view.session_of[event.connection];
    if (event.message == kNone || event.dup || !is_only_way(view, session, event.text)) return;
    const MessageView& m = view.messages[event.message];
    if (m.sends.size() != 1 || !m.read || view.facts(event.message).qos == 0) return;
    const Instant come = view.history.connections[event.connection].accepted.at;
    if (last_leaving(view, group, event, event.broker.at + seconds(1)) >= come) return;
    Instant from = std::max(m.read_last.at, last_leaving(view, group, event, come));
    for (const Trouble& each : view.history.troubles)  // it may have waited for a disk
        if (each.from <= from && from < each.until) from = each.until;
    if (come < from + kPatience || !is_away(view, event.client, from, come)) return;
    for (const Span* other : group.members) {
        const uint32_t client = view.sessions[other->session].client;
        if (client == event.client || other->acked >= from || other->ending <= come) continue;
        if (!has_room(view, *other) || other->qos_least() == 0) continue;
        if (!is_online(view, other->session, from, come)) continue;
        found.push_back({"",
                         fmt::format("m{} waited for {}, which was away, while {} was there ({})",
                                     event.message, view.history.clients[event.client],
                                     view.history.clients[client], group.filter),
                         event.at, event.client});
        return;
    }
}

void check_group(const View& view, const Group& group, Violations& found) {
    for (uint32_t m = 0; m < view.messages.size(); ++m) {
        const MessageFacts& facts = view.facts(m);
        if (facts.will || facts.retain || !group.members.front()->matches(facts.topic)) continue;
        check_reached(view, group, m, found);
        check_once(view, group, m, found);
    }
    for (const Span* member : group.members)
        for (const Event* event : view.received[member->session])
            if (member->matches(event->text)) check_not_away(view, group, *event, found);
}

}  // namespace

Violations check_shared(const View& view) {
    Violations found;
    if (!view.history.damages.empty()) return found;  // a group lives on many shards
    for (const Group& group : groups_of(view)) check_group(view, group, found);
    return found;
}

}  // namespace godwit::sim
