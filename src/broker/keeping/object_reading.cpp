#include "base/utf8.h"
#include "broker/keeping/object_flags.h"
#include "broker/keeping/object_format.h"
#include "topic/filter.h"

#include <algorithm>

namespace godwit::broker {

namespace {

// --- what values mean something ---

constexpr int64_t kWallMax = int64_t(1) << 43;        // milliseconds: some 280 years
constexpr uint32_t kSubscriptionIdMax = 268'435'455;  // MQTT 5.0 section 3.8.2.1.2

bool is_forwarded(mqtt::PropertyId id) {
    switch (id) {
        case mqtt::PropertyId::PayloadFormatIndicator:
        case mqtt::PropertyId::ContentType:
        case mqtt::PropertyId::ResponseTopic:
        case mqtt::PropertyId::CorrelationData:
        case mqtt::PropertyId::UserProperty:
            return true;
        default:
            return false;
    }
}

/// They go to clients as they are.
bool are_forwarded_properties(Bytes properties) {
    while (!properties.empty()) {
        const auto property = mqtt::take_property(properties);
        if (!property || !is_forwarded(property->id)) return false;
        const bool is_text = property->id != mqtt::PropertyId::CorrelationData;
        if (is_text && !is_mqtt_utf8(property->text)) return false;
        if (!is_mqtt_utf8(property->value)) return false;
    }
    return true;
}

bool are_packet_ids(std::vector<PacketId> ids) {
    std::sort(ids.begin(), ids.end());
    const bool twice = std::adjacent_find(ids.begin(), ids.end()) != ids.end();
    return !twice && (ids.empty() || ids.front().value != 0);
}

bool is_version(mqtt::Version version) {
    return version == mqtt::Version::V31 || version == mqtt::Version::V311 ||
           version == mqtt::Version::V5;
}

/// Reads until the first field that is not there or means nothing; then `ok` is false and every
/// value after it empty.
class Fields {
public:
    explicit Fields(Bytes bytes) : reader_(bytes) {}
    bool ok() const { return ok_; }
    Bytes rest() const { return reader_.rest(); }
    /// What was read means something.
    void expect(bool sound) { ok_ &= sound; }
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
    mqtt::Qos qos(uint8_t flags) {
        expect((flags & kQosMask) <= uint8_t(mqtt::Qos::ExactlyOnce));
        return mqtt::Qos(flags & kQosMask);
    }
    /// A deadline; kNever is one.
    Instant due() {
        const Instant at = instant();
        expect(at >= Instant{});
        return at;
    }
    std::string_view text() {
        const std::string_view text = name();
        expect(is_mqtt_utf8(text));
        return text;
    }
    std::string_view topic() {
        const std::string_view topic = name();
        expect(topic::check_name(topic).has_value());
        return topic;
    }
    std::string_view filter() {
        const std::string_view filter = name();
        expect(topic::parse_plain_filter(filter).has_value());
        return filter;
    }
    std::string_view share() {
        const std::string_view share = text();
        expect(!share.empty() && share.find_first_of("/+#") == std::string_view::npos);
        return share;
    }
    Bytes properties() {
        const Bytes properties = blob();
        expect(are_forwarded_properties(properties));
        return properties;
    }

private:
    template <class T>
    T take(std::optional<T> value) {
        ok_ &= value.has_value();
        return value.value_or(T{});
    }
    ByteReader reader_;
    bool ok_ = true;
};

WillRecord read_will(Fields& in) {
    WillRecord will;
    will.due = in.due();
    will.delay_s = in.u32();
    const uint8_t flags = in.u8();
    will.qos = in.qos(flags);
    will.retain = flags & kRetain;
    const uint32_t expiry_s = in.u32();
    if (flags & kHasExpiry) will.expiry_s = expiry_s;
    will.topic = in.topic();
    will.forwarded_properties = in.properties();
    will.payload = in.blob();
    return will;
}

mqtt::SubscriptionOptions read_options(Fields& in) {
    const uint8_t byte = in.u8();
    mqtt::SubscriptionOptions options;
    options.qos = in.qos(byte);
    options.no_local = byte & kNoLocal;
    options.retain_as_published = byte & kRetainAsPublished;
    options.retain_handling = mqtt::RetainHandling(byte >> kRetainHandlingShift);
    in.expect(options.retain_handling <= mqtt::RetainHandling::SendNever);
    return options;
}

MessageParts read_head(Fields& in) {
    MessageParts parts;
    parts.realm = {in.u16()};
    parts.origin = {in.u16()};
    parts.stamp = in.u64();
    parts.publisher = in.u64();
    parts.expires = in.due();
    const uint8_t flags = in.u8();
    parts.qos = in.qos(flags);
    parts.retain = flags & kRetain;
    parts.topic = in.topic();
    parts.forwarded_properties = in.properties();
    parts.payload = in.blob();
    if (!(flags & kHasSource)) return parts;
    parts.source = Source{in.text(), std::nullopt};
    if (const std::string_view username = in.text(); flags & kSourceHasUser)
        parts.source->username = username;
    return parts;
}

template <class T>
std::optional<T> if_whole(const Fields& in, T value) {
    if (!in.ok() || !in.rest().empty()) return std::nullopt;
    return value;
}

}  // namespace

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
    in.expect(is_version(record.version));
    const uint8_t flags = in.u8();
    record.ends_with_connection = flags & kEndsWithConnection;
    record.expiry_s = in.u32();
    record.expires = in.due();
    record.client_id = in.text();
    in.expect(!record.client_id.empty());
    const std::string_view username = in.text();
    if (flags & kHasUsername) record.username = username;
    if (flags & kHasWill) record.will = read_will(in);
    record.unreleased = in.ids();
    record.owed = in.ids();
    in.expect(are_packet_ids(record.unreleased) && are_packet_ids(record.owed));
    in.expect(std::is_sorted(record.unreleased.begin(), record.unreleased.end()));
    return if_whole(in, std::move(record));
}

