// PathTrie: which beginnings of filters exist, so that a match follows only those that do. It has
// no pointers: a node is the hash of its path in a CellTable, a child is found by adding the
// child's term. It knows hashes alone; a false find costs a probe, and the filter's text decides.
#pragma once

#include "topic/cell_table.h"
#include "topic/level_hash.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace godwit::topic {

class PathTrie {
public:
    /// @cost  one node a level, 16 bytes each, shared with filters of the same beginning
    void add(const LevelHash& levels, std::string_view filter);
    /// Takes back one add of the same filter.
    void remove(const LevelHash& levels, std::string_view filter);

    /// Calls visit(hash) for the hash of each filter held that the name may match, each once.
    /// @cost  one probe per existing beginning that fits the name, and one per missed child;
    ///        iterative; allocates for names beyond 64 levels
    template <class Visit>
    void walk(const LevelHash& levels, const NamePath& name, Visit&& visit) const;

    size_t memory_bytes() const { return nodes_.memory_bytes(); }

private:
    // Marks stay until their node goes: a stale one costs a probe.
    enum Mark : uint32_t { kLiteralChild = 1, kPlusChild = 2, kEndsHere = 4, kEndsHash = 8 };
    struct Node {
        uint64_t hash_;
        uint32_t filter_count_;
        uint32_t marks_;
        uint32_t tag() const { return uint32_t(hash_ >> 32); }
        bool empty() const { return filter_count_ == 0; }
        constexpr void clear() { filter_count_ = 0; }
    };
    struct Step {
        uint64_t hash;
        uint32_t depth;
    };
    static constexpr uint32_t kInlineSteps = 66;

    const Node* find(uint64_t hash) const;
    Node* find(uint64_t hash);

    CellTable<Node> nodes_;
    uint64_t filter_count_ = 0;
    uint32_t root_marks_ = 0;
};

template <class Visit>
void PathTrie::walk(const LevelHash& levels, const NamePath& name, Visit&& visit) const {
    // Depth first: per level at most one step waits, so name.level_count() + 2 steps are enough.
    Step inline_steps[kInlineSteps];
    std::vector<Step> deep_steps;
    Step* steps = inline_steps;
    if (name.level_count() + 2 > kInlineSteps) {
        deep_steps.resize(name.level_count() + 2);
        steps = deep_steps.data();
    }
    const auto push = [&](uint64_t hash, uint32_t depth, size_t& waiting) {
        nodes_.prefetch(hash);
        steps[waiting++] = Step{hash, depth};
    };
    size_t waiting = 0;
    Step at{0, 0};
    uint32_t marks = root_marks_;
    if (name.begins_with_dollar()) marks &= kLiteralChild;  // [MQTT5-4.7.2-1]
    for (;;) {
        if (marks & kEndsHash) visit(at.hash + levels.hash_term(at.depth));
        if (at.depth < name.level_count()) {
            if (marks & kPlusChild)
                push(at.hash + levels.plus_term(at.depth), at.depth + 1, waiting);
            if (marks & kLiteralChild) push(at.hash + name.term(at.depth), at.depth + 1, waiting);
        } else if (marks & kEndsHere && !name.is_cut()) {
            visit(at.hash);
        }
        const Node* node = nullptr;
        while (!node) {
            if (waiting == 0) return;
            at = steps[--waiting];
            node = find(at.hash);
        }
        marks = node->marks_;
    }
}

}  // namespace godwit::topic
