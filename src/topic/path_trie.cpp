#include "topic/path_trie.h"

namespace godwit::topic {

/// Reads a filter's path from the root on, its end as a level of its own.
class PathTrie::PathReader {
public:
    PathReader(const LevelHash& levels, std::string_view filter)
        : levels_(levels), reader_(filter) {}

    /// Steps down one level. Returns the mark it leaves on the node above.
    Mark step() {
        GW_ASSERT(!ended_);  // two filters with one hash: does not happen with a secret key
        if (reader_.done()) {
            hash_ += levels_.end_term(depth_);
            ended_ = true;
            return kEnd;
        }
        const std::string_view level = reader_.next();
        hash_ += levels_.term(depth_++, level);
        ended_ = level == "#";
        return ended_ ? kHash : level == "+" ? kPlus : kLiteral;
    }
    uint64_t hash() const { return hash_; }

private:
    const LevelHash& levels_;
    LevelReader reader_;
    uint64_t hash_ = 0;
    uint32_t depth_ = 0;
    bool ended_ = false;
};

const PathTrie::Node* PathTrie::find(uint64_t hash) const {
    for (const Node* node = nodes_.first(hash); nodes_.has_tag(node, hash); ++node)
        if (node->hash_ == hash) return node;
    return nullptr;
}

PathTrie::Node* PathTrie::find(uint64_t hash) {
    return const_cast<Node*>(static_cast<const PathTrie*>(this)->find(hash));
}

uint32_t PathTrie::leaf_marks(const LevelHash& levels, std::string_view filter) {
    std::string_view told;
    uint32_t position = 256;
    LevelReader reader(filter);
    for (uint32_t i = 0; i < 256 && !reader.done(); ++i) {
        const std::string_view level = reader.next();
        if (level == "+" || level == "#") continue;
        told = level;
        position = i;
    }
    if (position == 256) return kLeaf;
    return kLeaf | kTold | position << 8 | uint32_t(levels.term(position, told) >> 48) << 16;
}

void PathTrie::insert_leaf(const LevelHash& levels, uint64_t hash, const FilterRecords& records,
                           RecordRef filter) {
    nodes_.insert(hash, Node{hash, filter, leaf_marks(levels, records[filter].text())});
}

void PathTrie::add(const LevelHash& levels, const FilterRecords& records, RecordRef filter) {
    ++filter_count_;
    PathReader path(levels, records[filter].text());
    root_marks_ |= path.step();
    Node* node = find(path.hash());
    // Down the nodes that are there...
    while (node && !(node->marks_ & kLeaf)) {
        ++node->value_;
        node->marks_ |= path.step();
        node = find(path.hash());
    }
    if (!node) {
        insert_leaf(levels, path.hash(), records, filter);
        return;
    }
    // ...to a leaf, which becomes a node, as do the levels below it until the two filters part.
    const RecordRef other = node->value_;
    PathReader other_path(levels, records[other].text());
    while (other_path.hash() != path.hash()) other_path.step();
    for (;;) {
        *node = Node{path.hash(), 2, 0};
        node->marks_ = uint32_t(path.step()) | uint32_t(other_path.step());
        if (path.hash() != other_path.hash()) break;
        node = nodes_.insert(path.hash(), Node{path.hash(), 0, kLeaf});
    }
    insert_leaf(levels, path.hash(), records, filter);
    insert_leaf(levels, other_path.hash(), records, other);
}

void PathTrie::remove(const LevelHash& levels, const FilterRecords& records, RecordRef filter) {
    if (--filter_count_ == 0) root_marks_ = 0;
    PathReader path(levels, records[filter].text());
    for (;;) {
        path.step();
        Node* node = find(path.hash());
        GW_ASSERT(node != nullptr);
        if (node->marks_ & kLeaf) {
            GW_ASSERT(node->value_ == filter);
            nodes_.erase(path.hash(), node);
            return;
        }
        if (--node->value_ == 0) nodes_.erase(path.hash(), node);
    }
}

}  // namespace godwit::topic
