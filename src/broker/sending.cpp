#include "broker/sending.h"

#include "mqtt/encoder.h"

namespace godwit::broker {

using mqtt::Qos;
using mqtt::Version;

namespace {

/// Payloads up to this size are copied into the arena: cheaper than a segment of their own in
/// writev.
constexpr size_t kInlinePayloadMax = 1024;

bool is_inline(const Message& message) {
    return message.payload().size() <= kInlinePayloadMax;
}

void account(Core& core, Connection& c, const Message& message, size_t bytes) {
    c.unsent_bytes += bytes;
    if (core.counts_memory) note_unsent(core, c, bytes);
    core.counters.bytes_sent += bytes;
    ++core.counters.packets_sent;
    ++core.counters.publishes_sent;
    core.counters.publish_bytes_sent += message.payload().size();
}

/// Appends head and small payload to the arena. @return where they begin
uint32_t encode(Core& core, Version version, const mqtt::PublishHead& head,
                const Message& message) {
    Buffer& arena = core.fx->arena;
    const auto at = uint32_t(arena.size());
    if (is_inline(message))
        mqtt::encode_publish(arena, version, head, message.payload());
    else
        mqtt::encode_publish_head(arena, version, head, message.payload().size());
    return at;
}

/// The shared bytes of this message for one kind of taker, made when first asked for.
const FrameCache::Variant& shared_frame(Core& core, Version version, const OutboxEntry& entry) {
    FrameCache& cache = core.frames;
    const Message& message = *entry.message;
    if (cache.turn != core.fx->turn() || cache.stamp != message.stamp() ||
        cache.origin != message.origin()) {
        ++cache.serial;
        cache.turn = core.fx->turn();
        cache.stamp = message.stamp();
        cache.origin = message.origin();
    }
    auto& variant = cache.variants[version == Version::V5][size_t(entry.qos)][entry.retain];
    if (variant.serial == cache.serial) return variant;
    const mqtt::PublishHead head{.qos = entry.qos,
                                 .retain = entry.retain,
                                 .topic = message.topic(),
                                 .packet_id = {uint16_t(entry.qos == Qos::AtMostOnce ? 0 : 1)},
                                 .expiry_s = message.expiry_left_s(core.now),
                                 .forwarded_properties = message.forwarded_properties()};
    const uint32_t at = encode(core, version, head, message);
    const Buffer& arena = core.fx->arena;
    uint32_t topic_at = at + 1;
    while (arena[topic_at] & 0x80) ++topic_at;  // remaining length
    variant = {cache.serial, at, uint32_t(arena.size() - at), 0};
    if (entry.qos != Qos::AtMostOnce)
        variant.packet_id_at = topic_at + 1 + 2 + uint32_t(message.topic().size()) - at;
    return variant;
}

bool fits(const Connection& c, uint64_t bytes) {
    return bytes <= c.packet_bytes_max;
}

bool send_shared(Core& core, Connection& c, const OutboxEntry& entry, PacketId packet_id,
                 bool dup) {
    const Message& message = *entry.message;
    const auto variant = shared_frame(core, c.version, entry);
    const bool small = is_inline(message);
    const uint64_t bytes = variant.bytes + (small ? 0 : message.payload().size());
    if (!fits(c, bytes)) return false;
    uint32_t at = variant.at;
    if (entry.qos != Qos::AtMostOnce) {
        Buffer& arena = core.fx->arena;
        at = uint32_t(arena.size());
        arena.resize(at + variant.bytes);
        std::memcpy(arena.data() + at, arena.data() + variant.at, variant.bytes);
        if (dup) arena[at] |= 0x08;
        arena[at + variant.packet_id_at] = uint8_t(packet_id.value >> 8);
        arena[at + variant.packet_id_at + 1] = uint8_t(packet_id.value);
    }
    core.fx->write(c.id, c.link, at, variant.bytes, small ? MessageRef{} : entry.message);
    account(core, c, message, bytes);
    return true;
}

/// With properties of its own: subscription identifiers, a topic alias.
bool send_own(Core& core, Connection& c, const OutboxEntry& entry, PacketId packet_id, bool dup) {
    const Message& message = *entry.message;
    std::vector<uint32_t> ids;
    if (entry.subscription_id != 0) ids.push_back(entry.subscription_id);
    if (entry.extras)
        ids.insert(ids.end(), entry.extras->more_subscription_ids.begin(),
                   entry.extras->more_subscription_ids.end());
    mqtt::PublishHead head{.dup = dup,
                           .qos = entry.qos,
                           .retain = entry.retain,
                           .topic = message.topic(),
                           .packet_id = packet_id,
                           .expiry_s = message.expiry_left_s(core.now),
                           .subscription_ids = ids,
                           .forwarded_properties = message.forwarded_properties()};
    AliasesOut::Use alias;
    if (c.features) alias = c.features->aliases_out.use(message.topic());
    head.topic_alias = alias.alias;
    if (!alias.send_topic) head.topic = {};
    const uint64_t bytes = mqtt::publish_size(c.version, head, message.payload().size());
    if (!fits(c, bytes)) {
        if (alias.alias != 0 && alias.send_topic) c.features->aliases_out.undo(message.topic());
        return false;
    }
    const uint32_t at = encode(core, c.version, head, message);
    const auto in_arena = uint32_t(core.fx->arena.size() - at);
    core.fx->write(c.id, c.link, at, in_arena, is_inline(message) ? MessageRef{} : entry.message);
    account(core, c, message, bytes);
    return true;
}

}  // namespace

bool send_publish(Core& core, Connection& c, const OutboxEntry& entry, PacketId packet_id,
                  bool dup) {
    if (c.closing) return true;
    const bool own =
        c.version == Version::V5 && (entry.subscription_id != 0 || entry.extras || c.features);
    return own ? send_own(core, c, entry, packet_id, dup)
               : send_shared(core, c, entry, packet_id, dup);
}

}  // namespace godwit::broker
