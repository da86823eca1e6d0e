#include "broker/keeping/summing.h"

#include "broker/keeping/ledger.h"

#include <algorithm>
#include <utility>

namespace godwit::broker {

namespace {

void insert_sorted(std::vector<PacketId>& ids, PacketId id) {
    const auto at = std::lower_bound(ids.begin(), ids.end(), id);
    if (at == ids.end() || *at != id) ids.insert(at, id);
}

}  // namespace

std::optional<OwedMessage> sum_up(const MessageRecord& record) {
    if (record.taker_count > Ledger::kTakersMax) return std::nullopt;
    OwedMessage message{record.number, record.waiting_shards, {}};
    Bytes takers = record.takers;
    for (uint32_t i = 0; i < record.taker_count; ++i) {
        const auto taker = read_taker(takers);
        if (!taker) return std::nullopt;
        if (taker->owner.value != 0)
            message.takers.push_back({taker->owner, i, taker->packet_id, taker->qos, taker->group,
                                      taker->retain, taker->loan});
    }
    return message;
}

void add(OwedMessage& message, const Note& note) {
    if (note.kind == Note::Kind::Confirmed) {
        message.waiting_shards &= ~(uint64_t(1) << note.shard.value);
        return;
    }
    const auto taker =
        std::lower_bound(message.takers.begin(), message.takers.end(), note.taker,
                         [](const OwedTaker& each, uint32_t place) { return each.taker < place; });
    if (taker == message.takers.end() || taker->taker != note.taker) return;
    if (note.kind == Note::Kind::Done) message.takers.erase(taker);
    if (note.kind == Note::Kind::Sent) taker->packet_id = note.packet_id;
}

OpenHandshakes sum_up(SessionRecord record) {
    return {std::move(record.unreleased), std::move(record.owed)};
}

void add(OpenHandshakes& session, const Note& note) {
    switch (note.kind) {
        case Note::Kind::Unreleased:
            return insert_sorted(session.unreleased, note.packet_id);
        case Note::Kind::Released:
            std::erase(session.unreleased, note.packet_id);
            return;
        case Note::Kind::Owed:
            std::erase(session.owed, note.packet_id);  // a note may come twice
            return session.owed.push_back(note.packet_id);
        case Note::Kind::Completed:
            std::erase(session.owed, note.packet_id);
            return;
        default:
            return;
    }
}

}  // namespace godwit::broker
