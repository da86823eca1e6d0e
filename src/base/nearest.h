// The known word that was probably meant.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace godwit {

/// Fewest insertions, deletions, replacements and swaps of neighbours that turn one into the other.
/// @cost  the product of both lengths
size_t edit_distance(std::string_view left, std::string_view right);

/// The nearest of `known` (the first of equals), if no more than a third of the longer word
/// differs.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> known);

}  // namespace godwit
