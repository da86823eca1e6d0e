#include "bench/sequence.h"

#include <algorithm>

namespace godwit::bench {

Arrival SequenceTracker::take(uint64_t sequence) {
    if (sequence < next_) {
        const bool was_missing = gaps_ && fill(sequence);
        return {.kind = was_missing ? Arrival::Kind::Late : Arrival::Kind::Again};
    }
    const uint64_t skipped = sequence - next_;
    if (skipped > 0) {
        if (!gaps_) gaps_ = std::make_unique<std::vector<Gap>>();
        if (gaps_->size() == kGapsMax) gaps_->erase(gaps_->begin());
        gaps_->push_back({next_, sequence});
    }
    next_ = sequence + 1;
    return {.kind = Arrival::Kind::New, .skipped = skipped};
}

/// Takes one out of the gaps. @return whether it was in one
bool SequenceTracker::fill(uint64_t sequence) {
    auto gap = std::upper_bound(gaps_->begin(), gaps_->end(), sequence,
                                [](uint64_t s, const Gap& g) { return s < g.end; });
    if (gap == gaps_->end() || sequence < gap->begin) return false;
    const Gap behind{sequence + 1, gap->end};
    gap->end = sequence;
    const bool empty_before = gap->begin == gap->end;
    if (behind.begin == behind.end) {
        if (empty_before) gaps_->erase(gap);
    } else if (empty_before) {
        *gap = behind;
    } else {
        gaps_->insert(gap + 1, behind);
    }
    return true;
}

}  // namespace godwit::bench
