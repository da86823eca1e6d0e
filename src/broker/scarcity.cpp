#include "broker/scarcity.h"

#include "broker/closing.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

namespace godwit::broker {

namespace {

constexpr size_t kNamedMax = 3;
constexpr uint64_t kSubscriptionBytes = 150;  // about, its text included

struct Held {
    SessionRef session;
    uint64_t waiting = 0, inflight = 0, will = 0, unsent = 0, unread = 0, aliases = 0;
    uint64_t subscriptions = 0;
    uint64_t bytes() const {
        return waiting + inflight + will + unsent + unread + aliases +
               subscriptions * kSubscriptionBytes;
    }
};

uint64_t will_bytes(const Session& session) {
    const WillState* will = session.will.get();
    return will ? will->topic.size() + will->payload.size() + will->forwarded_properties.size() : 0;
}

/// What it got and has not acknowledged.
uint64_t inflight_bytes(const Session& session) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < session.inflight_count(); ++i) {
        const MessageRef& message = session.outbox->inflight[i].entry.message;
        if (message) bytes += message->size_bytes();
    }
    return bytes;
}

Held held_by(Core& core, const Session& session) {
    Held held{.session = session.self,
              .waiting = session.waiting_bytes(),
              .inflight = inflight_bytes(session),
              .will = will_bytes(session),
              .subscriptions = session.subscription_count()};
    if (const Connection* c = core.connection_of(session)) {
        held.unsent = c->unsent_bytes;
        held.unread = c->partial ? c->partial->bytes.capacity() : 0;
        held.aliases = c->features ? c->features->aliases_in.bytes() : 0;
    }
    return held;
}

/// Those who hold more than a little, the most first.
std::vector<Held> find_holders(Core& core) {
    std::vector<Held> holders;
    core.sessions.for_each([&](SessionRef, Session& session) {
        const Held held = held_by(core, session);
        if (held.bytes() >= kNamedBytes) holders.push_back(held);
    });
    std::sort(holders.begin(), holders.end(),
              [](const Held& a, const Held& b) { return a.bytes() > b.bytes(); });
    return holders;
}

std::string text_of(const Held& held) {
    return fmt::format(
        "{} KiB: {} KiB wait for it, {} KiB it has not acknowledged, {} KiB it does not read, {} "
        "KiB of an unfinished packet, {} KiB of a will, {} KiB of topic aliases, {} subscriptions",
        held.bytes() >> 10, held.waiting >> 10, held.inflight >> 10, held.unsent >> 10,
        held.unread >> 10, held.will >> 10, held.aliases >> 10, held.subscriptions);
}

void tell(Core& core, Memory now) {
    core.counters.memory_scarce = now != Memory::Ample;
    if (core.config.id.value != 0) return;  // all shards see the same
    static constexpr struct {
        Severity severity;
        const char* name;
        const char* detail;
    } kWords[] = {
        {Severity::Info, "memory_ample", "everything is taken again"},
        {Severity::Warning, "memory_scarce",
         "refused until less is used: what would wait for sessions, new retained messages, large "
         "packets, subscriptions of those who have many; see server.memory_bytes_max"},
        {Severity::Error, "memory_spent",
         "refused until less is used: new sessions and subscriptions, too; who holds most is "
         "disconnected; see server.memory_bytes_max"},
    };
    const auto& words = kWords[size_t(now)];
    core.fx->events.push_back({words.severity, words.name, {}, {}, {}, {}, words.detail});
}

void name_holders(Core& core, const std::vector<Held>& holders) {
    for (size_t i = 0; i < std::min(holders.size(), kNamedMax); ++i)
        core.event(Severity::Warning, "holds_much", *core.find(holders[i].session), "memory_scarce",
                   text_of(holders[i]));
}

/// Takes back what connections hold. What waits for their sessions stays: it was promised.
void end_hoarders(Core& core, const std::vector<Held>& holders) {
    for (const Held& held : holders) {
        if (held.unsent + held.unread < kMuchBytes) continue;
        Session* session = core.find(held.session);
        Connection* c = session ? core.connection_of(*session) : nullptr;
        if (c)
            disconnect(core, *c, mqtt::ReasonCode::QuotaExceeded,
                       "memory is spent, and it holds " + text_of(held));
    }
}

}  // namespace

void on_memory(Core& core, const MemoryState& in) {
    const Memory before = std::exchange(core.memory, in.memory);
    if (before == in.memory) return;
    tell(core, in.memory);
    if (in.memory < before) return;
    const std::vector<Held> holders = find_holders(core);
    name_holders(core, holders);
    if (in.memory == Memory::Spent) end_hoarders(core, holders);
}

bool may_subscribe(const Core& core, const Session& session) {
    if (core.memory == Memory::Ample) return true;
    return core.memory == Memory::Scarce && session.subscription_count() < kScarceSubscriptions;
}

bool may_queue(const Core& core, const Session& session) {
    if (core.memory == Memory::Ample) return true;
    const bool is_refused = core.memory == Memory::Spent && !session.online;
    return !is_refused && session.waiting_bytes() < kScarceQueueBytes;
}

}  // namespace godwit::broker
