// ShapeSet: the shapes in use among filters with wildcards, at most kShapesMax. A shape is what
// filters share that can be probed for in one go: how many levels, which of them are '+', and
// whether '#' follows. Real fleets have 3 to 20.
#pragma once

#include "topic/level_hash.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace godwit::topic {

struct Shape {
    uint32_t plus_mask = 0;
    uint8_t level_count = 0;  // without the '#'
    bool ends_hash = false;
    uint32_t filter_count = 0;  // 0: the place is free

    bool begins_with_wildcard() const { return plus_mask & 1 || level_count == 0; }
};

class ShapeSet {
public:
    static constexpr uint16_t kShapesMax = 64;
    static constexpr uint32_t kLevelsMax = 32;

    /// Counts one more filter of this shape. nullopt if it has more than kLevelsMax levels, or is
    /// new and there is no room.
    std::optional<uint16_t> take(const FilterPath& path);
    void release(uint16_t shape);

    size_t size() const { return size_; }
    /// Places to look at; some of them may be free.
    uint16_t end() const { return end_; }
    const Shape& operator[](uint16_t shape) const { return shapes_[shape]; }

private:
    std::array<Shape, kShapesMax> shapes_;
    uint16_t end_ = 0;
    uint16_t size_ = 0;
};

/// The hash that a filter of a given shape has if it matches a given name. '+' in any four
/// neighbouring levels is one addition.
class ShapeHashes {
public:
    ShapeHashes(const LevelHash& levels, const NamePath& name);

    /// @param shape  of no more levels than the name
    uint64_t of(const Shape& shape) const {
        uint64_t hash = name_.sum(shape.level_count);
        for (uint32_t group = 0; group < group_count_; ++group)
            hash += exchanged_[group][shape.plus_mask >> (group * 4) & 15];
        return shape.ends_hash ? hash + levels_.hash_term(shape.level_count) : hash;
    }

private:
    const LevelHash& levels_;
    const NamePath& name_;
    uint32_t group_count_;
    std::array<std::array<uint64_t, 16>, ShapeSet::kLevelsMax / 4> exchanged_;
};

}  // namespace godwit::topic
