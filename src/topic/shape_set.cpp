#include "topic/shape_set.h"

#include "base/assert.h"

#include <algorithm>

namespace godwit::topic {

std::optional<uint16_t> ShapeSet::take(const FilterPath& path) {
    if (path.level_count > kLevelsMax) return std::nullopt;
    uint16_t free = kShapesMax;
    for (uint16_t i = 0; i < end_; ++i) {
        Shape& shape = shapes_[i];
        if (shape.filter_count == 0) {
            free = std::min(free, i);
            continue;
        }
        if (shape.plus_mask != path.plus_mask || shape.level_count != path.level_count ||
            shape.ends_hash != path.ends_hash)
            continue;
        ++shape.filter_count;
        return i;
    }
    free = std::min(free, end_);
    if (free == kShapesMax) return std::nullopt;
    end_ = std::max<uint16_t>(end_, uint16_t(free + 1));
    shapes_[free] = Shape{path.plus_mask, uint8_t(path.level_count), path.ends_hash, 1};
    ++size_;
    return free;
}

void ShapeSet::release(uint16_t shape) {
    GW_ASSERT(shapes_[shape].filter_count > 0);
    if (--shapes_[shape].filter_count > 0) return;
    --size_;
    while (end_ > 0 && shapes_[end_ - 1].filter_count == 0) --end_;
}

ShapeHashes::ShapeHashes(const LevelHash& levels, const NamePath& name)
    : levels_(levels), name_(name) {
    const uint32_t level_count = std::min(name.level_count(), ShapeSet::kLevelsMax);
    group_count_ = (level_count + 3) / 4;
    for (uint32_t group = 0; group < group_count_; ++group) {
        auto& sums = exchanged_[group];
        sums[0] = 0;
        for (uint32_t bit = 0; bit < 4; ++bit) {
            const uint32_t level = group * 4 + bit;
            const uint64_t change =
                level < level_count ? levels.plus_term(level) - name.term(level) : 0;
            for (uint32_t i = 0; i < uint32_t(1) << bit; ++i)
                sums[i + (size_t(1) << bit)] = sums[i] + change;
        }
    }
}

}  // namespace godwit::topic
