#include "broker/keeping/stored_shard.h"

#include "broker/keeping/summing.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace godwit::broker {

namespace {

constexpr std::string_view kUnreadable = "not of this release's format";
constexpr std::string_view kNoShard = "of a shard that is not there";
constexpr std::string_view kSecond = "a second one";

bool is_for_session(Note::Kind kind) {
    return kind == Note::Kind::Unreleased || kind == Note::Kind::Released ||
           kind == Note::Kind::Owed || kind == Note::Kind::Completed;
}

}  // namespace

Result<StoredShard, DiskError> StoredShard::read(Directory& directory, std::string_view folder,
                                                 ShardId shard, uint16_t shard_count) {
    Notes notes;
    auto snapshot = store::Snapshot::take(directory, folder, notes);
    if (!snapshot) return Err{snapshot.error()};
    StoredShard out(std::move(*snapshot), std::move(notes), shard, shard_count);
    for (uint32_t id = 1; id < out.snapshot_.end(); ++id)
        if (out.snapshot_.holds({id})) out.take_object({id});
    out.check_subscriptions();
    out.check_takers();
    out.sort_owed();
    out.names_.clear();
    return out;
}

StoredShard::StoredShard(store::Snapshot snapshot, Notes notes, ShardId shard, uint16_t shard_count)
    : snapshot_(std::move(snapshot)),
      notes_(std::move(notes)),
      shard_(shard),
      shard_count_(shard_count),
      kinds_(snapshot_.end()) {}

std::span<const std::optional<Note>> StoredShard::Notes::of(ObjectId id) const {
    const auto at = all.find(id.value);
    if (at == all.end()) return {};
    return at->second;
}

// --- taking in ---

void StoredShard::fault(ObjectId id, ObjectKind kind, std::string_view what) {
    if (++counts_.faults > kFaultsNamed) return;
    faults_.push_back(fmt::format("object {} ({}) at {}: {}", id.value, kind_name(kind),
                                  snapshot_.place(id), what));
}

bool StoredShard::is_new(ObjectKind kind, uint32_t owner, std::string_view share,
                         std::string_view name) {
    return names_.insert(fmt::format("{} {} {} {}", int(kind), owner, share, name)).second;
}

void StoredShard::take_object(ObjectId id) {
    const auto bytes = snapshot_.read(id);
    if (!bytes) return fault(id, ObjectKind::None, bytes.error().what);
    const ObjectKind kind = kind_of(*bytes);
    const auto why = [&]() -> std::string_view {
        switch (kind) {
            case ObjectKind::None:
                return kUnreadable;
            case ObjectKind::Session:
                return take_session(id, *bytes);
            case ObjectKind::Subscription:
            case ObjectKind::Membership:
                return take_subscription(id, *bytes);
            case ObjectKind::Message:
                return take_message(id, *bytes);
            case ObjectKind::Retained:
                return take_retained(id, *bytes);
            case ObjectKind::Group:
                return take_group(id, *bytes);
            case ObjectKind::Crossing:
                return take_crossing(*bytes);
            case ObjectKind::Clock:
                return take_clock(*bytes);
        }
        return kUnreadable;
    }();
    if (!why.empty()) return fault(id, kind, why);
    kinds_[id.value] = kind;
    ++counts_.objects[size_t(kind)];
}

std::string_view StoredShard::take_session(ObjectId id, Bytes bytes) {
    const auto record = read_session(bytes);
    if (!record) return kUnreadable;
    if (!is_new(ObjectKind::Session, record->realm.value, {}, record->client_id))
        return "a second session of one client";
    check_notes(id, ObjectKind::Session, 0);
    return {};
}

std::string_view StoredShard::take_subscription(ObjectId id, Bytes bytes) {
    const auto record = read_subscription(bytes);
    if (!record) return kUnreadable;
    if (!is_new(ObjectKind::Subscription, record->session.value, record->share, record->filter))
        return "a second one of its session";
    subscriptions_.push_back({record->session, id});
    check_notes(id, kind_of(bytes), 0);
    return {};
}

