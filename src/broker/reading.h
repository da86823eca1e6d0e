// Reading: bytes of one connection to packets, and each packet to its walk. Bytes may be cut
// anywhere.
#pragma once

#include "broker/core.h"

namespace godwit::broker {

/// Handles every whole packet in `in`; keeps what is cut off, or everything after the packet that
/// paused reading.
void on_received(Core& core, Connection& c, Bytes in);

/// Stops reading until resume_reading; what was read already is kept.
void pause_reading(Core& core, Connection& c);
/// Handles what was kept, then reads on.
void resume_reading(Core& core, Connection& c);

}  // namespace godwit::broker
