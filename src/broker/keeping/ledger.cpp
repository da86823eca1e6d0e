#include "broker/keeping/ledger.h"

#include "base/assert.h"

#include <algorithm>

namespace godwit::broker {

Ledger::~Ledger() {
    for (size_t i = 1; i < rows_.size(); ++i) drop_takers(rows_[i]);
}

uint64_t* Ledger::words(Row& row) {
    return row.takers <= 64 ? &row.open : row.more;
}
const uint64_t* Ledger::words(const Row& row) {
    return row.takers <= 64 ? &row.open : row.more;
}

void Ledger::drop_takers(Row& row) {
    if (ObjectKind(row.kind) == ObjectKind::Message && row.takers > 64) delete[] words(row);
    row.takers = 0;
    row.open = 0;
}

ObjectId Ledger::allocate(ObjectKind kind) {
    const ObjectId id{free_.empty() ? uint32_t(rows_.size()) : free_.take()};
    rows_.grow_to(size_t(id.value) + 1);
    row(id) = Row{.kind = uint8_t(kind)};
    return id;
}

void Ledger::adopt(ObjectId id, ObjectKind kind) {
    rows_.grow_to(size_t(id.value) + 1);
    row(id).kind = uint8_t(kind);
}

void Ledger::collect_free() {
    free_.clear();
    for (uint32_t i = 1; i < rows_.size(); ++i)
        if (ObjectKind(rows_[i].kind) == ObjectKind::None) free_.add(i);
}

void Ledger::release(ObjectId id) {
    GW_ASSERT(kind(id) != ObjectKind::None);
    drop_takers(row(id));
    row(id) = Row{};
    free_.add(id.value);
}

void Ledger::restore_takers(ObjectId id, uint32_t bytes, uint32_t count) {
    GW_ASSERT(kind(id) == ObjectKind::Message && count <= kTakersMax);
    Row& at = row(id);
    drop_takers(at);
    at.value = bytes;
    at.takers = count;
    if (count > 64) at.more = new uint64_t[word_count(at)]();
}

void Ledger::open_taker(ObjectId id, uint32_t taker) {
    Row& at = row(id);
    GW_ASSERT(ObjectKind(at.kind) == ObjectKind::Message && taker < at.takers);
    words(at)[taker / 64] |= uint64_t(1) << (taker % 64);
}

void Ledger::set_takers(ObjectId id, uint32_t bytes, uint32_t count) {
    restore_takers(id, bytes, count);
    uint64_t* word = words(row(id));
    for (uint32_t left = count; left > 0; left -= std::min(left, 64u))
        *word++ = left >= 64 ? ~uint64_t(0) : (uint64_t(1) << left) - 1;
}

bool Ledger::is_open(ObjectId id, uint32_t taker) const {
    const Row& at = row(id);
    return taker < at.takers && (words(at)[taker / 64] >> (taker % 64) & 1) != 0;
}

bool Ledger::close_taker(ObjectId id, uint32_t taker) {
    Row& at = row(id);
    GW_ASSERT(ObjectKind(at.kind) == ObjectKind::Message && taker < at.takers);
    words(at)[taker / 64] &= ~(uint64_t(1) << (taker % 64));
    return !any_open(id);
}

bool Ledger::any_open(ObjectId id) const {
    const Row& at = row(id);
    const uint64_t* word = words(at);
    return std::any_of(word, word + word_count(at), [](uint64_t each) { return each != 0; });
}

}  // namespace godwit::broker
