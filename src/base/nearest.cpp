#include "base/nearest.h"

#include <algorithm>
#include <vector>

namespace godwit {
namespace {

constexpr size_t kWordBytesMax = 64;  // no key is longer, and the cost is quadratic

}  // namespace

size_t edit_distance(std::string_view left, std::string_view right) {
    // The last three rows of the table: cost[j] turns left[..i] into right[..j].
    std::vector<size_t> before_last(right.size() + 1), last(right.size() + 1),
        cost(right.size() + 1);
    for (size_t j = 0; j <= right.size(); ++j) cost[j] = j;
    for (size_t i = 1; i <= left.size(); ++i) {
        before_last.swap(last);
        last.swap(cost);
        cost[0] = i;
        for (size_t j = 1; j <= right.size(); ++j) {
            const size_t replaced = last[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
            cost[j] = std::min({last[j] + 1, cost[j - 1] + 1, replaced});
            const bool swapped =
                i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if (swapped) cost[j] = std::min(cost[j], before_last[j - 2] + 1);
        }
    }
    return cost[right.size()];
}

std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> known) {
    if (word.size() > kWordBytesMax) return std::nullopt;
    std::optional<std::string_view> best;
    size_t best_distance = SIZE_MAX;
    for (const std::string_view candidate : known) {
        const size_t distance = edit_distance(word, candidate);
        const size_t distance_max = std::max(word.size(), candidate.size()) / 3;
        if (distance > std::max<size_t>(distance_max, 1) || distance >= best_distance) continue;
        best = candidate;
        best_distance = distance;
    }
    return best;
}

}  // namespace godwit
