#include "broker/keeping/object_format.h"

#include "base/assert.h"

namespace godwit::broker {

namespace {

enum SessionFlag : uint8_t { kHasUsername = 1, kEndsWithConnection = 2, kHasWill = 4 };
enum MessageFlag : uint8_t { kQosMask = 3, kRetain = 4, kHasExpiry = 8 };
enum TakerFlag : uint8_t { kTakerRetain = 4, kTakerGroup = 8, kTakerSent = 16, kTakerLoan = 32 };
enum OptionFlag : uint8_t { kNoLocal = 4, kRetainAsPublished = 8, kRetainHandlingShift = 4 };

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

/// Reads until the first field that is not there; then `ok` is false and every value empty.
class Fields {
public:
    explicit Fields(Bytes bytes) : reader_(bytes) {}
    bool ok() const { return ok_; }
    Bytes rest() const { return reader_.rest(); }
    uint8_t u8() { return take(reader_.u8()); }
    uint16_t u16() { return take(reader_.u16()); }
    uint32_t u32() { return take(reader_.u32()); }
    uint64_t u64() {
        const uint64_t high = u32();
        return high << 32 | u32();
    }
    Instant instant() { return Instant(Duration(int64_t(u64()))); }
    Bytes bytes(size_t count) { return take(reader_.bytes(count)); }
    std::string_view name() { return as_text(bytes(u16())); }
    Bytes blob() { return bytes(u32()); }
    std::vector<PacketId> ids() {
        std::vector<PacketId> ids;
        for (uint16_t left = u16(); left > 0 && ok_; --left) ids.push_back({u16()});
        return ids;
    }
    bool kind(ObjectKind kind) { return ok_ &= ObjectKind(u8()) == kind; }

private:
    template <class T>
    T take(std::optional<T> value) {
        ok_ &= value.has_value();
        return value.value_or(T{});
    }
    ByteReader reader_;
    bool ok_ = true;
};

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

WillRecord read_will(Fields& in) {
    WillRecord will;
    will.due = in.instant();
    will.delay_s = in.u32();
    const uint8_t flags = in.u8();
    will.qos = mqtt::Qos(flags & kQosMask);
    will.retain = flags & kRetain;
    const uint32_t expiry_s = in.u32();
    if (flags & kHasExpiry) will.expiry_s = expiry_s;
    will.topic = in.name();
    will.forwarded_properties = in.blob();
    will.payload = in.blob();
    return will;
}

uint8_t options_byte(const mqtt::SubscriptionOptions& options) {
    return uint8_t(uint8_t(options.qos) | (options.no_local ? kNoLocal : 0) |
                   (options.retain_as_published ? kRetainAsPublished : 0) |
                   uint8_t(options.retain_handling) << kRetainHandlingShift);
}

mqtt::SubscriptionOptions read_options(uint8_t byte) {
    mqtt::SubscriptionOptions options;
    options.qos = mqtt::Qos(byte & kQosMask);
    options.no_local = byte & kNoLocal;
    options.retain_as_published = byte & kRetainAsPublished;
    options.retain_handling = mqtt::RetainHandling(byte >> kRetainHandlingShift & 3);
    return options;
}

void append_head(Buffer& out, const MessageParts& parts) {
    FixedFields fixed;
    fixed.put(parts.realm.value);
    fixed.put(parts.origin.value);
    fixed.put(parts.stamp);
    fixed.put(parts.publisher);
    fixed.put(uint64_t(parts.expires.time_since_epoch().count()));
    fixed.put(uint8_t(uint8_t(parts.qos) | (parts.retain ? kRetain : 0)));
    put_bytes(out, fixed.bytes());
    put_name(out, parts.topic);
    put_blob(out, parts.forwarded_properties);
    put_blob(out, parts.payload);
}

MessageParts read_head(Fields& in) {
    MessageParts parts;
    parts.realm = {in.u16()};
    parts.origin = {in.u16()};
    parts.stamp = in.u64();
    parts.publisher = in.u64();
    parts.expires = in.instant();
    const uint8_t flags = in.u8();
    parts.qos = mqtt::Qos(flags & kQosMask);
    parts.retain = flags & kRetain;
    parts.topic = in.name();
    parts.forwarded_properties = in.blob();
    parts.payload = in.blob();
    return parts;
}

template <class T>
std::optional<T> if_whole(const Fields& in, T value) {
    if (!in.ok() || !in.rest().empty()) return std::nullopt;
    return value;
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

ObjectKind kind_of(Bytes bytes) {
    const bool known = !bytes.empty() && bytes[0] <= uint8_t(ObjectKind::Clock);
    return known ? ObjectKind(bytes[0]) : ObjectKind::None;
}

std::optional<SessionRecord> read_session(Bytes bytes) {
    Fields in(bytes);
    if (!in.kind(ObjectKind::Session)) return std::nullopt;
    SessionRecord record;
    record.realm = {in.u16()};
    record.version = mqtt::Version(in.u8());
    const uint8_t flags = in.u8();
    record.ends_with_connection = flags & kEndsWithConnection;
    record.expiry_s = in.u32();
    record.expires = in.instant();
    record.client_id = in.name();
    const std::string_view username = in.name();
    if (flags & kHasUsername) record.username = username;
    if (flags & kHasWill) record.will = read_will(in);
    record.unreleased = in.ids();
    record.owed = in.ids();
    return if_whole(in, std::move(record));
}

std::optional<SubscriptionRecord> read_subscription(Bytes bytes) {
    Fields in(bytes);
    const auto kind = ObjectKind(in.u8());
    if (kind != ObjectKind::Subscription && kind != ObjectKind::Membership) return std::nullopt;
    SubscriptionRecord record;
    record.session = {in.u32()};
    record.subscription_id = in.u32();
    record.options = read_options(in.u8());
    if (kind == ObjectKind::Membership) {
        record.membership = in.u32();
        record.share = in.name();
    }
    record.filter = in.name();
    return if_whole(in, record);
}

std::optional<MessageRecord> read_message(Bytes bytes) {
    Fields in(bytes);
    if (!in.kind(ObjectKind::Message)) return std::nullopt;
    MessageRecord record;
    record.number = in.u64();
    record.waiting_shards = in.u64();
    record.parts = read_head(in);
    record.taker_count = in.u32();
    record.takers = in.rest();
    if (!in.ok()) return std::nullopt;
    return record;
}

std::optional<TakerRecord> read_taker(Bytes& takers) {
    Fields in(takers);
    TakerRecord taker;
    taker.owner = {in.u32()};
    const uint8_t flags = in.u8();
    taker.qos = mqtt::Qos(flags & kQosMask);
    taker.retain = flags & kTakerRetain;
    taker.group = flags & kTakerGroup;
    if (flags & kTakerSent) taker.packet_id = {in.u16()};
    for (uint8_t left = in.u8(); left > 0 && in.ok(); --left)
        taker.subscription_ids.push_back(in.u32());
    if (flags & kTakerLoan) {
        GroupLoan loan;
        loan.home = {in.u16()};
        loan.group = {in.u32()};
        taker.loan = loan;
    }
    if (!in.ok()) return std::nullopt;
    takers = in.rest();
    return taker;
}

std::optional<MessageParts> read_retained(Bytes bytes) {
    Fields in(bytes);
    if (!in.kind(ObjectKind::Retained)) return std::nullopt;
    return if_whole(in, read_head(in));
}

std::optional<GroupRecord> read_group(Bytes bytes) {
    Fields in(bytes);
    if (!in.kind(ObjectKind::Group)) return std::nullopt;
    GroupRecord record;
    record.realm = {in.u16()};
    record.share = in.name();
    record.filter = in.name();
    return if_whole(in, record);
}

std::optional<std::vector<uint64_t>> read_crossing(Bytes bytes) {
    Fields in(bytes);
    if (!in.kind(ObjectKind::Crossing)) return std::nullopt;
    std::vector<uint64_t> newest;
    for (uint16_t left = in.u16(); left > 0 && in.ok(); --left) newest.push_back(in.u64());
    return if_whole(in, std::move(newest));
}

std::optional<ClockRecord> read_clock(Bytes bytes) {
    Fields in(bytes);
    if (!in.kind(ObjectKind::Clock)) return std::nullopt;
    ClockRecord record;
    record.now = in.instant();
    record.wall.unix_ms = int64_t(in.u64());
    record.stamp = in.u64();
    return if_whole(in, record);
}

std::optional<Note> read_note(Bytes bytes) {
    Fields in(bytes);
    Note note{.kind = Note::Kind(in.u8())};
    switch (note.kind) {
        case Note::Kind::Sent:
            note.taker = in.u32();
            note.packet_id = {in.u16()};
            break;
        case Note::Kind::Done:
            note.taker = in.u32();
            break;
        case Note::Kind::Confirmed:
            note.shard = {in.u16()};
            break;
        case Note::Kind::Unreleased:
        case Note::Kind::Released:
        case Note::Kind::Owed:
        case Note::Kind::Completed:
            note.packet_id = {in.u16()};
            break;
        default:
            return std::nullopt;
    }
    return if_whole(in, note);
}

}  // namespace godwit::broker
