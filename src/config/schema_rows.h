// The parts of the table that stand in files of their own; schema.h joins them.
#pragma once

#include "config/key.h"
#include "config/options.h"

#include <span>
#include <vector>

namespace godwit::config {

inline constexpr uint32_t kU32Max = 4294967295;
inline constexpr uint64_t kBytesMax = uint64_t(1) << 40;
/// In the order of broker::WhenFull.
inline constexpr std::string_view kWhenFull[] = {"drop_newest", "refuse", "drop_oldest",
                                                 "end_session"};

std::span<const Row<Options>> auth_rows();
std::span<const Row<Options>> limits_rows();
std::span<const Row<Options>> mqtt_rows();
/// Rows of [limits]; schema.h has the same keys as realm_rows().
std::span<const Row<Options>> realm_limits_rows();

}  // namespace godwit::config
