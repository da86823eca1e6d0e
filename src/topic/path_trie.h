// PathTrie: which beginnings of filters exist, so that a match follows only those that do. It has
// no pointers between nodes: a node is the hash of its path in a CellTable, a child is found by
// adding the child's term. A filter is one leaf, at the first beginning that it shares with no
// other; the end of a filter without '#' counts as one more level, so two filters always part.
#pragma once

#include "topic/cell_table.h"
#include "topic/filter_records.h"
#include "topic/level_hash.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace godwit::topic {

class PathTrie {
public:
    /// @cost  one leaf, and a node for each further level that it shares with another filter,
    ///        16 bytes each
    void add(const LevelHash& levels, const FilterRecords& records, RecordRef filter);
    /// Takes a filter out that was added.
    void remove(const LevelHash& levels, const FilterRecords& records, RecordRef filter);

    /// Calls visit(RecordRef) for each filter held that may match the name, each once.
    /// @cost  one probe per shared beginning that fits the name, and one per missed child;
    ///        iterative; allocates for names beyond 64 levels
    template <class Visit>
    void walk(const LevelHash& levels, const NamePath& name, Visit&& visit) const;

    size_t memory_bytes() const { return nodes_.memory_bytes(); }

private:
    // Which children a node may have. Marks stay until their node goes: a stale one costs a probe.
    // A leaf has two things more: the position of the filter's last literal level (8 bits) and a
    // part of that level's term (16 bits), which tell most names that do not match.
    enum Mark : uint32_t { kLiteral = 1, kPlus = 2, kHash = 4, kEnd = 8, kLeaf = 16, kTold = 32 };
    struct Node {
        uint64_t hash_;
        uint32_t value_;  // filters below; of a leaf: its filter
        uint32_t marks_;
        uint32_t tag() const { return uint32_t(hash_ >> 32); }
        bool empty() const { return marks_ == 0; }
        constexpr void clear() { hash_ = UINT64_MAX, marks_ = 0; }
    };
    struct Step {
        uint64_t hash;
        uint32_t depth;
    };
    class PathReader;
    static constexpr uint32_t kInlineSteps = 68;

    static uint32_t leaf_marks(const LevelHash& levels, std::string_view filter);
    static bool may_match(uint32_t marks, const NamePath& name) {
        if (!(marks & kTold)) return true;
        const uint32_t position = marks >> 8 & 255;
        return position < name.level_count() && name.term(position) >> 48 == marks >> 16;
    }
    void insert_leaf(const LevelHash& levels, uint64_t hash, const FilterRecords& records,
                     RecordRef filter);
    const Node* find(uint64_t hash) const;
    Node* find(uint64_t hash);

    CellTable<Node> nodes_;
    uint64_t filter_count_ = 0;
    uint32_t root_marks_ = 0;
};

template <class Visit>
void PathTrie::walk(const LevelHash& levels, const NamePath& name, Visit&& visit) const {
    // Depth first: beside the path at most one step a level waits, and two at its end.
    Step inline_steps[kInlineSteps];
    std::vector<Step> deep_steps;
    Step* steps = inline_steps;
    if (name.level_count() + 4 > kInlineSteps) {
        deep_steps.resize(name.level_count() + 4);
        steps = deep_steps.data();
    }
    size_t waiting = 0;
    Step at{0, 0};
    const auto push = [&](uint64_t term) {
        if (!nodes_.may_hold(at.hash + term)) return;
        nodes_.prefetch(at.hash + term);
        steps[waiting++] = Step{at.hash + term, at.depth + 1};
    };
    uint32_t marks = root_marks_;
    if (name.begins_with_dollar()) marks &= kLiteral;  // [MQTT5-4.7.2-1]
    for (;;) {
        if (marks & kHash) push(levels.hash_term(at.depth));
        if (at.depth < name.level_count()) {
            if (marks & kPlus) push(levels.plus_term(at.depth));
            if (marks & kLiteral) push(name.term(at.depth));
        } else if (marks & kEnd && !name.is_cut()) {
            push(levels.end_term(at.depth));
        }
        for (;;) {
            if (waiting == 0) return;
            at = steps[--waiting];
            const Node* node = find(at.hash);
            if (!node) continue;
            marks = node->marks_;
            if (!(marks & kLeaf)) break;
            if (may_match(marks, name)) visit(RecordRef{node->value_});
        }
    }
}

}  // namespace godwit::topic
