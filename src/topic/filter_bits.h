// FilterBits: a thousand filters as rows of bits, a row for each level that any of them has at a
// position. Which of them fit a name is the intersection, over the name's levels, of those that
// have this level there, or '+', or had their '#' before. So a match costs the same whatever their
// wildcards are: for filters of more shapes than can be probed for one by one. 18 KiB when empty.
#pragma once

#include "topic/cell_table.h"
#include "topic/filter_records.h"
#include "topic/level_hash.h"

#include <array>
#include <bit>
#include <cstdint>
#include <deque>
#include <vector>

namespace godwit::topic {

class FilterBits {
public:
    static constexpr uint32_t kFiltersMax = 1024;
    static constexpr uint32_t kLevelsMax = 32;  // without the '#'

    uint32_t size() const { return size_; }
    /// The filter has at most kLevelsMax levels, and there are fewer than kFiltersMax.
    /// @cost  20 bytes a level that no other filter has there, up to 64 for one that few have
    void add(const LevelHash& levels, const FilterRecords& records, RecordRef filter);
    /// Takes a filter out that was added.
    void remove(const LevelHash& levels, const FilterRecords& records, RecordRef filter);

    /// Calls visit(RecordRef) for each filter held that may match the name, each once.
    /// @cost  one probe and 128 bytes of bits, two or three times, for each of its levels
    template <class Visit>
    void match(const NamePath& name, Visit&& visit) const;

    size_t memory_bytes() const;

private:
    using Row = std::array<uint64_t, kFiltersMax / 64>;
    struct Word {
        uint64_t hash_;   // of the level at its position
        uint32_t place_;  // its row; while one filter has it: kAlone and the filter's slot
        uint32_t users_;
        uint32_t tag() const { return uint32_t(hash_ >> 32); }
        bool empty() const { return users_ == 0; }
        constexpr void clear() { hash_ = UINT64_MAX, users_ = 0; }
    };
    static constexpr uint32_t kAlone = 1u << 31;

    static void set(Row& row, uint32_t slot) { row[slot / 64] |= uint64_t(1) << slot % 64; }
    static void clear(Row& row, uint32_t slot) { row[slot / 64] &= ~(uint64_t(1) << slot % 64); }
    static bool holds(const Row& row, uint32_t slot) {
        return (row[slot / 64] >> slot % 64 & 1) != 0;
    }
    /// Keeps those that have this level there, or a wildcard. @return  whether any is left
    bool keep_fitting(Row& fitting, uint32_t position, uint64_t term, bool wildcards) const;
    void change(const LevelHash& levels, std::string_view filter, uint32_t slot, bool add);
    void add_word(uint64_t term, uint32_t slot);
    void remove_word(uint64_t term, uint32_t slot);
    const Word* find(uint64_t term) const;
    Word* find(uint64_t term);

    std::array<RecordRef, kFiltersMax> filters_{};  // by slot; of no meaning where it is not used
    Row used_{};
    uint32_t size_ = 0;
    CellTable<Word> words_;
    std::deque<Row> rows_;
    std::vector<uint32_t> free_rows_;
    // By position.
    std::array<Row, kLevelsMax> plus_{};
    std::array<Row, kLevelsMax + 1> hash_{};  // the '#' is here or before
    std::array<Row, kLevelsMax + 1> end_{};   // without '#', of so many levels
};

template <class Visit>
void FilterBits::match(const NamePath& name, Visit&& visit) const {
    Row fitting = used_;
    const uint32_t count = std::min(name.level_count(), kLevelsMax);
    for (uint32_t i = 0; i < count; ++i) {
        const bool wildcards = i > 0 || !name.begins_with_dollar();  // [MQTT5-4.7.2-1]
        if (!keep_fitting(fitting, i, name.term(i), wildcards)) return;
    }
    const bool may_end = !name.is_cut() && count == name.level_count();
    for (size_t i = 0; i < fitting.size(); ++i) {
        const uint64_t end = may_end ? end_[count][i] : 0;
        for (uint64_t left = fitting[i] & (hash_[count][i] | end); left != 0; left &= left - 1)
            visit(filters_[i * 64 + size_t(std::countr_zero(left))]);
    }
}

}  // namespace godwit::topic
