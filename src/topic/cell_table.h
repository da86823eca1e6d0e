// CellTable: small fixed-size cells by hash, at 1.2 to 1.4 cells of memory per cell held. Users:
// the index of filters and the trie of path hashes. Both ask mostly for what is not there, so a
// byte per cell answers that first: it stays in the cache when the cells do not.
// The table is cut into parts by the low bits of the hash; a part grows and shrinks alone, so no
// insert moves more than 1/64 of the cells. Within a part cells stand in the order of their tag
// (the upper half of the hash), each at or after the place its tag is proportional to: a miss ends
// at the first larger tag, and growing is one pass without hashing anything again.
#pragma once

#include "base/assert.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace godwit::topic {

/// Cell is trivially copyable and has `uint32_t tag() const`, `bool empty() const` and a
/// constexpr `clear()` that makes it empty, its tag UINT32_MAX. Cells may share a tag; telling them
/// apart is the caller's.
template <class Cell>
class CellTable {
public:
    static constexpr uint32_t tag_of(uint64_t hash) { return uint32_t(hash >> 32); }

    /// False if no cell has the hash's tag; true is wrong in about 3 of 100 cases.
    bool may_hold(uint64_t hash) const {
        const Part& part = parts_[hash % kParts];
        if (!part.cells) return false;
        const uint64_t bits = hint_bits(tag_of(hash));
        return (part.hints[home(part, tag_of(hash)) / kPlacesPerHint] & bits) == bits;
    }

    /// Asks the memory system for what may_hold() will look at.
    void prefetch_hint(uint64_t hash) const {
        const Part& part = parts_[hash % kParts];
        __builtin_prefetch(part.hints.get() + home(part, tag_of(hash)) / kPlacesPerHint);
    }
    /// Asks the memory system for what first() will look at.
    void prefetch(uint64_t hash) const {
        const Part& part = parts_[hash % kParts];
        __builtin_prefetch(part.cells.get() + home(part, tag_of(hash)));
    }

    /// The first cell with the hash's tag. Walk on with ++ while has_tag() holds; valid until the
    /// next insert or erase.
    const Cell* first(uint64_t hash) const {
        const Part& part = parts_[hash % kParts];
        if (!part.cells) return &kNone;
        const Cell* cell = &part.cells[home(part, tag_of(hash))];
        while (cell->tag() < tag_of(hash)) ++cell;  // an empty cell ends it
        return cell;
    }
    Cell* first(uint64_t hash) {
        return const_cast<Cell*>(static_cast<const CellTable*>(this)->first(hash));
    }
    static bool has_tag(const Cell* cell, uint64_t hash) {
        return !cell->empty() && cell->tag() == tag_of(hash);
    }

    /// Adds a cell whose tag is the hash's. Returns where it stands now.
    Cell* insert(uint64_t hash, const Cell& cell) {
        Part& part = parts_[hash % kParts];
        if (part.size + 1 > part.capacity / 8 * 7) grow(part);
        for (;;) {
            if (Cell* placed = place(part, cell)) return placed;
            grow(part);
        }
    }

    /// Removes a cell that first() led to with the same hash.
    void erase(uint64_t hash, Cell* cell) {
        Part& part = parts_[hash % kParts];
        const size_t hint = home(part, cell->tag()) / kPlacesPerHint;
        size_t hole = size_t(cell - part.cells.get());
        while (!part.cells[hole + 1].empty() && home(part, part.cells[hole + 1].tag()) <= hole) {
            part.cells[hole] = part.cells[hole + 1];
            ++hole;
        }
        part.cells[hole].clear();
        set_hint(part, hint);
        --part.size;
        if (part.size == 0) {
            part = Part{};
        } else if (part.size < part.capacity / 4) {
            resize(part, part.size * 2 + 5);
        }
    }

