#include "broker/keeping/survey.h"

#include <algorithm>

namespace godwit::broker {

Survey::Row& Survey::row(ObjectId id) {
    if (id.value >= rows_.size()) rows_.resize(id.value + 1);
    return rows_[id.value];
}

void Survey::on_put(ObjectId id, Bytes bytes) {
    on_erase(id);  // what stood there before
    Row& at = row(id);
    ++at.puts;
    at.kind = enter(at, bytes);
}

ObjectKind Survey::enter(Row& row, Bytes bytes) {
    const ObjectKind kind = kind_of(bytes);
    switch (kind) {
        case ObjectKind::Session:
            return enter_session(row, bytes);
        case ObjectKind::Group:
            return enter_group(row, bytes);
        case ObjectKind::Message:
            return enter_message(row, bytes);
        case ObjectKind::Subscription:
        case ObjectKind::Membership:
            return kind;
        case ObjectKind::Retained:
            if (const auto parts = read_retained(bytes)) {
                see(parts->stamp);
                return kind;
            }
            break;
        case ObjectKind::Crossing:  // nothing crosses: what was taken last matters to nobody
            see_crossings(bytes);
            return ObjectKind::None;
        case ObjectKind::Clock:
            if (const auto clock = read_clock(bytes)) see(clock->stamp);
            return ObjectKind::None;
        case ObjectKind::None:
            break;
    }
    ++unreadable_;
    return ObjectKind::None;
}

ObjectKind Survey::enter_session(Row& row, Bytes bytes) {
    auto record = read_session(bytes);
    if (!record) return ++unreadable_, ObjectKind::None;
    const ShardId home = homes_.of_client(record->realm, record->client_id);
    row.index = owners_.add({home, {}, sum_up(std::move(*record))});
    return ObjectKind::Session;
}

ObjectKind Survey::enter_group(Row& row, Bytes bytes) {
    const auto record = read_group(bytes);
    if (!record) return ++unreadable_, ObjectKind::None;
    const GroupKey key{record->realm, std::string(record->share), std::string(record->filter)};
    row.index = owners_.add({homes_.of_group(key), {}, {}});
    return ObjectKind::Group;
}

ObjectKind Survey::enter_message(Row& row, Bytes bytes) {
    const auto record = read_message(bytes);
    auto owed = record ? sum_up(*record) : std::nullopt;
    if (!owed) return ++unreadable_, ObjectKind::None;
    see(record->parts.stamp);
    message_number_ = std::max(message_number_, record->number);
    row.index = messages_.add(std::move(*owed));
    return ObjectKind::Message;
}

void Survey::see_crossings(Bytes bytes) {
    const auto newest = read_crossing(bytes);
    if (!newest) return;
    for (const uint64_t stamp : *newest) see(stamp);
}

void Survey::on_note(ObjectId id, Bytes bytes) {
    const auto note = read_note(bytes);
    const Row& at = row(id);
    if (!note) return;
    if (at.kind == ObjectKind::Session) add(owners_[at.index].handshakes, *note);
    if (at.kind == ObjectKind::Message) add(messages_[at.index], *note);
}

void Survey::on_erase(ObjectId id) {
    Row& at = row(id);
    if (is_owner(at.kind)) owners_.drop(at.index);
    if (at.kind == ObjectKind::Message) messages_.drop(at.index);
    at.kind = ObjectKind::None;
}

ObjectKind Survey::take(ObjectId id) {
    Row& at = row(id);
    if (at.puts == 0) surprised_ = true;
    if (at.puts == 0 || --at.puts > 0) return ObjectKind::None;
    return at.kind;
}

const Survey::Owner* Survey::owner(ObjectId id, ObjectKind kind) {
    if (id.value >= rows_.size() || rows_[id.value].kind != kind) return nullptr;
    return &owners_[rows_[id.value].index];
}

uint64_t Survey::living() const {
    return uint64_t(std::count_if(rows_.begin(), rows_.end(), [](const Row& each) {
        return each.kind != ObjectKind::None && each.puts > 0;
    }));
}

}  // namespace godwit::broker
