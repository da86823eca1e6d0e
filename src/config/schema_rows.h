// The parts of the table that stand in files of their own; schema.h joins them.
#pragma once

#include "config/key.h"
#include "config/options.h"

#include <span>
#include <vector>

namespace godwit::config {

std::span<const Row<Options>> auth_rows();
std::span<const Row<Options>> limits_rows();
std::span<const Row<Options>> mqtt_rows();
/// Rows of [limits]; schema.h has the same keys as realm_rows().
std::span<const Row<Options>> realm_limits_rows();
std::span<const Row<Options>> rate_rows();
std::span<const Row<ListenerOptions>> listener_rate_rows();

}  // namespace godwit::config
