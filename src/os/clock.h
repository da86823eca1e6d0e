// The two clocks. Everybody else is told the time as an argument.
#pragma once

#include "base/instant.h"

namespace godwit::os {

/// Time since boot, in nanoseconds: orders events, never steps. @cost about 25 ns, no system call
Instant monotonic_now();

/// The time of day, UTC: for people, certificates and disks. May step.
WallTime wall_now();

}  // namespace godwit::os
