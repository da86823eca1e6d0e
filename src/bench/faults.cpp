#include "bench/faults.h"

#include <algorithm>

namespace godwit::bench {

void Faults::add(Fault kind, std::string sentence) {
    ++counts_[size_t(kind)];
    note(std::move(sentence), 1);
}

void Faults::add(const Faults& others) {
    for (size_t i = 0; i < kFaultKinds; ++i) counts_[i] += others.counts_[i];
    for (const auto& [sentence, times] : others.sentences_) note(sentence, times);
}

void Faults::note(std::string sentence, uint64_t more) {
    for (auto& [known, times] : sentences_) {
        if (known != sentence) continue;
        times += more;
        return;
    }
    if (sentences_.size() < kSentencesMax) sentences_.emplace_back(std::move(sentence), more);
}

bool Faults::any() const {
    return std::any_of(counts_.begin(), counts_.end(), [](uint64_t count) { return count > 0; });
}

}  // namespace godwit::bench