std::optional<SubscriptionRecord> read_subscription(Bytes bytes) {
    Fields in(bytes);
    const auto kind = ObjectKind(in.u8());
    if (kind != ObjectKind::Subscription && kind != ObjectKind::Membership) return std::nullopt;
    SubscriptionRecord record;
    record.session = {in.u32()};
    record.subscription_id = in.u32();
    in.expect(record.subscription_id <= kSubscriptionIdMax);
    record.options = read_options(in);
    if (kind == ObjectKind::Membership) {
        record.membership = in.u32();
        in.expect(record.membership != 0);  // numbers begin at 1
        record.share = in.share();
    }
    record.filter = in.filter();
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
    taker.qos = in.qos(flags);
    taker.retain = flags & kTakerRetain;
    taker.group = flags & kTakerGroup;
    if (flags & kTakerSent) {
        taker.packet_id = {in.u16()};
        in.expect(taker.packet_id.value != 0 && taker.qos != mqtt::Qos::AtMostOnce);
    }
    for (uint8_t left = in.u8(); left > 0 && in.ok(); --left) {
        taker.subscription_ids.push_back(in.u32());
        const uint32_t id = taker.subscription_ids.back();
        in.expect(id != 0 && id <= kSubscriptionIdMax);
    }
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
    const MessageParts parts = read_head(in);
    in.expect(!parts.payload.empty());
    return if_whole(in, parts);
}

std::optional<GroupRecord> read_group(Bytes bytes) {
    Fields in(bytes);
    if (!in.kind(ObjectKind::Group)) return std::nullopt;
    GroupRecord record;
    record.realm = {in.u16()};
    record.share = in.share();
    record.filter = in.filter();
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
    in.expect(record.now >= Instant{});
    record.now = std::min(record.now, kClockMax);
    record.wall.unix_ms = int64_t(in.u64());
    in.expect(record.wall.unix_ms >= 0 && record.wall.unix_ms <= kWallMax);
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
            in.expect(note.packet_id.value != 0);
            break;
        case Note::Kind::Done:
            note.taker = in.u32();
            break;
        case Note::Kind::Confirmed:
            note.shard = {in.u16()};
            in.expect(note.shard.value < 64);
            break;
        case Note::Kind::Unreleased:
        case Note::Kind::Released:
        case Note::Kind::Owed:
        case Note::Kind::Completed:
            note.packet_id = {in.u16()};
            in.expect(note.packet_id.value != 0);
            break;
        default:
            return std::nullopt;
    }
    return if_whole(in, note);
}

}  // namespace godwit::broker
