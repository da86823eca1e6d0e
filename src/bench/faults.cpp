#include "bench/faults.h"

#include <algorithm>

namespace godwit::bench {

void Faults::add(Fault kind, std::string sentence) {
    ++counts_[size_t(kind)];
    for (auto& [known, times] : sentences_) {
        if (known != sentence) continue;
        ++times;
        return;
    }
    if (sentences_.size() < kSentencesMax) sentences_.emplace_back(std::move(sentence), 1);
}

bool Faults::any() const {
    return std::any_of(counts_.begin(), counts_.end(), [](uint64_t count) { return count > 0; });
}

}  // namespace godwit::bench
