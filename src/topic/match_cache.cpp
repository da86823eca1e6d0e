#include "topic/match_cache.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace godwit::topic {

namespace {

/// Good in its high bits: to the low ones a product takes nothing of the letters at a word's end.
/// Who finds names with equal hashes makes them slow, no more: a miss costs a match.
uint64_t quick_hash(std::string_view name) {
    constexpr uint64_t kFactor = 0x9e3779b97f4a7c15;
    uint64_t hash = name.size();
    const auto absorb = [&](const char* at, size_t count) {
        uint64_t word = 0;
        std::memcpy(&word, at, count);
        hash = (hash ^ word) * kFactor;
        hash ^= hash >> 32;
    };
    size_t at = 0;
    for (; at + 8 <= name.size(); at += 8) absorb(name.data() + at, 8);
    if (at < name.size() && name.size() >= 8)
        absorb(name.data() + name.size() - 8, 8);
    else if (at < name.size())
        absorb(name.data(), name.size());
    return hash * kFactor;
}

}  // namespace

MatchCache::Answer& MatchCache::place_of(std::string_view name) {
    if (answers_.empty() || (pushed_out_ > answers_.size() && answers_.size() < kPlacesMax)) {
        const size_t places = answers_.empty() ? kPlacesMin : answers_.size() * 2;
        answers_.clear();
        answers_.resize(places);
        pushed_out_ = 0;
    }
    return answers_[quick_hash(name) >> (64 - std::bit_width(answers_.size() - 1))];
}

std::span<const FilterId> MatchCache::match(const FilterTable& table, std::string_view name) {
    Answer* place = name.size() <= kNameBytesMax ? &place_of(name) : nullptr;
    const bool is_taken = place && place->version == table.version();
    if (is_taken && place->name() == name) {
        last_name_ = place->name();
        return place->found();
    }
    scratch_.clear();
    table.match(name, scratch_);
    if (!place || scratch_.size() > kFiltersMax) {
        long_name_ = name.size() <= kLastNameBytesMax ? name : std::string_view();
        last_name_ = long_name_;
        return scratch_;
    }
    pushed_out_ += is_taken;
    place->version = table.version();
    place->name_bytes = uint8_t(name.size());
    place->filter_count = uint8_t(scratch_.size());
    std::ranges::copy(name, place->text.begin());
    std::ranges::copy(scratch_, place->filters.begin());
    last_name_ = place->name();
    return place->found();
}

}  // namespace godwit::topic
