// Reading: bytes of one connection to packets, and each packet to its walk. Bytes may be cut
// anywhere. What a turn takes is counted as work: one for each packet and one for each delivery. A
// connection gets a share of it, so that one that is busy does not starve the others; what it has
// sent beyond that is handled in turns that follow.
#pragma once

#include "broker/core.h"

namespace godwit::broker {

/// Handles every whole packet in `in`; keeps what is cut off, or everything after the packet that
/// paused reading.
void on_received(Core& core, Connection& c, Bytes in);

/// The connection ends here, and goes on where `moving_to` says, with what it has sent.
/// @param verdict  about it; null: none yet
void move_away(Core& core, Connection& c, std::unique_ptr<const Verdict> verdict);

/// Stops reading until resume_reading for this reason; what was read already is kept.
void pause_reading(Core& core, Connection& c, Pause why);
/// This reason is gone. If it was the last one, handles what was kept, then reads on.
void resume_reading(Core& core, Connection& c, Pause why);

/// Goes on with connections that had their share of an earlier turn, in their order.
void read_on(Core& core);
/// The peer is gone: what it sent and was kept for a later turn is handled now.
void finish_reading(Core& core, Connection& c);
/// How much of the next turn one connection may take. Where several were read in this one, that is
/// a part of the turn for each, and no more than sixteen times what they took on the average.
void divide_turn(Core& core);

}  // namespace godwit::broker
