#include "broker/scarcity.h"

#include "broker/closing.h"
#include "broker/realm_memory.h"
#include "broker/realms.h"

#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace godwit::broker {

namespace {

constexpr size_t kNamedMax = 3;
// In per cent of a bound. The first leaves room for what is under way when it is reached.
constexpr uint64_t kScarceFrom = 80, kAmpleBelow = 70, kSpentFrom = 92, kScarceBelow = 85;

constexpr uint64_t kWithTextBytes = 150;  // a subscription, about

struct Held {
    SessionRef session;
    uint64_t waiting = 0, inflight = 0, will = 0, unsent = 0, unread = 0, aliases = 0;
    uint64_t subscriptions = 0;
    uint64_t bytes() const {
        return waiting + inflight + will + unsent + unread + aliases +
               subscriptions * kWithTextBytes;
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
/// @param realm  null: of all
std::vector<Held> find_holders(Core& core, const Realm* realm) {
    std::vector<Held> holders;
    core.sessions.for_each([&](SessionRef, Session& session) {
        if (realm && session.realm != realm->id) return;
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

struct Words {
    Severity severity;
    const char* name;
    const char* of_realm;
    std::string_view detail;
};
constexpr Words kWords[] = {
    {Severity::Info, "memory_ample", "realm_memory_ample", "everything is taken again"},
    {Severity::Warning, "memory_scarce", "realm_memory_scarce",
     "refused until less is used: what would wait for sessions, new retained messages, large "
     "packets, subscriptions of those who have many; see "},
    {Severity::Error, "memory_spent", "realm_memory_spent",
     "refused until less is used: new sessions and subscriptions, too; who holds most is "
     "disconnected; see "},
};

void tell(Core& core, Memory now) {
    core.counters.memory_scarce = now != Memory::Ample;
    if (core.config.id.value != 0) return;  // all shards see the same
    const Words& words = kWords[size_t(now)];
    std::string detail(words.detail);
    if (now != Memory::Ample) detail += "server.memory_bytes_max";
    core.fx->events.push_back({words.severity, words.name, {}, {}, {}, {}, std::move(detail)});
}

void tell(Core& core, const Realm& realm) {
    if (judge_of(core, realm.id) != core.config.id) return;
    const Words& words = kWords[size_t(realm.state)];
    const uint64_t bytes = realm.here.memory_bytes + realm.elsewhere.memory_bytes;
    std::string detail = fmt::format("{} KiB are held for it; {}", bytes >> 10, words.detail);
    if (realm.state != Memory::Ample) detail += "realm_memory_bytes_max";
    core.fx->events.push_back(
        {words.severity, words.of_realm, {}, realm.id, {}, {}, std::move(detail)});
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

/// @param realm  null: of all
void face(Core& core, Memory now, const Realm* realm) {
    const std::vector<Held> holders = find_holders(core, realm);
    name_holders(core, holders);
    if (now == Memory::Spent) end_hoarders(core, holders);
}

void find_worst(Core& core) {
    core.worst_memory = core.memory;
    for (const auto& realm : core.realms)
        core.worst_memory = std::max(core.worst_memory, realm->state);
}

/// Again where something has changed: who was disconnected holds nothing any more.
void judge(Core& core, Realm& realm) {
    RealmUse& here = realm.here;
    for (Memory before = realm.state;; before = here.memory) {
        const uint64_t used = here.memory_bytes + realm.elsewhere.memory_bytes;
        here.memory = judge_memory(before, used, realm.limits.memory_bytes_max);
        if (here.memory == before) return;
        on_realm_memory(core, realm, here.memory);
        here.memory_bytes = settle_memory(realm);
    }
}

}  // namespace

Memory worse_memory(const Core& core, RealmId realm) {
    return std::max(core.memory, core.realm(realm).state);
}

bool sees_scarcity(const Core& core, RealmId realm) {
    return worse_memory(core, realm) != Memory::Ample && !GW_MUTANT(MemoryNeverScarce);
}

bool sees_scarcity(const Core& core, const Connection& c) {
    return sees_scarcity(core, realm_of(core, c));
}

Memory judge_memory(Memory before, uint64_t used, uint64_t max) {
    const uint64_t share = used / (max / 100 + 1);
    if (share >= (before == Memory::Spent ? kScarceBelow : kSpentFrom)) return Memory::Spent;
    if (share >= (before == Memory::Ample ? kScarceFrom : kAmpleBelow)) return Memory::Scarce;
    return Memory::Ample;
}

void on_memory(Core& core, const MemoryState& in) {
    const Memory before = std::exchange(core.memory, in.memory);
    if (before == in.memory) return;
    find_worst(core);
    tell(core, in.memory);
    if (in.memory > before) face(core, in.memory, nullptr);
}

void judge_realms(Core& core) {
    if (!core.counts_memory) return;
    for (const auto& realm : core.realms) {
        realm->here.memory_bytes = settle_memory(*realm);
        const bool is_bounded = realm->limits.memory_bytes_max != 0;
        if (is_bounded && judge_of(core, realm->id) == core.config.id) judge(core, *realm);
    }
}

void on_realm_memory(Core& core, Realm& realm, Memory now) {
    const Memory before = std::exchange(realm.state, now);
    if (before == now) return;
    find_worst(core);
    tell(core, realm);
    if (now > before) face(core, now, &realm);
}

bool may_subscribe(const Core& core, const Session& session) {
    const Memory memory = memory_of(core, session.realm);
    if (memory == Memory::Ample) return true;
    return memory == Memory::Scarce && session.subscription_count() < kScarceSubscriptions;
}

bool may_queue(const Core& core, const Session& session) {
    const Memory memory = memory_of(core, session.realm);
    if (memory == Memory::Ample) return true;
    const bool is_refused = memory == Memory::Spent && !session.online;
    return !is_refused && session.waiting_bytes() < kScarceQueueBytes;
}

}  // namespace godwit::broker
