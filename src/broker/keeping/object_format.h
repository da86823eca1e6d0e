// What a shard keeps on disk: its objects and the notes to them, as bytes of the log. All numbers
// big-endian; text and bytes with a length before them (u16 for names, u32 for payloads).
//
//   object      = kind:u8 body
//   session     = realm:u16 version:u8 flags:u8 expiry_s:u32 expires:i64 client_id username
//                 [will] unreleased:u16 pid* owed:u16 pid*
//   will        = due:i64 delay_s:u32 flags:u8 expiry_s:u32 topic properties payload
//   subscription= session:u32 subscription_id:u32 options:u8 filter
//   membership  = session:u32 subscription_id:u32 options:u8 number:u32 share filter
//   message     = number:u64 waiting_shards:u64 head count:u32 taker*
//   head        = realm:u16 origin:u16 stamp:u64 publisher:u64 expires:i64 flags:u8 topic
//                 properties payload [client_id username]
//   taker       = owner:u32 flags:u8 [pid:u16] count:u8 subscription_id:u32* [home:u16 group:u32]
//   retained    = head
//   group       = realm:u16 share filter
//   crossing    = count:u16 stamp:u64*             newest QoS 2 publish taken, by origin shard
//   clock       = now:i64 wall_ms:i64 stamp:u64
//
//   note of a message = 'S' taker:u32 pid:u16  | 'D' taker:u32  | 'C' shard:u16
//   note of a session = 'U' pid  | 'R' pid  | 'O' pid  | 'P' pid
//
// Instants are the broker's own clock, which goes on across restarts (see Clock below).
// Source: MQTT 5.0 section 4.1; DESIGN.md, "an acknowledgement is a fact".
#pragma once

#include "base/bytes.h"
#include "base/ids.h"
#include "base/instant.h"
#include "broker/envelope.h"
#include "mqtt/packets.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::broker {

enum class ObjectKind : uint8_t {
    None = 0,
    Session = 1,
    Subscription = 2,
    Membership = 3,
    Message = 4,
    Retained = 5,
    Group = 6,
    Crossing = 7,
    Clock = 8,
};
/// For people: "session".
std::string_view kind_name(ObjectKind kind);

struct WillRecord {
    Instant due = kNever;  // kNever: its connection lives
    uint32_t delay_s = 0;
    mqtt::Qos qos = mqtt::Qos::AtMostOnce;
    bool retain = false;
    std::optional<uint32_t> expiry_s;
    std::string_view topic;
    Bytes forwarded_properties;
    Bytes payload;
};

struct SessionRecord {
    RealmId realm;
    mqtt::Version version = mqtt::Version::V5;
    bool ends_with_connection = false;
    uint32_t expiry_s = 0;
    Instant expires = kNever;  // kNever: online
    std::string_view client_id;
    std::optional<std::string_view> username;
    std::optional<WillRecord> will;
    std::vector<PacketId> unreleased;  // QoS 2 in: PUBREL has not come
    std::vector<PacketId> owed;        // QoS 2 out: PUBCOMP has not come; in the order of sending
};

/// A plain subscription, or a membership in a shared group (then share is not empty).
struct SubscriptionRecord {
    ObjectId session;
    uint32_t subscription_id = 0;
    mqtt::SubscriptionOptions options;
    uint32_t membership = 0;
    std::string_view share;
    std::string_view filter;
};

/// Where a message that a group lent comes from.
struct GroupLoan {
    ShardId home;
    ObjectId group;
};

/// Who takes a message: a session, or a shared group.
struct TakerRecord {
    ObjectId owner;
    bool group = false;
    bool retain = false;
    mqtt::Qos qos = mqtt::Qos::AtMostOnce;
    PacketId packet_id;  // 0: not sent
    std::vector<uint32_t> subscription_ids;
    std::optional<GroupLoan> loan;
};

struct MessageRecord {
    uint64_t number = 0;          // order of arrival at this shard
    uint64_t waiting_shards = 0;  // bit i: shard i has not confirmed it
    MessageParts parts;           // views
    uint32_t taker_count = 0;
    Bytes takers;  // append_taker() makes them, read_taker() takes them apart
};

struct GroupRecord {
    RealmId realm;
    std::string_view share;
    std::string_view filter;
};

/// The broker's clock at some moment, and the world's. After a restart the broker's goes on from
/// here by as much as the world's has.
struct ClockRecord {
    Instant now;
    WallTime wall;
    uint64_t stamp = 0;
};

struct Note {
    enum class Kind : uint8_t {
        Sent = 'S',        // message: to taker, with packet_id
        Done = 'D',        // message: taker is through with it
        Confirmed = 'C',   // message: `shard` has it
        Unreleased = 'U',  // session: QoS 2 PUBLISH came
        Released = 'R',    // session: its PUBREL came
        Owed = 'O',        // session: PUBREC came, PUBREL is owed until
        Completed = 'P',   // session: PUBCOMP came
    };
    Kind kind = Kind::Done;
    uint32_t taker = 0;
    ShardId shard;
    PacketId packet_id;
};

// --- writing: appends ---

void append_object(Buffer& out, const SessionRecord& record);
void append_object(Buffer& out, const SubscriptionRecord& record);
void append_object(Buffer& out, const MessageRecord& record);
void append_taker(Buffer& out, const TakerRecord& taker);
void append_retained(Buffer& out, const MessageParts& parts);
void append_object(Buffer& out, const GroupRecord& record);
void append_crossing(Buffer& out, const std::vector<uint64_t>& newest);
void append_object(Buffer& out, const ClockRecord& record);
void append_note(Buffer& out, const Note& note);

/// The same as append_object(), in place. @param at  room for object_bytes(record)
void write_object(uint8_t* at, const MessageRecord& record);
size_t object_bytes(const MessageRecord& record);

// --- reading: views into `bytes`; nullopt if it is none of that kind, cut off, or has a value that
// means nothing: a QoS of 3, a topic that is none, a moment that no broker lives to see. What
// depends on the broker (realms, shards) or on other objects is for the reader to check ---

/// The broker's clock starts below, 146 years: behind it there is room for any expiry.
inline constexpr Instant kClockMax{Duration(int64_t(1) << 62)};

ObjectKind kind_of(Bytes bytes);
std::optional<SessionRecord> read_session(Bytes bytes);
std::optional<SubscriptionRecord> read_subscription(Bytes bytes);
std::optional<MessageRecord> read_message(Bytes bytes);
/// Takes the first taker off `takers`.
std::optional<TakerRecord> read_taker(Bytes& takers);
std::optional<MessageParts> read_retained(Bytes bytes);
std::optional<GroupRecord> read_group(Bytes bytes);
std::optional<std::vector<uint64_t>> read_crossing(Bytes bytes);
std::optional<ClockRecord> read_clock(Bytes bytes);
std::optional<Note> read_note(Bytes bytes);

}  // namespace godwit::broker
