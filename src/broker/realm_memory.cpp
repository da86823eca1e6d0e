#include "broker/realm_memory.h"

#include <algorithm>

namespace godwit::broker {

namespace {

uint32_t& counted_at(std::vector<uint32_t>& counted, uint32_t slot) {
    if (slot >= counted.size()) counted.resize(slot + slot / 4 + 1);
    return counted[slot];
}

/// Of this one so much counts from now on, in place of what counted before.
void recount(Core& core, RealmId realm, uint32_t& counted, uint64_t bytes) {
    const auto now = uint32_t(std::min<uint64_t>(bytes, UINT32_MAX));
    core.realm(realm).memory += uint64_t(now) - counted;
    counted = now;
}

uint64_t own_bytes(const Session& session) {
    uint64_t bytes = kSessionBytes + session.client_id.view().size();
    if (session.username) bytes += sizeof(std::string) + session.username->size();
    if (const WillState* will = session.will.get())
        bytes += sizeof *will + will->topic.size() + will->payload.size() +
                 will->forwarded_properties.size();
    return bytes;
}

}  // namespace

void recount_session(Core& core, const Session& session) {
    if (!core.counts_memory) return;
    uint32_t& counted = counted_at(core.counted_sessions, session.self.slot);
    recount(core, session.realm, counted, own_bytes(session));
}

void uncount_session(Core& core, const Session& session) {
    if (!core.counts_memory) return;
    recount(core, session.realm, counted_at(core.counted_sessions, session.self.slot), 0);
}

void recount_unread(Core& core, const Connection& c) {
    if (c.closing || c.state != Connection::State::Online) return;
    const RealmId realm = core.find(c.session)->realm;
    uint64_t bytes = c.partial ? c.partial->bytes.capacity() : 0;
    if (c.features) bytes += c.features->aliases_in.bytes();
    recount(core, realm, counted_at(core.counted_unread, c.id.slot), bytes);
}

void count_connection(Core& core, RealmId realm, const Connection& c) {
    hold(core, realm, core.listener(c).connection_bytes + c.unsent_bytes);
}

void uncount_connection(Core& core, RealmId realm, const Connection& c) {
    if (!core.counts_memory) return;
    let_go(core, realm, core.listener(c).connection_bytes + c.unsent_bytes);
    recount(core, realm, counted_at(core.counted_unread, c.id.slot), 0);
}

void note_unsent(Core& core, const Connection& c, uint64_t bytes) {
    if (c.state != Connection::State::Online) return;
    Realm& realm = core.realm(core.find(c.session)->realm);
    realm.memory += bytes;
    realm.fresh_output += bytes;
}

void uncount_unsent(Core& core, const Connection& c, uint64_t bytes) {
    if (c.state == Connection::State::Online) let_go(core, core.find(c.session)->realm, bytes);
}

uint64_t settle_memory(Realm& realm) {
    const uint64_t fresh = std::min(std::exchange(realm.fresh_output, 0), realm.memory);
    return realm.memory - fresh + realm.retained.memory_bytes();
}

}  // namespace godwit::broker
