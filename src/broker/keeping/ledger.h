// Ledger: which durable objects this shard has, and what each stands for. Ids are dense, and the
// lowest free one is used next; 16 bytes an object, whatever it is.
#pragma once

#include "base/free_numbers.h"
#include "base/ids.h"
#include "base/paged_array.h"
#include "broker/keeping/object_format.h"

#include <cstdint>

namespace godwit::broker {

class Ledger {
public:
    Ledger() { rows_.grow_to(1); }
    ~Ledger();
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    /// A free id, now of this kind.
    ObjectId allocate(ObjectKind kind);
    /// The id that a log uses already.
    void adopt(ObjectId id, ObjectKind kind);
    /// After adopt() for all: finds the ids between them that are free.
    void collect_free();
    void release(ObjectId id);
    ObjectKind kind(ObjectId id) const {
        return id.value < rows_.size() ? ObjectKind(rows_[id.value].kind) : ObjectKind::None;
    }
    size_t size() const { return rows_.size() - 1 - free_.count(); }

    // --- sessions: which one it is ---
    uint32_t slot(ObjectId id) const { return row(id).value; }
    void set_slot(ObjectId id, uint32_t slot) { row(id).value = slot; }

    // --- messages: their size, and who still takes them ---
    uint32_t bytes(ObjectId id) const { return row(id).value; }
    /// Takers 0 .. count-1 are owed the message from now on.
    void set_takers(ObjectId id, uint32_t bytes, uint32_t count);
    /// The same, but nobody is owed it until open_taker().
    void restore_takers(ObjectId id, uint32_t bytes, uint32_t count);
    void open_taker(ObjectId id, uint32_t taker);
    bool is_open(ObjectId id, uint32_t taker) const;
    /// @return  true when nobody is owed it any more. A taker that is through already stays so.
    bool close_taker(ObjectId id, uint32_t taker);
    bool any_open(ObjectId id) const;
    uint32_t taker_count(ObjectId id) const { return row(id).takers; }

    static constexpr uint32_t kTakersMax = (1u << 24) - 1;

private:
    struct Row {
        uint32_t kind : 8 = 0;
        uint32_t takers : 24 = 0;
        uint32_t value = 0;
        union {
            uint64_t open = 0;  // bit set of takers, up to 64 of them
            uint64_t* more;     // else an array of such
        };
    };
    static_assert(sizeof(Row) == 16);
    Row& row(ObjectId id) { return rows_[id.value]; }
    const Row& row(ObjectId id) const { return rows_[id.value]; }
    static uint64_t* words(Row& row);
    static const uint64_t* words(const Row& row);
    static size_t word_count(const Row& row) { return (row.takers + 63) / 64; }
    void drop_takers(Row& row);

    PagedArray<Row> rows_;
    FreeNumbers free_;
};

}  // namespace godwit::broker
