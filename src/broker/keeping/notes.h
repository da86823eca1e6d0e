// What notes change in the objects they follow: the same for a broker that restarts and for tools.
#pragma once

#include "broker/keeping/object_format.h"

#include <algorithm>
#include <vector>

namespace godwit::broker {

/// The QoS 2 packet ids of a session, with one note more.
/// @param unreleased  sorted, and stays so
inline void note_session(std::vector<PacketId>& unreleased, std::vector<PacketId>& owed,
                         const Note& note) {
    switch (note.kind) {
        case Note::Kind::Unreleased: {
            const auto at = std::lower_bound(unreleased.begin(), unreleased.end(), note.packet_id);
            if (at == unreleased.end() || *at != note.packet_id)
                unreleased.insert(at, note.packet_id);
            return;
        }
        case Note::Kind::Released:
            std::erase(unreleased, note.packet_id);
            return;
        case Note::Kind::Owed:
            std::erase(owed, note.packet_id);  // a note may come twice
            return owed.push_back(note.packet_id);
        case Note::Kind::Completed:
            std::erase(owed, note.packet_id);
            return;
        default:
            return;
    }
}

/// The takers of a message, in the order of their places, with one note more.
/// @param Taker  has `taker`, its place, and `packet_id`
template <class Taker>
void note_message(std::vector<Taker>& takers, uint64_t& waiting_shards, const Note& note) {
    if (note.kind == Note::Kind::Confirmed) {
        waiting_shards &= ~(uint64_t(1) << note.shard.value);
        return;
    }
    const auto taker =
        std::lower_bound(takers.begin(), takers.end(), note.taker,
                         [](const Taker& each, uint32_t place) { return each.taker < place; });
    if (taker == takers.end() || taker->taker != note.taker) return;
    if (note.kind == Note::Kind::Done) takers.erase(taker);
    if (note.kind == Note::Kind::Sent) taker->packet_id = note.packet_id;
}

}  // namespace godwit::broker