std::string_view StoredShard::take_group(ObjectId id, Bytes bytes) {
    const auto record = read_group(bytes);
    if (!record) return kUnreadable;
    if (!is_new(ObjectKind::Group, record->realm.value, record->share, record->filter))
        return kSecond;
    check_notes(id, ObjectKind::Group, 0);
    return {};
}

std::string_view StoredShard::take_retained(ObjectId id, Bytes bytes) {
    const auto parts = read_retained(bytes);
    if (!parts) return kUnreadable;
    if (!is_new(ObjectKind::Retained, parts->realm.value, {}, parts->topic))
        return "a second value of its topic";
    check_notes(id, ObjectKind::Retained, 0);
    return {};
}

std::string_view StoredShard::take_crossing(Bytes bytes) {
    if (!read_crossing(bytes)) return kUnreadable;
    return is_new(ObjectKind::Crossing, 0, {}, {}) ? std::string_view() : kSecond;
}

std::string_view StoredShard::take_clock(Bytes bytes) {
    const auto clock = read_clock(bytes);
    if (!clock) return kUnreadable;
    if (clock_) return kSecond;
    clock_ = clock;
    return {};
}

bool StoredShard::knows_shards_of(const OwedMessage& message) const {
    uint64_t unknown = message.waiting_shards;
    for (uint16_t i = 0; i < shard_count_; ++i)
        if (i != shard_.value) unknown &= ~(uint64_t(1) << i);
    return unknown == 0 && std::ranges::all_of(message.takers, [&](const OwedTaker& each) {
               return !each.loan || knows(each.loan->home);
           });
}

std::string_view StoredShard::take_message(ObjectId id, Bytes bytes) {
    const auto record = read_message(bytes);
    auto message = record ? sum_up(*record) : std::nullopt;
    if (!message) return kUnreadable;
    for (const auto& note : notes_.of(id))
        if (note) add(*message, *note);
    if (!knows_shards_of(*message)) return kNoShard;
    if (message->waiting_shards != 0) crossings_.insert(id.value);
    const auto head_bytes = uint32_t(bytes.size() - record->takers.size());
    for (const OwedTaker& each : message->takers) {
        StoredTaker& taker = takers_.emplace_back();
        taker.owner = each.owner;
        taker.message = id;
        taker.number = message->number;
        taker.head_bytes = head_bytes;
        taker.packet_id = each.packet_id;
        taker.qos = each.qos;
        taker.retain = each.retain;
        taker.is_group = each.group;
    }
    check_notes(id, ObjectKind::Message, record->taker_count);
    return {};
}

// --- what belongs together ---

void StoredShard::check_notes(ObjectId id, ObjectKind kind, uint32_t taker_count) {
    for (const auto& note : notes_.of(id)) {
        if (!note) return fault(id, kind, "a note to it is not of this release's format");
        const auto wanted = is_for_session(note->kind) ? ObjectKind::Session : ObjectKind::Message;
        if (kind != wanted) return fault(id, kind, "a note to it is for another kind of object");
        if (kind == ObjectKind::Session) continue;
        const bool known =
            note->kind == Note::Kind::Confirmed ? knows(note->shard) : note->taker < taker_count;
        if (!known) return fault(id, kind, "a note to it speaks of who does not take it");
    }
}

void StoredShard::check_subscriptions() {
    std::erase_if(subscriptions_, [&](const StoredSubscription& each) {
        if (kind(each.session) == ObjectKind::Session) return false;
        fault(each.id, kind(each.id), "its session is gone");
        --counts_.objects[size_t(kind(each.id))];
        kinds_[each.id.value] = ObjectKind::None;
        return true;
    });
}

