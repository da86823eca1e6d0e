#include "topic/match_cache.h"

#include <bit>
#include <cstring>
#include <utility>

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

const std::vector<FilterId>& MatchCache::match(const FilterTable& table, std::string_view name) {
    last_ = nullptr;
    if (name.size() <= kNameBytesMax) {
        Answer& answer = place_of(name);
        const bool taken = answer.version == table.version();
        if (!taken || answer.name != name) {
            pushed_out_ += taken;
            answer.version = 0;
            answer.filters.clear();
            table.match(name, answer.filters);
            if (answer.filters.size() > kFiltersMax) {
                scratch_ = std::exchange(answer.filters, {});
                return scratch_;
            }
            answer.version = table.version();
            answer.name = name;
        }
        last_ = &answer;
        return answer.filters;
    }
    scratch_.clear();
    table.match(name, scratch_);
    return scratch_;
}

}  // namespace godwit::topic