    /// What the table owns besides itself.
    size_t memory_bytes() const {
        size_t bytes = 0;
        for (const Part& part : parts_)
            if (part.cells)
                bytes += cell_count(part.capacity) * sizeof(Cell) +
                         hint_count(part.capacity) * sizeof(uint64_t);
        return bytes;
    }

private:
    static constexpr size_t kParts = 64;
    static constexpr size_t kPlacesPerHint = 8;
    struct Part {
        std::unique_ptr<Cell[]> cells;      // null while empty; the last cell is never used
        std::unique_ptr<uint64_t[]> hints;  // two bits of each cell, a word for 8 places
        uint32_t capacity = 0;              // places that a tag can be proportional to
        uint32_t size = 0;
    };

    /// Room behind the last place for cells that were pushed on, and the end mark. It grows without
    /// bound, so that growing ends however many tags are equal.
    static size_t cell_count(uint32_t capacity) {
        return capacity + std::min<size_t>(capacity / 8, 60) + capacity / 64 + 4;
    }
    static size_t hint_count(uint32_t capacity) { return capacity / kPlacesPerHint + 1; }
    /// From the low bits of the tag; its high bits have chosen the word.
    static uint64_t hint_bits(uint32_t tag) {
        return uint64_t(1) << (tag & 63) | uint64_t(1) << (tag >> 6 & 63);
    }
    static size_t home(const Part& part, uint32_t tag) {
        return size_t((uint64_t(tag) * part.capacity) >> 32);
    }
    static constexpr Cell make_none() {
        Cell none{};
        none.clear();
        return none;
    }

    /// nullptr if the cell would fall off the end of the part.
    static Cell* place(Part& part, const Cell& cell) {
        Cell* at = &part.cells[home(part, cell.tag())];
        while (!at->empty() && at->tag() <= cell.tag()) ++at;
        Cell* gap = at;
        while (!gap->empty()) ++gap;
        if (gap == &part.cells[cell_count(part.capacity) - 1]) return nullptr;
        std::move_backward(at, gap, gap + 1);
        *at = cell;
        part.hints[home(part, cell.tag()) / kPlacesPerHint] |= hint_bits(cell.tag());
        ++part.size;
        return at;
    }

    /// By an eighth: what is held by millions of things must not lie half empty.
    static void grow(Part& part) { resize(part, part.capacity + part.capacity / 8 + 8); }

    static void resize(Part& part, uint32_t capacity) {
        for (;; capacity = capacity / 2 * 3) {
            Part next{std::make_unique<Cell[]>(cell_count(capacity)),
                      std::make_unique<uint64_t[]>(hint_count(capacity)), capacity, part.size};
            std::fill_n(next.cells.get(), cell_count(capacity), make_none());
            if (!copy_cells(part, next)) continue;
            part = std::move(next);
            return;
        }
    }  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): clang-tidy 14 loses what is moved

    static bool copy_cells(const Part& from, Part& to) {
        if (!from.cells) return true;
        const size_t end = cell_count(to.capacity) - 1;
        size_t at = 0;
        for (size_t i = 0; i < cell_count(from.capacity); ++i) {
            if (from.cells[i].empty()) continue;
            at = std::max(at, home(to, from.cells[i].tag()));
            if (at == end) return false;
            to.hints[home(to, from.cells[i].tag()) / kPlacesPerHint] |=
                hint_bits(from.cells[i].tag());
            to.cells[at++] = from.cells[i];
        }
        return true;
    }

    /// Makes one word of hints anew, from the cells whose places it covers.
    static void set_hint(Part& part, size_t hint) {
        const size_t end = (hint + 1) * kPlacesPerHint;
        part.hints[hint] = 0;
        size_t at = hint * kPlacesPerHint;
        for (; at < cell_count(part.capacity); ++at) {
            const Cell& cell = part.cells[at];
            if (cell.empty() && at >= end) return;
            if (cell.empty()) continue;
            const size_t place = home(part, cell.tag());
            if (place >= end) return;
            if (place / kPlacesPerHint == hint) part.hints[hint] |= hint_bits(cell.tag());
        }
    }

    static constexpr Cell kNone = make_none();
    std::array<Part, kParts> parts_;
};

}  // namespace godwit::topic
