#include "broker/keeping/object_format.h"

#include "base/assert.h"
#include "broker/keeping/object_flags.h"

#include <algorithm>

namespace godwit::broker {

namespace {

void put_i64(Buffer& out, int64_t value) {
    put_u64(out, uint64_t(value));
}
void put_instant(Buffer& out, Instant at) {
    put_i64(out, at.time_since_epoch().count());
}
/// Numbers in a row, big-endian, written at once.
class FixedFields {
public:
    template <class Number>
    void put(Number value) {
        GW_ASSERT(size_ + sizeof value <= sizeof bytes_);
        for (size_t i = sizeof value; i-- > 0;) bytes_[size_++] = uint8_t(uint64_t(value) >> 8 * i);
    }
    Bytes bytes() const { return Bytes(bytes_).first(size_); }

private:
    uint8_t bytes_[32];
    size_t size_ = 0;
};
void put_name(Buffer& out, std::string_view text) {
    GW_ASSERT(text.size() <= 0xffff);
    put_u16(out, uint16_t(text.size()));
    put_text(out, text);
}
void put_blob(Buffer& out, Bytes bytes) {
    put_u32(out, uint32_t(bytes.size()));
    put_bytes(out, bytes);
}
void put_ids(Buffer& out, const std::vector<PacketId>& ids) {
    put_u16(out, uint16_t(ids.size()));
    for (const PacketId id : ids) put_u16(out, id.value);
}

void append_will(Buffer& out, const WillRecord& will) {
    put_instant(out, will.due);
    put_u32(out, will.delay_s);
    put_u8(out, uint8_t(uint8_t(will.qos) | (will.retain ? kRetain : 0) |
                        (will.expiry_s ? kHasExpiry : 0)));
    put_u32(out, will.expiry_s.value_or(0));
    put_name(out, will.topic);
    put_blob(out, will.forwarded_properties);
    put_blob(out, will.payload);
}

uint8_t options_byte(const mqtt::SubscriptionOptions& options) {
    return uint8_t(uint8_t(options.qos) | (options.no_local ? kNoLocal : 0) |
                   (options.retain_as_published ? kRetainAsPublished : 0) |
                   uint8_t(options.retain_handling) << kRetainHandlingShift);
}

uint8_t source_flags(const MessageParts& parts) {
    if (!parts.source) return 0;
    return parts.source->username ? kHasSource | kSourceHasUser : kHasSource;
}

void append_head(Buffer& out, const MessageParts& parts) {
    FixedFields fixed;
    fixed.put(parts.realm.value);
    fixed.put(parts.origin.value);
    fixed.put(parts.stamp);
    fixed.put(parts.publisher);
    fixed.put(uint64_t(parts.expires.time_since_epoch().count()));
    fixed.put(uint8_t(uint8_t(parts.qos) | (parts.retain ? kRetain : 0) | source_flags(parts)));
    put_bytes(out, fixed.bytes());
    put_name(out, parts.topic);
    put_blob(out, parts.forwarded_properties);
    put_blob(out, parts.payload);
    if (!parts.source) return;
    put_name(out, parts.source->client_id);
    put_name(out, parts.source->username.value_or(""));
}

}  // namespace

void append_object(Buffer& out, const SessionRecord& record) {
    put_u8(out, uint8_t(ObjectKind::Session));
    put_u16(out, record.realm.value);
    put_u8(out, uint8_t(record.version));
    put_u8(out, uint8_t((record.username ? kHasUsername : 0) |
                        (record.ends_with_connection ? kEndsWithConnection : 0) |
                        (record.will ? kHasWill : 0)));
    put_u32(out, record.expiry_s);
    put_instant(out, record.expires);
    put_name(out, record.client_id);
    put_name(out, record.username.value_or(""));
    if (record.will) append_will(out, *record.will);
    put_ids(out, record.unreleased);
    put_ids(out, record.owed);
}

void append_object(Buffer& out, const SubscriptionRecord& record) {
    const bool shared = !record.share.empty();
    put_u8(out, uint8_t(shared ? ObjectKind::Membership : ObjectKind::Subscription));
    put_u32(out, record.session.value);
    put_u32(out, record.subscription_id);
    put_u8(out, options_byte(record.options));
    if (shared) {
        put_u32(out, record.membership);
        put_name(out, record.share);
    }
    put_name(out, record.filter);
}

void append_object(Buffer& out, const MessageRecord& record) {
    put_u8(out, uint8_t(ObjectKind::Message));
    put_u64(out, record.number);
    put_u64(out, record.waiting_shards);
    append_head(out, record.parts);
    put_u32(out, record.taker_count);
}

void append_taker(Buffer& out, const TakerRecord& taker) {
    put_u32(out, taker.owner.value);
    const bool sent = taker.packet_id.value != 0;
    put_u8(out, uint8_t(uint8_t(taker.qos) | (taker.retain ? kTakerRetain : 0) |
                        (taker.group ? kTakerGroup : 0) | (sent ? kTakerSent : 0) |
                        (taker.loan ? kTakerLoan : 0)));
    if (sent) put_u16(out, taker.packet_id.value);
    const auto count = uint8_t(std::min<size_t>(taker.subscription_ids.size(), 255));
    put_u8(out, count);
    for (size_t i = 0; i < count; ++i) put_u32(out, taker.subscription_ids[i]);
    if (!taker.loan) return;
    put_u16(out, taker.loan->home.value);
    put_u32(out, taker.loan->group.value);
}

void append_retained(Buffer& out, const MessageParts& parts) {
    put_u8(out, uint8_t(ObjectKind::Retained));
    append_head(out, parts);
}

void append_object(Buffer& out, const GroupRecord& record) {
    put_u8(out, uint8_t(ObjectKind::Group));
    put_u16(out, record.realm.value);
    put_name(out, record.share);
    put_name(out, record.filter);
}

void append_crossing(Buffer& out, const std::vector<uint64_t>& newest) {
    put_u8(out, uint8_t(ObjectKind::Crossing));
    put_u16(out, uint16_t(newest.size()));
    for (const uint64_t stamp : newest) put_u64(out, stamp);
}

void append_object(Buffer& out, const ClockRecord& record) {
    put_u8(out, uint8_t(ObjectKind::Clock));
    put_instant(out, record.now);
    put_i64(out, record.wall.unix_ms);
    put_u64(out, record.stamp);
}

void append_note(Buffer& out, const Note& note) {
    put_u8(out, uint8_t(note.kind));
    switch (note.kind) {
        case Note::Kind::Sent:
            put_u32(out, note.taker);
            return put_u16(out, note.packet_id.value);
        case Note::Kind::Done:
            return put_u32(out, note.taker);
        case Note::Kind::Confirmed:
            return put_u16(out, note.shard.value);
        default:
            return put_u16(out, note.packet_id.value);
    }
}

std::string_view kind_name(ObjectKind kind) {
    constexpr std::string_view kNames[] = {"unknown",    "session",  "subscription",
                                           "membership", "message",  "retained",
                                           "group",      "crossing", "clock"};
    return kNames[size_t(kind)];
}

}  // namespace godwit::broker
