#include "topic/filter_table.h"

#include "topic/filter.h"

#include <algorithm>
#include <bit>

namespace godwit::topic {

FilterTable::FilterTable(HashKey key) : levels_(key) {}

FilterId FilterTable::acquire(std::string_view filter) {
    GW_ASSERT(!filter.empty() && filter.size() <= kTopicBytesMax);
    drain_trie();
    const FilterPath path = levels_.path(filter);
    const uint32_t known = find_id(path.hash, filter);
    if (known != kNoSlot) {
        GW_ASSERT(++slot(known).count != 0);
        return FilterId{known};
    }
    const uint32_t id = take_slot();
    Slot& s = slot(id);
    s.text = texts_.put(filter);
    s.bytes = uint16_t(filter.size());
    s.count = 1;
    s.home = home_of(path);
    if (s.home == kInTrie) enter_trie(filter);
    index_.insert(path.hash, IdCell{CellTable<IdCell>::tag_of(path.hash), id});
    level_count_max_ = std::max(level_count_max_, path.level_count);
    ++size_;
    return FilterId{id};
}

void FilterTable::release(FilterId id) {
    GW_ASSERT(id.value < slot_count_ && slot(id.value).count > 0);
    Slot& s = slot(id.value);
    if (--s.count > 0) return;
    const std::string_view filter = text_of(s);
    forget_hash(levels_.path(filter).hash, id.value);
    if (s.home == kExact) {
        --exact_count_;
    } else if (s.home == kInTrie) {
        leave_trie(filter);
    } else {
        shapes_.release(s.home);
    }
    texts_.drop(s.text, s.bytes);
    s.text = free_slot_;
    free_slot_ = id.value;
    if (--size_ == 0) level_count_max_ = 0;
    drain_trie();
}

std::optional<FilterId> FilterTable::find(std::string_view filter) const {
    const uint32_t id = find_id(levels_.path(filter).hash, filter);
    if (id == kNoSlot) return std::nullopt;
    return FilterId{id};
}

std::string_view FilterTable::text(FilterId id) const {
    GW_ASSERT(id.value < slot_count_ && slot(id.value).count > 0);
    return text_of(slot(id.value));
}

void FilterTable::match(std::string_view name, std::vector<FilterId>& out) const {
    const NamePath path(levels_, name, level_count_max_);
    match_shapes(path, name, out);
    if (trie_size_ > 0) {
        trie_.walk(levels_, path, [&](uint64_t hash) {
            append_hits(Probe{hash, kInTrie}, name, out);
        });
    }
}

size_t FilterTable::memory_bytes() const {
    return sizeof *this + index_.memory_bytes() + trie_.memory_bytes() + texts_.memory_bytes() +
           chunks_.capacity() * sizeof(chunks_[0]) + chunks_.size() * kSlotsPerChunk * sizeof(Slot);
}

void FilterTable::match_shapes(const NamePath& path, std::string_view name,
                               std::vector<FilterId>& out) const {
    // All probes are under way before the first is looked at: their cache misses overlap.
    Probe probes[ShapeSet::kShapesMax + 1];
    size_t probe_count = 0;
    const auto add = [&](uint64_t hash, uint16_t shape) {
        index_.prefetch(hash);
        probes[probe_count++] = Probe{hash, shape};
    };
    if (exact_count_ > 0 && !path.is_cut()) add(path.sum(path.level_count()), kExact);
    for (uint16_t i = 0; i < shapes_.end(); ++i) {
        const Shape& shape = shapes_[i];
        if (shape.filter_count == 0 || path.level_count() < shape.level_count) continue;
        if (!shape.ends_hash && (path.is_cut() || path.level_count() != shape.level_count))
            continue;
        if (path.begins_with_dollar() && shape.begins_with_wildcard()) continue;
        add(shape_hash(path, shape), i);
    }
    for (size_t i = 0; i < probe_count; ++i) append_hits(probes[i], name, out);
}

uint64_t FilterTable::shape_hash(const NamePath& path, const Shape& shape) const {
    uint64_t hash = path.sum(shape.level_count);
    for (uint32_t mask = shape.plus_mask; mask != 0; mask &= mask - 1) {
        const auto level = uint32_t(std::countr_zero(mask));
        hash += levels_.plus_term(level) - path.term(level);
    }
    if (shape.ends_hash) hash += levels_.hash_term(shape.level_count);
    return hash;
}

void FilterTable::append_hits(const Probe& probe, std::string_view name,
                              std::vector<FilterId>& out) const {
    for (const IdCell* cell = index_.first(probe.hash); index_.has_tag(cell, probe.hash); ++cell) {
        const Slot& s = slot(cell->id_);
        // The home is part of the question: a filter reached by way of an equal tag is not this
        // probe's, and would come twice.
        if (s.home == probe.home && matches(text_of(s), name)) out.push_back(FilterId{cell->id_});
    }
}

uint32_t FilterTable::find_id(uint64_t hash, std::string_view filter) const {
    for (const IdCell* cell = index_.first(hash); index_.has_tag(cell, hash); ++cell)
        if (text_of(slot(cell->id_)) == filter) return cell->id_;
    return kNoSlot;
}

void FilterTable::forget_hash(uint64_t hash, uint32_t id) {
    IdCell* cell = index_.first(hash);
    while (cell->id_ != id) {
        GW_ASSERT(index_.has_tag(cell, hash));
        ++cell;
    }
    index_.erase(hash, cell);
}

uint32_t FilterTable::take_slot() {
    if (free_slot_ != kNoSlot) {
        const uint32_t id = free_slot_;
        free_slot_ = slot(id).text;
        return id;
    }
    GW_ASSERT(slot_count_ < kNoSlot);
    if (slot_count_ % kSlotsPerChunk == 0)
        chunks_.push_back(std::make_unique<Slot[]>(kSlotsPerChunk));
    return slot_count_++;
}

uint16_t FilterTable::home_of(const FilterPath& path) {
    if (path.has_wildcard()) return shapes_.take(path).value_or(kInTrie);
    ++exact_count_;
    return kExact;
}

void FilterTable::enter_trie(std::string_view filter) {
    trie_.add(levels_, filter);
    ++trie_size_;
}

void FilterTable::leave_trie(std::string_view filter) {
    trie_.remove(levels_, filter);
    --trie_size_;
}

void FilterTable::drain_trie() {
    if (trie_size_ == 0 || shapes_.size() >= kDrainBelowShapes) return;
    for (uint32_t step = 0; step < kDrainSteps; ++step) {
        if (++drain_cursor_ >= slot_count_) drain_cursor_ = 0;
        Slot& s = slot(drain_cursor_);
        if (s.count == 0 || s.home != kInTrie) continue;
        const std::string_view filter = text_of(s);
        const auto shape = shapes_.take(levels_.path(filter));
        if (!shape) continue;
        leave_trie(filter);
        s.home = *shape;
    }
}

}  // namespace godwit::topic
