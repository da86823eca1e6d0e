// Slowing: who sends faster than it may is not refused and loses nothing. Each whole packet takes
// its place in the lines of its client, its realm and its listener, one after the other; until it
// is its turn in each, the connection is not read. So whoever waits in a line has one packet in it,
// and comes behind the others with the next: they take turns, whatever shard they are on. Source:
// docs/limits.md, docs/adr/0023-rates.md
#pragma once

#include "broker/core.h"
#include "broker/session_report.h"
#include "mqtt/decoder.h"

namespace godwit::broker {

/// A packet of a client that is online is whole. To be asked only where core.rates.bounded.
/// @return  false: it is to stay at the front of what was not handled; it comes again when it is
///          its turn, and is not asked to wait once more by the same line
bool may_take(Core& core, Connection& c, const mqtt::Frame& frame);
/// It may be taken, and comes again all the same: it keeps its places.
void keep_places(Core& core, const Connection& c);

/// Its turn has come, if it still waits for it: the turns of the shard go on with it.
void on_rate_timer(Core& core, ConnectionId id);
/// Goes on with it, from one of these turns. That it was silent meanwhile was our doing.
void go_on(Core& core, Connection& c);
/// It ends. What its client owes is remembered, so that coming back does not help.
void leave_lines(Core& core, const Connection& c, const Session& session);

/// How many publishes this client may have under way: no more than a burst of any of its lines, so
/// that one who has as many keeps within it.
uint16_t bounded_receive_maximum(const Core& core, const Connection& c);
inline uint16_t receive_maximum(const Core& core, const Connection& c) {
    return core.rates.bounded ? bounded_receive_maximum(core, c) : core.limits.receive_maximum;
}
HeldBackReport held_back_report(const Core& core, const Session& session);

}  // namespace godwit::broker
