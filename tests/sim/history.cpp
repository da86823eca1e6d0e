#include "sim/history.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::sim {

Moment ConnectionFacts::read(uint64_t offset) const {
    const auto at = std::lower_bound(reads.begin(), reads.end(), offset,
                                     [](const Mark& mark, uint64_t o) { return mark.offset < o; });
    return at == reads.end() ? Moment{} : at->moment;
}

void History::resolve() {
    for (Event& event : events)
        if (event.offset > 0) event.broker = connections[event.connection].read(event.offset);
}

uint32_t History::granted_expiry(const ConnectionFacts& connection) const {
    uint32_t wished = connection.expiry_s;
    if (connection.goodbye_was_read() && connection.goodbye_expiry_s)
        wished = *connection.goodbye_expiry_s;
    return std::min(wished, limits.session_expiry_max_s);
}

bool History::is_soon(Instant from, Instant until, Duration within) const {
    Duration passed = until - from;
    for (const Trouble& each : troubles)
        passed -= std::max(Duration{}, std::min(each.until, until) - std::max(each.from, from));
    return passed <= within;
}

const Moment* History::crash_after(const Moment& from, Duration within) const {
    const auto first = std::find_if(crashes.begin(), crashes.end(),
                                    [&](const Moment& crash) { return crash.turn > from.turn; });
    if (first == crashes.end()) return nullptr;
    return is_soon(from.at, first->at, within) ? &*first : nullptr;
}

Instant History::due(const Moment& from, Duration length, uint64_t until) const {
    return due_at_last(from, length, -Duration(1), until);  // no crash comes so soon
}

Instant History::due_at_last(const Moment& from, Duration length, Duration within,
                             uint64_t until) const {
    Instant at = from.at;
    for (size_t i = 0; i < crashes.size() && i < jumps.size(); ++i) {
        const Moment& crash = crashes[i];
        if (crash.turn <= from.turn || crash.turn > until) continue;
        const Instant fell = at + std::max(length, Duration{});
        if (fell <= crash.at && !is_soon(fell, crash.at, within)) return fell;
        length -= crash.at - at + jumps[i];
        at = crash.at;
    }
    return at + std::max(length, Duration{});
}

void History::add_trouble(Instant from, Instant until) {
    if (troubles.empty() || from > troubles.back().until) return troubles.push_back({from, until});
    Trouble& last = troubles.back();
    last = {std::min(last.from, from), std::max(last.until, until)};
}

std::string time_text(Instant at) {
    if (at == kNever) return "never";
    return fmt::format("{:.6f}", double((at - kBegin).count()) / 1e9);
}

namespace {

using Kind = Event::Kind;

const char* name_of(Kind kind) {
    static constexpr const char* kNames[] = {
        "-> CONNECT", "<- CONNACK",     "-> PUBLISH",  "<- PUBACK",     "<- PUBREC",
        "-> PUBREL",  "<- PUBCOMP",     "<- PUBLISH",  "-> ACK",        "-> SUBSCRIBE",
        "<- SUBACK",  "-> UNSUBSCRIBE", "<- UNSUBACK", "-> DISCONNECT", "<- DISCONNECT",
        "closed",     "session lost",   "dropped",     "FAULT",         "UNSETTLED",
        "gauge",      "action"};
    return kNames[size_t(kind)];
}

void append_message(std::string& out, const History& history, const Event& e) {
    if (e.message == kNone) return;
    const MessageFacts& m = history.messages[e.message];
    out += fmt::format(" m{} of {} on {}", e.message, history.clients[m.publisher], m.topic);
    if (m.qos != e.qos) out += fmt::format(" (qos {})", m.qos);
    if (m.empty) out += " empty";
    if (m.expiry_s) out += fmt::format(" expiry {}", *m.expiry_s);
}

}  // namespace

std::string text_of(const History& history, const Event& e) {
    std::string out = fmt::format("{:>12} ", time_text(e.at));
    if (e.client != kNone) out += history.clients[e.client];
    if (e.connection != kNone) out += fmt::format(" #{}", e.connection);
    out += fmt::format(" {}", name_of(e.kind));
    append_message(out, history, e);
    const bool has_qos = e.kind == Kind::Publish || e.kind == Kind::Received;
    if (has_qos) out += fmt::format(" qos {}", e.qos);
    if (e.packet_id != 0) out += fmt::format(" id {}", e.packet_id);
    if (e.dup) out += " DUP";
    if (e.retain) out += " RETAIN";
    if (e.kind == Kind::Received && !e.fresh) out += " (known)";
    if (e.kind == Kind::Connack) out += e.flag ? " session present" : " new session";
    if (e.kind == Kind::Connect) out += e.flag ? " clean start" : "";
    if (e.kind == Kind::Subscribe)
        out += fmt::format(" qos {} rh {}{}{}", int(e.options.qos), int(e.options.retain_handling),
                           e.options.no_local ? " nl" : "",
                           e.options.retain_as_published ? " rap" : "");
    if (e.reason != mqtt::ReasonCode::Success)
        out += fmt::format(" {}", mqtt::reason_name(e.reason));
    if (e.number != 0) out += fmt::format(" ({})", e.number);
    if (!e.text.empty()) out += " " + e.text;
    if (!e.why.empty()) out += ": " + e.why;
    if (e.broker.happened())
        out += fmt::format("   [broker {} turn {}]", time_text(e.broker.at), e.broker.turn);
    return out;
}

std::string tail_of(const History& history, size_t count, uint32_t client) {
    std::vector<std::string> lines;
    for (auto at = history.events.rbegin(); at != history.events.rend() && lines.size() < count;
         ++at)
        if (client == kNone || at->client == client) lines.push_back(text_of(history, *at));
    std::string out;
    for (auto at = lines.rbegin(); at != lines.rend(); ++at) out += *at + "\n";
    return out;
}

std::string payload_of(uint32_t message, uint32_t bytes) {
    std::string text = fmt::format("m{};", message);
    while (text.size() < bytes) text += char('a' + (text.size() + message) % 26);
    return text;
}

uint32_t message_of(std::string_view payload) {
    if (payload.size() < 3 || payload[0] != 'm') return kNone;
    uint32_t number = 0;
    size_t at = 1;
    for (; at < payload.size() && payload[at] >= '0' && payload[at] <= '9'; ++at)
        number = number * 10 + uint32_t(payload[at] - '0');
    if (at == 1 || at == payload.size() || payload[at] != ';') return kNone;
    for (++at; at < payload.size(); ++at)
        if (payload[at] != char('a' + (at + number) % 26)) return kNone;
    return number;
}

}  // namespace godwit::sim
