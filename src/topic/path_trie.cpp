#include "topic/path_trie.h"

namespace godwit::topic {

const PathTrie::Node* PathTrie::find(uint64_t hash) const {
    for (const Node* node = nodes_.first(hash); nodes_.has_tag(node, hash); ++node)
        if (node->hash_ == hash) return node;
    return nullptr;
}

PathTrie::Node* PathTrie::find(uint64_t hash) {
    return const_cast<Node*>(static_cast<const PathTrie*>(this)->find(hash));
}

void PathTrie::add(const LevelHash& levels, std::string_view filter) {
    ++filter_count_;
    uint64_t hash = 0;
    uint32_t depth = 0;
    uint32_t* marks = &root_marks_;
    for (LevelReader reader(filter); !reader.done(); ++depth) {
        const std::string_view level = reader.next();
        if (level == "#") {
            *marks |= kEndsHash;
            return;
        }
        *marks |= level == "+" ? kPlusChild : kLiteralChild;
        hash += levels.term(depth, level);
        Node* node = find(hash);
        if (node) {
            ++node->filter_count_;
        } else {
            node = nodes_.insert(hash, Node{hash, 1, 0});
        }
        marks = &node->marks_;
    }
    *marks |= kEndsHere;
}

void PathTrie::remove(const LevelHash& levels, std::string_view filter) {
    if (--filter_count_ == 0) root_marks_ = 0;
    uint64_t hash = 0;
    uint32_t depth = 0;
    for (LevelReader reader(filter); !reader.done(); ++depth) {
        const std::string_view level = reader.next();
        if (level == "#") return;
        hash += levels.term(depth, level);
        Node* node = find(hash);
        GW_ASSERT(node != nullptr);
        if (node->filter_count_ > 1) {
            --node->filter_count_;
        } else {
            nodes_.erase(hash, node);
        }
    }
}

}  // namespace godwit::topic
