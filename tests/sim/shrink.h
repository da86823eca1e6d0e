// Shrink: a failing plan made short, as long as the same checker complains: actions are left out,
// then clients and network made plain.
#pragma once

#include "sim/runner.h"

namespace godwit::sim {

/// @param checker  whose complaint must stay
/// @cost  a few hundred runs
Plan shrink(Plan plan, Mutant mutant, const std::string& checker);

}  // namespace godwit::sim
