// Hashes of level paths. The hash of a path is the sum of one term per level, each a keyed hash of
// the level's bytes and its position. So the hash of "a/+/c" follows from that of "a/b/c" by
// exchanging one term, and the hashes of all beginnings of a name are the sums on the way.
// The terms are unknown to whoever does not know the key, so nobody can aim for equal sums.
#pragma once

#include "base/hash.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace godwit::topic {

/// What the table has to know of a filter.
struct FilterPath {
    uint64_t hash = 0;         // of all levels, '+' and '#' like any other
    uint32_t level_count = 0;  // without the '#'
    uint32_t plus_mask = 0;    // bit i: level i is '+'; only the first 32 levels
    bool has_plus = false;     // anywhere
    bool ends_hash = false;

    bool has_wildcard() const { return has_plus || ends_hash; }
};

class LevelHash {
public:
    explicit LevelHash(HashKey key);

    uint64_t term(uint32_t position, std::string_view level) const {
        return mix_hash(keyed_hash(as_bytes(level), key_), salt(position));
    }
    uint64_t plus_term(uint32_t position) const {
        return position < plus_terms_.size() ? plus_terms_[position]
                                             : mix_hash(plus_, salt(position));
    }
    uint64_t hash_term(uint32_t position) const { return mix_hash(hash_, salt(position)); }
    /// For a level that stands for "here it ends"; no text has this term.
    uint64_t end_term(uint32_t position) const { return mix_hash(end_, salt(position)); }

    FilterPath path(std::string_view filter) const;

private:
    static uint64_t salt(uint32_t position) { return (position + 1) * 0x9e3779b97f4a7c15; }

    HashKey key_;
    uint64_t plus_;
    uint64_t hash_;
    uint64_t end_;
    std::array<uint64_t, 32> plus_terms_;
};

/// Takes the levels of a topic from the left: `while (!levels.done()) use(levels.next());`
class LevelReader {
public:
    explicit LevelReader(std::string_view topic) : rest_(topic) {}
    bool done() const { return done_; }
    std::string_view next() {
        size_t end = 0;  // levels are short: a plain loop beats memchr
        while (end < rest_.size() && rest_[end] != '/') ++end;
        const std::string_view level = rest_.substr(0, end);
        done_ = end == rest_.size();
        if (!done_) rest_.remove_prefix(end + 1);
        return level;
    }

private:
    std::string_view rest_;
    bool done_ = false;
};

/// The hashes of all beginnings of a name.
class NamePath {
public:
    /// @cost  linear in the name's first `level_count_max` levels; allocates beyond 64 of them
    NamePath(const LevelHash& levels, std::string_view name, uint32_t level_count_max);
    NamePath(const NamePath&) = delete;
    NamePath& operator=(const NamePath&) = delete;

    /// Levels hashed: all of the name, or level_count_max.
    uint32_t level_count() const { return level_count_; }
    /// Whether the name has more levels than were hashed.
    bool is_cut() const { return is_cut_; }
    /// Whether a leading wildcard matches it. [MQTT5-4.7.2-1]
    bool begins_with_dollar() const { return begins_with_dollar_; }
    /// Hash of the first `count` levels.
    uint64_t sum(uint32_t count) const { return sums_[count]; }
    uint64_t term(uint32_t position) const { return sums_[position + 1] - sums_[position]; }

private:
    static constexpr uint32_t kInlineLevels = 64;
    std::array<uint64_t, kInlineLevels + 1> inline_sums_;  // first level_count_ + 1 are set
    std::vector<uint64_t> deep_sums_;
    const uint64_t* sums_;
    uint32_t level_count_ = 0;
    bool is_cut_ = false;
    bool begins_with_dollar_ = false;
};

}  // namespace godwit::topic
