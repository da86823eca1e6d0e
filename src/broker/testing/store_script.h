// StoreScript: a store out of any bytes, for fuzzers: objects and notes that no broker would write,
// in groups that are whole. What looks at them meets hostile bytes behind sound checksums.
//
//   script = op*       op: u8, of which the low 3 bits say what, and the high bits the object's id
//   - 1
//     0 bytes          put what the script says, as it is
//     1 u8 bytes       put a sound object, made from the bytes; the u8 says which kind. One of its
//                      bytes is changed if the u8's high bit is set: u8 where, u8 how
//     2 bytes          note, as it is
//     3 u8 u8 u8       a sound note
//     4                erase
//     5                end of the group
//     6, 7             nothing
//   bytes = u8 length, then so many
#pragma once

#include "broker/keeping/object_format.h"
#include "store/log.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::broker::testing {

class StoreScript {
public:
    StoreScript(Bytes script, store::Log& log) : in_(script), log_(log) {}

    /// Writes all of it to the log, which commits it when it is worked for.
    void run() {
        while (const auto op = in_.u8()) step(*op & 7, {uint32_t(*op >> 3) + 1});
        log_.commit();
    }

private:
    void step(uint8_t op, ObjectId id) {
        if (op == 0) return log_.put(id, bytes());
        if (op == 1) return put_sound(id);
        if (op == 5) return void(log_.commit());
        if (op > 5 || !log_.holds(id)) return;
        if (op == 2) return log_.note(id, bytes());
        if (op == 4) return log_.erase(id);
        Buffer out;
        append_note(out, sound_note());
        log_.note(id, out);
    }

    uint8_t u8() { return in_.u8().value_or(0); }
    Bytes bytes() {
        const size_t wanted = u8();
        return *in_.bytes(std::min(wanted, in_.remaining()));
    }
    ObjectId object() { return {u8() % 32u + 1}; }
    mqtt::Qos qos() { return mqtt::Qos(u8() % 3); }
    bool flag() { return (u8() & 1) != 0; }
    Instant moment() { return u8() % 4 == 0 ? kNever : Instant(std::chrono::seconds(u8() * 60)); }
    std::string_view one_of(std::array<std::string_view, 4> words) { return words[u8() % 4]; }
    std::string_view topic() { return one_of({"a", "a/b", "$SYS/x", "long/er/topic"}); }
    std::string_view filter() { return one_of({"a", "+/b", "#", "long/#"}); }
    std::string_view share() { return one_of({"g", "h", "group", "x"}); }
    std::string_view client() { return one_of({"one", "two", "three", "four"}); }
    PacketId packet_id() { return {uint16_t(u8() % 4 + 1)}; }

    Note sound_note() {
        constexpr std::array kKinds = {
            Note::Kind::Sent,     Note::Kind::Done, Note::Kind::Confirmed, Note::Kind::Unreleased,
            Note::Kind::Released, Note::Kind::Owed, Note::Kind::Completed};
        Note note{.kind = kKinds[u8() % kKinds.size()]};
        note.taker = u8() % 4;
        note.shard = {uint16_t(note.taker)};
        note.packet_id = packet_id();
        return note;
    }

    void put_sound(ObjectId id) {
        const uint8_t which = u8();
        Buffer out;
        append_sound(out, ObjectKind(which % 8 + 1));
        if ((which & 0x80) != 0) {
            const size_t at = u8() % out.size();
            out[at] = uint8_t(out[at] ^ u8());
        }
        log_.put(id, out);
    }

