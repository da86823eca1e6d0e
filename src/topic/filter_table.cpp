#include "topic/filter_table.h"

#include "topic/filter.h"

#include <algorithm>

namespace godwit::topic {

FilterTable::FilterTable(HashKey key, uint32_t bits_max) : levels_(key), bits_max_(bits_max) {
    GW_ASSERT(bits_max <= FilterBits::kFiltersMax);
}

FilterId FilterTable::acquire(std::string_view filter) {
    GW_ASSERT(!filter.empty() && filter.size() <= kTopicBytesMax);
    const FilterPath path = levels_.path(filter);
    if (const auto known = find_record(path.hash, filter)) {
        FilterRecord& record = records_[*known];
        GW_ASSERT(++record.count != 0);
        return FilterId{record.id};
    }
    drain();
    const uint32_t id = take_id();
    const uint16_t home = home_of(path);
    const RecordRef ref = records_.add(filter, id, home);
    ref_of(id) = ref;
    enter(ref, home);
    index_.insert(path.hash, IndexCell{CellTable<IndexCell>::tag_of(path.hash), ref});
    level_count_max_ = std::max(level_count_max_, path.level_count);
    ++size_;
    ++version_;
    return FilterId{id};
}

void FilterTable::release(FilterId id) {
    const RecordRef ref = held_ref(id);
    FilterRecord& record = records_[ref];
    if (--record.count > 0) return;
    ++version_;
    forget_hash(levels_.path(record.text()).hash, ref);
    leave(ref);
    records_.remove(ref);
    ref_of(id.value) = kNoRecord;
    free_ids_.push_back(id.value);
    if (--size_ == 0) level_count_max_ = 0;
    drain();
}

std::optional<FilterId> FilterTable::find(std::string_view filter) const {
    const auto ref = find_record(levels_.path(filter).hash, filter);
    if (!ref) return std::nullopt;
    return FilterId{records_[*ref].id};
}

std::string_view FilterTable::text(FilterId id) const {
    return records_[held_ref(id)].text();
}

void FilterTable::match(std::string_view name, std::vector<FilterId>& out) const {
    const NamePath path(levels_, name, level_count_max_);
    match_shapes(path, name, out);
    const auto take = [&](RecordRef ref) {
        const FilterRecord& record = records_[ref];
        if (matches(record.text(), name)) out.push_back(FilterId{record.id});
    };
    if (bits_) bits_->match(path, take);
    if (trie_size_ > 0) trie_.walk(levels_, path, take);
}

size_t FilterTable::memory_bytes() const {
    return sizeof *this + index_.memory_bytes() + (bits_ ? bits_->memory_bytes() : 0) +
           trie_.memory_bytes() + records_.memory_bytes() +
           chunks_.capacity() * sizeof(chunks_[0]) +
           chunks_.size() * kIdsPerChunk * sizeof(RecordRef) +
           free_ids_.capacity() * sizeof(free_ids_[0]);
}

void FilterTable::match_shapes(const NamePath& path, std::string_view name,
                               std::vector<FilterId>& out) const {
    // Each step is taken for all probes before the next step for one: their cache misses overlap.
    Probe probes[ShapeSet::kShapesMax + 1];
    size_t probe_count = 0;
    const auto add = [&](uint64_t hash, uint16_t home) {
        index_.prefetch_hint(hash);
        probes[probe_count++] = Probe{hash, home};
    };
    if (exact_count_ > 0 && !path.is_cut()) add(path.sum(path.level_count()), FilterRecord::kExact);
    const ShapeHashes hashes(levels_, path);
    for (uint16_t i = 0; i < shapes_.end(); ++i) {
        const Shape& shape = shapes_[i];
        if (shape.filter_count == 0 || path.level_count() < shape.level_count) continue;
        if (!shape.ends_hash && (path.is_cut() || path.level_count() != shape.level_count))
            continue;
        if (path.begins_with_dollar() && shape.begins_with_wildcard()) continue;
        add(hashes.of(shape), i);
    }
    size_t held_count = 0;
    for (size_t i = 0; i < probe_count; ++i) {
        if (!index_.may_hold(probes[i].hash)) continue;
        index_.prefetch(probes[i].hash);
        probes[held_count++] = probes[i];
    }
    size_t hit_count = 0;
    for (size_t i = 0; i < held_count; ++i) {
        const IndexCell* cell = index_.first(probes[i].hash);
        if (!index_.has_tag(cell, probes[i].hash)) continue;
        records_.prefetch(cell->ref_);
        probes[hit_count++] = probes[i];
    }
    for (size_t i = 0; i < hit_count; ++i) append_hits(probes[i], name, out);
}

void FilterTable::append_hits(const Probe& probe, std::string_view name,
                              std::vector<FilterId>& out) const {
    for (const IndexCell* cell = index_.first(probe.hash); index_.has_tag(cell, probe.hash);
         ++cell) {
        const FilterRecord& record = records_[cell->ref_];
        // The home is part of the question: a filter reached by way of an equal tag is not this
        // probe's, and would come twice.
        if (record.home == probe.home && matches(record.text(), name))
            out.push_back(FilterId{record.id});
    }
}

std::optional<RecordRef> FilterTable::find_record(uint64_t hash, std::string_view filter) const {
    for (const IndexCell* cell = index_.first(hash); index_.has_tag(cell, hash); ++cell)
        if (records_[cell->ref_].text() == filter) return cell->ref_;
    return std::nullopt;
}

void FilterTable::forget_hash(uint64_t hash, RecordRef ref) {
    IndexCell* cell = index_.first(hash);
    while (cell->ref_ != ref) {
        GW_ASSERT(index_.has_tag(cell, hash));
        ++cell;
    }
    index_.erase(hash, cell);
}

RecordRef FilterTable::held_ref(FilterId id) const {
    GW_ASSERT(id.value < slot_count_);
    const RecordRef ref = chunks_[id.value / kIdsPerChunk][id.value % kIdsPerChunk];
    GW_ASSERT(ref != kNoRecord);
    return ref;
}

uint32_t FilterTable::take_id() {
    if (!free_ids_.empty()) {
        const uint32_t id = free_ids_.back();
        free_ids_.pop_back();
        return id;
    }
    GW_ASSERT(slot_count_ < UINT32_MAX);
    if (slot_count_ % kIdsPerChunk == 0)
        chunks_.push_back(std::make_unique<RecordRef[]>(kIdsPerChunk));
    return slot_count_++;
}

uint16_t FilterTable::home_of(const FilterPath& path) {
    if (!path.has_wildcard()) return FilterRecord::kExact;
    if (const auto shape = shapes_.take(path)) return *shape;
    return fits_bits(path) ? FilterRecord::kInBits : FilterRecord::kInTrie;
}

bool FilterTable::fits_bits(const FilterPath& path) const {
    return bits_size() < bits_max_ && path.level_count <= FilterBits::kLevelsMax;
}

/// In a shape, that has counted it already.
void FilterTable::enter(RecordRef ref, uint16_t home) {
    records_[ref].home = home;
    if (home == FilterRecord::kExact) {
        ++exact_count_;
    } else if (home == FilterRecord::kInBits) {
        if (!bits_) bits_ = std::make_unique<FilterBits>();
        bits_->add(levels_, records_, ref);
    } else if (home == FilterRecord::kInTrie) {
        trie_.add(levels_, records_, ref);
        ++trie_size_;
    }
}

void FilterTable::leave(RecordRef ref) {
    const uint16_t home = records_[ref].home;
    if (home == FilterRecord::kExact) {
        --exact_count_;
    } else if (home == FilterRecord::kInBits) {
        bits_->remove(levels_, records_, ref);
        if (bits_->size() == 0) bits_.reset();
    } else if (home == FilterRecord::kInTrie) {
        trie_.remove(levels_, records_, ref);
        --trie_size_;
    } else {
        shapes_.release(home);
    }
}

void FilterTable::drain() {
    const bool to_shapes = trie_size_ + bits_size() > 0 && shapes_.size() < kDrainBelowShapes;
    const bool to_bits = trie_size_ > 0 && bits_size() < bits_max_ / 4 * 3;
    if (!to_shapes && !to_bits) return;
    for (uint32_t step = 0; step < kDrainSteps; ++step) {
        if (++drain_cursor_ >= slot_count_) drain_cursor_ = 0;
        const RecordRef ref = ref_of(drain_cursor_);
        if (ref == kNoRecord) continue;
        const uint16_t home = records_[ref].home;
        if (home != FilterRecord::kInTrie && home != FilterRecord::kInBits) continue;
        const FilterPath path = levels_.path(records_[ref].text());
        const uint16_t better = home_of(path);
        if (better == FilterRecord::kInTrie || better == home) continue;
        leave(ref);
        enter(ref, better);
    }
}

}  // namespace godwit::topic
