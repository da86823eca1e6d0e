#include "topic/filter_bits.h"

#include <algorithm>

namespace godwit::topic {

const FilterBits::Word* FilterBits::find(uint64_t term) const {
    if (!words_.may_hold(term)) return nullptr;
    for (const Word* word = words_.first(term); words_.has_tag(word, term); ++word)
        if (word->hash_ == term) return word;
    return nullptr;
}

FilterBits::Word* FilterBits::find(uint64_t term) {
    return const_cast<Word*>(static_cast<const FilterBits*>(this)->find(term));
}

bool FilterBits::keep_fitting(Row& fitting, uint32_t position, uint64_t term,
                              bool wildcards) const {
    const Word* word = find(term);
    const bool alone = word && (word->place_ & kAlone) && holds(fitting, word->place_ & ~kAlone);
    static constexpr Row kNobody{};
    const bool has_row = word && !(word->place_ & kAlone);
    const Row& same = has_row ? rows_[word->place_] : kNobody;
    const Row& plus = wildcards ? plus_[position] : kNobody;
    const Row& hash = wildcards ? hash_[position] : kNobody;
    uint64_t any = alone;
    for (size_t i = 0; i < fitting.size(); ++i) any |= fitting[i] &= same[i] | plus[i] | hash[i];
    if (alone) set(fitting, word->place_ & ~kAlone);
    return any != 0;
}

void FilterBits::add_word(uint64_t term, uint32_t slot) {
    Word* word = find(term);
    if (!word) {
        words_.insert(term, Word{term, kAlone | slot, 1});
        return;
    }
    if (word->place_ & kAlone) {
        if (free_rows_.empty()) {
            free_rows_.push_back(uint32_t(rows_.size()));
            rows_.emplace_back();
        }
        const uint32_t row = free_rows_.back();
        free_rows_.pop_back();
        rows_[row] = {};
        set(rows_[row], word->place_ & ~kAlone);
        word->place_ = row;
    }
    set(rows_[word->place_], slot);
    ++word->users_;
}

void FilterBits::remove_word(uint64_t term, uint32_t slot) {
    Word* word = find(term);
    GW_ASSERT(word != nullptr);
    const bool alone = word->place_ & kAlone;
    if (!alone) clear(rows_[word->place_], slot);
    if (word->users_ > 1) {
        --word->users_;
        return;
    }
    if (!alone) free_rows_.push_back(word->place_);
    words_.erase(term, word);
}

void FilterBits::change(const LevelHash& levels, std::string_view filter, uint32_t slot, bool add) {
    const auto put = [&](Row& row) { add ? set(row, slot) : clear(row, slot); };
    LevelReader reader(filter);
    uint32_t position = 0;
    for (; !reader.done(); ++position) {
        const std::string_view level = reader.next();
        if (level == "#") return void(std::for_each(hash_.begin() + position, hash_.end(), put));
        GW_ASSERT(position < kLevelsMax);
        if (level == "+") {
            put(plus_[position]);
            continue;
        }
        const uint64_t term = levels.term(position, level);
        add ? add_word(term, slot) : remove_word(term, slot);
    }
    put(end_[position]);
}

void FilterBits::add(const LevelHash& levels, const FilterRecords& records, RecordRef filter) {
    GW_ASSERT(size_ < kFiltersMax);
    const auto word =
        std::find_if(used_.begin(), used_.end(), [](uint64_t each) { return ~each != 0; });
    const auto slot = uint32_t(size_t(word - used_.begin()) * 64 + size_t(std::countr_one(*word)));
    set(used_, slot);
    filters_[slot] = filter;
    ++size_;
    change(levels, records[filter].text(), slot, true);
}

void FilterBits::remove(const LevelHash& levels, const FilterRecords& records, RecordRef filter) {
    uint32_t slot = 0;
    while (slot < kFiltersMax && !(filters_[slot] == filter && holds(used_, slot))) ++slot;
    GW_ASSERT(slot < kFiltersMax);
    clear(used_, slot);
    change(levels, records[filter].text(), slot, false);
    --size_;
}

size_t FilterBits::memory_bytes() const {
    return sizeof *this + words_.memory_bytes() + rows_.size() * sizeof(Row) +
           free_rows_.capacity() * sizeof(free_rows_[0]);
}

}  // namespace godwit::topic
