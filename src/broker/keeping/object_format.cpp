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
/// Fields in a row, big-endian, into room that is there. This is written for every message: where
/// it is inlined, with all that it is handed to, its place is in a register.
class Fields {
public:
    Fields(uint8_t* at, size_t bytes) : at_(at), end_(at + bytes) {}
    /// Behind what `out` holds.
    Fields(Buffer& out, size_t bytes) : at_(nullptr), end_(nullptr) {
        out.resize(out.size() + bytes);
        end_ = out.data() + out.size();
        at_ = end_ - bytes;
    }
    Fields(const Fields&) = delete;
    Fields& operator=(const Fields&) = delete;
    ~Fields() { GW_ASSERT(at_ == end_); }

    template <class... Numbers>
    void put(Numbers... values) {
        GW_ASSERT((sizeof values + ...) <= size_t(end_ - at_));
        (put_unchecked(values), ...);
    }
    void put_name(std::string_view text) {
        GW_ASSERT(text.size() <= 0xffff);
        put(uint16_t(text.size()));
        put_raw(as_bytes(text));
    }
    void put_blob(Bytes bytes) {
        put(uint32_t(bytes.size()));
        put_raw(bytes);
    }

    void put_raw(Bytes bytes) {
        GW_ASSERT(bytes.size() <= size_t(end_ - at_));
        at_ = std::copy(bytes.begin(), bytes.end(), at_);
    }

private:
    template <class Number>
    void put_unchecked(Number value) {
        const uint64_t raw = __builtin_bswap64(uint64_t(value) << 8 * (8 - sizeof value));
        std::memcpy(at_, &raw, sizeof value);
        at_ += sizeof value;
    }

    uint8_t* at_;
    uint8_t* end_;
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

/// Of what put_head() writes.
size_t head_bytes(const MessageParts& parts) {
    constexpr size_t kNumbers = 2 + 2 + 8 + 8 + 8 + 1;
    constexpr size_t kLengths = 2 + 4 + 4;
    const size_t bytes = kNumbers + kLengths + parts.topic.size() +
                         parts.forwarded_properties.size() + parts.payload.size();
    if (!parts.source) return bytes;
    return bytes + 2 + parts.source->client_id.size() + 2 +
           parts.source->username.value_or("").size();
}

[[gnu::always_inline]] inline void put_head(Fields& out, const MessageParts& parts) {
    out.put(parts.realm.value, parts.origin.value, parts.stamp, parts.publisher,
            uint64_t(parts.expires.time_since_epoch().count()),
            uint8_t(uint8_t(parts.qos) | (parts.retain ? kRetain : 0) | source_flags(parts)));
    out.put_name(parts.topic);
    out.put_blob(parts.forwarded_properties);
    out.put_blob(parts.payload);
    if (!parts.source) return;
    out.put_name(parts.source->client_id);
    out.put_name(parts.source->username.value_or(""));
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

size_t object_bytes(const MessageRecord& record) {
    return 1 + 8 + 8 + head_bytes(record.parts) + 4 + record.takers.size();
}

void write_object(uint8_t* at, const MessageRecord& record) {
    Fields fields(at, object_bytes(record));
    fields.put(uint8_t(ObjectKind::Message), record.number, record.waiting_shards);
    put_head(fields, record.parts);
    fields.put(record.taker_count);
    fields.put_raw(record.takers);
}

void append_object(Buffer& out, const MessageRecord& record) {
    const size_t begin = out.size();
    out.resize(begin + object_bytes(record));
    write_object(out.data() + begin, record);
}

void append_taker(Buffer& out, const TakerRecord& taker) {
    const bool sent = taker.packet_id.value != 0;
    const auto count = uint8_t(std::min<size_t>(taker.subscription_ids.size(), 255));
    Fields fields(out, 4 + 1 + (sent ? 2 : 0) + 1 + size_t(count) * 4 + (taker.loan ? 2 + 4 : 0));
    fields.put(taker.owner.value);
    fields.put(uint8_t(uint8_t(taker.qos) | (taker.retain ? kTakerRetain : 0) |
                       (taker.group ? kTakerGroup : 0) | (sent ? kTakerSent : 0) |
                       (taker.loan ? kTakerLoan : 0)));
    if (sent) fields.put(taker.packet_id.value);
    fields.put(count);
    for (size_t i = 0; i < count; ++i) fields.put(taker.subscription_ids[i]);
    if (!taker.loan) return;
    fields.put(taker.loan->home.value);
    fields.put(taker.loan->group.value);
}

void append_retained(Buffer& out, const MessageParts& parts) {
    Fields fields(out, 1 + head_bytes(parts));
    fields.put(uint8_t(ObjectKind::Retained));
    put_head(fields, parts);
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
