// FilterTable: the filters in use and which of them match a name; the foundation of the routing
// index. A filter is stored once and known by a dense id; whoever takes it holds a count on it.
//
// How a match works (src/topic/README.md says more): a filter is a path of levels, its hash the sum
// of one keyed term per level and position. A *shape* is a filter's level count, which levels are
// '+', and whether it ends in '#'. The terms of a name are computed once; each shape in use then
// costs one subtraction per '+' and one probe. All exact filters are one shape. Filters whose shape
// finds no room among kShapesMax live elsewhere: the first thousand as rows of bits, the others,
// and those of many levels, in a trie of path hashes.
#pragma once

#include "base/hash.h"
#include "base/ids.h"
#include "topic/cell_table.h"
#include "topic/filter_bits.h"
#include "topic/filter_records.h"
#include "topic/level_hash.h"
#include "topic/path_trie.h"
#include "topic/shape_set.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace godwit::topic {

/// Dense, reused after the last release. Valid while somebody holds a count on it.
using FilterId = Id<struct FilterTag, uint32_t>;

/// One thread at a time; match is const and may run beside other const calls. Equal keys and equal
/// calls give equal ids and equal order of matches.
/// @cost  memory: 30 to 40 bytes a filter besides its text. No step takes
///        long at any size: what grows, grows in pieces.
class FilterTable {
public:
    /// @param bits_max  of filters as bits, up to FilterBits::kFiltersMax; fewer for tests
    explicit FilterTable(HashKey key, uint32_t bits_max = FilterBits::kFiltersMax);

    /// Interns a well-formed filter (parse_filter's `filter`), or raises its count.
    /// @cost  linear in the filter, some cache misses
    FilterId acquire(std::string_view filter);

    /// Lowers the count of a held id; the last release forgets the filter and frees the id.
    void release(FilterId id);

    std::optional<FilterId> find(std::string_view filter) const;

    /// The text of a held id. Borrowed: good until its last release, whatever else is acquired.
    std::string_view text(FilterId id) const;

    /// Appends the id of each filter that matches a well-formed name, each once, in an order that
    /// depends on the calls so far and the key alone.
    /// @cost    linear in the name, one probe per shape in use; no allocation for names of up to 64
    ///          levels besides the growth of `out`
    /// @source  [MQTT5-4.7.1-1] [MQTT5-4.7.1-2] [MQTT5-4.7.2-1]
    void match(std::string_view name, std::vector<FilterId>& out) const;

    /// Changes when a filter comes or goes; never 0.
    uint64_t version() const { return version_; }
    /// Filters held.
    size_t size() const { return size_; }
    /// Above every id ever given; callers keep arrays by id.
    uint32_t slot_count() const { return slot_count_; }
    /// All memory the table owns, itself included.
    size_t memory_bytes() const;
    /// Filters that live as bits, or in the trie, because their shape found no room.
    size_t bits_size() const { return bits_ ? bits_->size() : 0; }
    size_t trie_size() const { return trie_size_; }

private:
    struct IndexCell {
        uint32_t tag_;
        RecordRef ref_;
        uint32_t tag() const { return tag_; }
        bool empty() const { return ref_ == kNoRecord; }
        constexpr void clear() { tag_ = UINT32_MAX, ref_ = kNoRecord; }
    };
    struct Probe {
        uint64_t hash;
        uint16_t home;
    };
    static constexpr RecordRef kNoRecord = UINT32_MAX;
    static constexpr uint32_t kIdsPerChunk = 1024;
    // Below this many shapes the others are brought back, so that one shape come and gone moves
    // nothing.
    static constexpr size_t kDrainBelowShapes = 48;
    static constexpr uint32_t kDrainSteps = 4;

    RecordRef& ref_of(uint32_t id) { return chunks_[id / kIdsPerChunk][id % kIdsPerChunk]; }
    RecordRef held_ref(FilterId id) const;
    uint32_t take_id();
    std::optional<RecordRef> find_record(uint64_t hash, std::string_view filter) const;
    void forget_hash(uint64_t hash, RecordRef ref);
    uint16_t home_of(const FilterPath& path);
    bool fits_bits(const FilterPath& path) const;
    void enter(RecordRef ref, uint16_t home);
    void leave(RecordRef ref);
    /// Brings filters back from bits and trie when shapes have become free, and from the trie when
    /// there is room among the bits: some at every change.
    void drain();
    void match_shapes(const NamePath& path, std::string_view name,
                      std::vector<FilterId>& out) const;
    void append_hits(const Probe& probe, std::string_view name, std::vector<FilterId>& out) const;

    LevelHash levels_;
    CellTable<IndexCell> index_;
    ShapeSet shapes_;
    std::unique_ptr<FilterBits> bits_;  // null while empty
    PathTrie trie_;
    const uint32_t bits_max_;
    FilterRecords records_;
    std::vector<std::unique_ptr<RecordRef[]>> chunks_;  // by id
    std::vector<uint32_t> free_ids_;
    uint32_t slot_count_ = 0;
    uint32_t level_count_max_ = 0;  // of any filter since the table was last empty
    uint32_t drain_cursor_ = 0;
    size_t size_ = 0;
    uint64_t version_ = 1;
    size_t trie_size_ = 0;
    size_t exact_count_ = 0;
};

}  // namespace godwit::topic