    void append_sound(Buffer& out, ObjectKind kind) {
        switch (kind) {
            case ObjectKind::Session:
                return append_object(out, session());
            case ObjectKind::Subscription:
            case ObjectKind::Membership:
                return append_object(out, subscription(kind == ObjectKind::Membership));
            case ObjectKind::Message:
                return append_message(out);
            case ObjectKind::Retained:
                return append_retained(out, parts());
            case ObjectKind::Group:
                return append_object(out, GroupRecord{{}, share(), filter()});
            case ObjectKind::Crossing:
                return append_crossing(out, {u8(), u8()});
            default:
                return append_object(out, ClockRecord{Instant(std::chrono::seconds(u8() * 60)),
                                                      {int64_t(u8()) * 60'000},
                                                      u8()});
        }
    }

    SessionRecord session() {
        SessionRecord record{.ends_with_connection = flag(),
                             .expiry_s = u8(),
                             .expires = moment(),
                             .client_id = client(),
                             .username = {},
                             .will = {}};
        if (flag()) record.username = "user";
        if (flag())
            record.will = WillRecord{.due = moment(),
                                     .delay_s = u8(),
                                     .qos = qos(),
                                     .retain = flag(),
                                     .expiry_s = u8(),
                                     .topic = topic(),
                                     .forwarded_properties = {},
                                     .payload = bytes()};
        if (flag()) record.unreleased = {{1}, {3}};
        if (flag()) record.owed = {packet_id()};
        return record;
    }

    SubscriptionRecord subscription(bool shared) {
        return {.session = object(),
                .subscription_id = u8(),
                .options = {.qos = qos(), .no_local = !shared && flag()},
                .membership = 1u + u8(),
                .share = shared ? share() : std::string_view(),
                .filter = filter()};
    }

    MessageParts parts() {
        MessageParts parts{.topic = topic(),
                           .forwarded_properties = {},
                           .payload = as_bytes("payload"),
                           .qos = qos(),
                           .retain = flag(),
                           .expires = moment(),
                           .publisher = u8(),
                           .stamp = u8(),
                           .origin = {uint16_t(u8() % 2)}};
        if (flag()) parts.forwarded_properties = bytes();
        if (flag()) parts.source = Source{client(), flag() ? std::optional("user") : std::nullopt};
        return parts;
    }

    void append_message(Buffer& out) {
        const uint32_t takers = u8() % 4;
        append_object(out, MessageRecord{.number = u8(),
                                         .waiting_shards = u8() & 3u,
                                         .parts = parts(),
                                         .taker_count = takers,
                                         .takers = {}});
        for (uint32_t i = 0; i < takers; ++i) {
            TakerRecord taker{.owner = object(), .group = flag(), .retain = flag(), .qos = qos()};
            if (flag() && taker.qos != mqtt::Qos::AtMostOnce) taker.packet_id = packet_id();
            if (flag()) taker.subscription_ids = {u8(), u8()};
            if (flag()) taker.loan = GroupLoan{{uint16_t(u8() % 2)}, object()};
            append_taker(out, taker);
        }
    }

    ByteReader in_;
    store::Log& log_;
};

/// The log of a shard in `folder`, as the script says, on disk.
inline void write_script(Directory& directory, const std::string& folder, Bytes script) {
    struct Nobody : store::Replay {
        void on_put(ObjectId, Bytes) override {}
        void on_note(ObjectId, Bytes) override {}
        void on_erase(ObjectId) override {}
    } nobody;
    const store::Options options{.segment_bytes = store::Options::kSegmentBytesMin};
    auto opened = store::Log::open(directory, folder, options, nobody);
    GW_ASSERT(opened.has_value());
    StoreScript(script, opened->log).run();
    while (auto work = opened->log.work(Instant{}))
        opened->log.done(store::perform(std::move(*work), directory, folder), Instant{});
}

/// Changes bytes of the first segment of `folder`: damage = (u16 offset, u8 how)*
inline void damage_segment(Directory& directory, const std::string& folder, Bytes damage) {
    const auto file = directory.open(folder + "/segment-00000001");
    if (!file) return;
    ByteReader in(damage);
    while (const auto offset = in.u16()) {
        uint8_t byte = 0;
        const auto got = (*file)->read_at(*offset, {&byte, 1});
        if (!got || *got != 1) continue;
        byte = uint8_t(byte ^ in.u8().value_or(1));
        const bool written = (*file)->write_at(*offset, {&byte, 1}).has_value();
        GW_ASSERT(written);
    }
}

/// Of the first shards of a broker, by id.
inline std::vector<std::string> shard_folders(uint16_t shards) {
    std::vector<std::string> names;
    for (uint16_t i = 0; i < shards; ++i) names.push_back("shard-" + std::to_string(i));
    return names;
}

/// A whole data directory: u8 shards (1 or 2), u8 how much damage to each, the damage, the scripts.
/// @return  the folders of the shards
inline std::vector<std::string> write_damaged(Directory& directory, Bytes input) {
    ByteReader in(input);
    const auto shards = uint16_t(1 + in.u8().value_or(0) % 2);
    const size_t damage_bytes = in.u8().value_or(0) % 16 * 3;
    const auto damage = *in.bytes(std::min(damage_bytes * shards, in.remaining()));
    const size_t half = in.remaining() / shards;
    const std::vector<std::string> folders = shard_folders(shards);
    for (uint16_t i = 0; i < shards; ++i) {
        write_script(directory, folders[i], in.rest().subspan(i * half, half));
        const size_t begin = std::min(i * damage_bytes, damage.size());
        damage_segment(directory, folders[i],
                       damage.subspan(begin, std::min(damage_bytes, damage.size() - begin)));
    }
    return folders;
}

}  // namespace godwit::broker::testing
