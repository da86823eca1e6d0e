#include "topic/level_hash.h"

#include <algorithm>

namespace godwit::topic {

LevelHash::LevelHash(HashKey key)
    : key_(key),
      plus_(keyed_hash(as_bytes("+"), key)),
      hash_(keyed_hash(as_bytes("#"), key)),
      end_(keyed_hash(as_bytes("/"), key)) {
    for (uint32_t i = 0; i < plus_terms_.size(); ++i) plus_terms_[i] = mix_hash(plus_, salt(i));
}

FilterPath LevelHash::path(std::string_view filter) const {
    FilterPath path;
    LevelReader levels(filter);
    while (!levels.done()) {
        const std::string_view level = levels.next();
        path.hash += term(path.level_count, level);
        if (level == "#") {
            path.ends_hash = true;
            return path;
        }
        if (level == "+") {
            path.has_plus = true;
            if (path.level_count < 32) path.plus_mask |= uint32_t(1) << path.level_count;
        }
        ++path.level_count;
    }
    return path;
}

NamePath::NamePath(const LevelHash& levels, std::string_view name, uint32_t level_count_max)
    : begins_with_dollar_(name.starts_with('$')) {
    uint64_t* sums = inline_sums_.data();
    if (level_count_max > kInlineLevels) {
        const size_t bound = std::min<size_t>(level_count_max, name.size() + 1);
        if (bound > kInlineLevels) {
            deep_sums_.resize(bound + 1);
            sums = deep_sums_.data();
        }
    }
    sums_ = sums;
    sums[0] = 0;
    LevelReader reader(name);
    while (!reader.done() && level_count_ < level_count_max) {
        sums[level_count_ + 1] = sums[level_count_] + levels.term(level_count_, reader.next());
        ++level_count_;
    }
    is_cut_ = !reader.done();
}

}  // namespace godwit::topic