void StoredShard::check_takers() {
    std::vector<bool> is_owed(kinds_.size());
    for (const uint32_t id : crossings_) is_owed[id] = true;
    std::erase_if(takers_, [&](const StoredTaker& each) {
        const auto wanted = each.is_group ? ObjectKind::Group : ObjectKind::Session;
        if (kind(each.owner) == wanted) {
            is_owed[each.message.value] = true;
            return false;
        }
        fault(each.message, ObjectKind::Message,
              fmt::format("owed to {} {}, which is gone", kind_name(wanted), each.owner.value));
        return true;
    });
    for (uint32_t id = 1; id < kinds_.size(); ++id)
        if (kinds_[id] == ObjectKind::Message && !is_owed[id])
            fault({id}, ObjectKind::Message, "nobody takes it");
}

void StoredShard::sort_owed() {
    for (const StoredTaker& each : takers_) {
        if (each.is_group)
            ++counts_.group_messages;
        else
            ++(each.packet_id.value != 0 ? counts_.inflight : counts_.queued);
    }
    counts_.crossings = crossings_.size();
    const auto order = [](const StoredTaker& each) {
        return std::tuple(each.owner, each.packet_id.value == 0, each.number, each.message);
    };
    std::sort(takers_.begin(), takers_.end(),
              [&](const StoredTaker& a, const StoredTaker& b) { return order(a) < order(b); });
    std::sort(subscriptions_.begin(), subscriptions_.end(),
              [](const StoredSubscription& a, const StoredSubscription& b) {
                  return std::tuple(a.session, a.id) < std::tuple(b.session, b.id);
              });
}

// --- looking ---

std::vector<ObjectId> StoredShard::all(ObjectKind kind) const {
    std::vector<ObjectId> out;
    for (uint32_t id = 1; id < kinds_.size(); ++id)
        if (kinds_[id] == kind) out.push_back({id});
    return out;
}

std::span<const StoredTaker> StoredShard::owed_to(ObjectId owner) const {
    const auto begin = std::lower_bound(
        takers_.begin(), takers_.end(), owner,
        [](const StoredTaker& each, ObjectId wanted) { return each.owner < wanted; });
    const auto end = std::upper_bound(
        begin, takers_.end(), owner,
        [](ObjectId wanted, const StoredTaker& each) { return wanted < each.owner; });
    return {begin, end};
}

std::span<const StoredSubscription> StoredShard::subscriptions_of(ObjectId session) const {
    const auto begin = std::lower_bound(
        subscriptions_.begin(), subscriptions_.end(), session,
        [](const StoredSubscription& each, ObjectId wanted) { return each.session < wanted; });
    const auto end = std::upper_bound(
        begin, subscriptions_.end(), session,
        [](ObjectId wanted, const StoredSubscription& each) { return wanted < each.session; });
    return {begin, end};
}

std::optional<SessionRecord> StoredShard::session(ObjectId id) {
    const auto bytes = snapshot_.read(id);
    auto record = bytes ? read_session(*bytes) : std::nullopt;
    if (!record) return std::nullopt;
    OpenHandshakes open{std::move(record->unreleased), std::move(record->owed)};
    for (const auto& note : notes_.of(id))
        if (note) add(open, *note);
    record->unreleased = std::move(open.unreleased);
    record->owed = std::move(open.owed);
    return record;
}

std::optional<SubscriptionRecord> StoredShard::subscription(ObjectId id) {
    const auto bytes = snapshot_.read(id);
    return bytes ? read_subscription(*bytes) : std::nullopt;
}

std::optional<GroupRecord> StoredShard::group(ObjectId id) {
    const auto bytes = snapshot_.read(id);
    return bytes ? read_group(*bytes) : std::nullopt;
}

std::optional<MessageParts> StoredShard::retained(ObjectId id) {
    const auto bytes = snapshot_.read(id);
    return bytes ? read_retained(*bytes) : std::nullopt;
}

std::optional<MessageParts> StoredShard::message(const StoredTaker& taker) {
    const auto bytes = snapshot_.read(taker.message, taker.head_bytes);
    const auto record = bytes ? read_message(*bytes) : std::nullopt;
    if (!record) return std::nullopt;
    return record->parts;
}

}  // namespace godwit::broker
