#include "store/space.h"

#include "base/assert.h"
#include "store/log_format.h"

#include <algorithm>

namespace godwit::store {

std::optional<Spare> Space::take(uint64_t group_bytes, Instant now) {
    const uint64_t needed = page_end(kSegmentHeadBytes + group_bytes);
    if (needed > options_.segment_bytes) huge_bytes_ = needed;
    size_t chosen = 0;
    while (chosen < spares_.size() && spares_[chosen].bytes < needed) ++chosen;
    if (chosen == spares_.size()) return std::nullopt;
    // Segments are written in the order of their numbers: those that are passed over are not used.
    for (; chosen > 0; --chosen) {
        retire(spares_.front().number, spares_.front().bytes, false);
        spares_.pop_front();
    }
    const Spare out = spares_.front();
    spares_.pop_front();
    huge_bytes_ = 0;
    taken_ = now;
    return out;
}

bool Space::wants_huge() const {
    return huge_bytes_ > 0 && (spares_.empty() || spares_.back().bytes < huge_bytes_);
}

bool Space::wants_spare() const {
    return spares_.size() < options_.spares || wants_huge();
}

uint32_t Space::wanted_bytes() const {
    return wants_huge() ? uint32_t(huge_bytes_) : options_.segment_bytes;
}

/// At least one more than are wanted: in a steady state, then, no segment is made from nothing.
bool Space::can_recycle(Instant now) const {
    const uint32_t old_spares = keeps_old(now) ? options_.old_spares : 0;
    if (retiring_.empty() || spares_.size() > std::max(options_.spares, old_spares)) return false;
    const Retiring& oldest = retiring_.front();
    return !oldest.set_aside && oldest.bytes == wanted_bytes();
}

std::optional<Work> Space::work(uint64_t number, Instant now) {
    if (is_busy_ || !pause_.is_over(now)) return std::nullopt;
    Work work{.number = number};
    if (has_too_many() && !keeps_old(now)) {
        retire(spares_.back().number, 0, false);  // fits no more: it is removed, not recycled
        spares_.pop_back();
    }
    const bool recycles = can_recycle(now);
    if (!retiring_.empty() && !recycles) {
        work.kind = Work::Kind::Retire;
        work.at = Position::at(retiring_.front().number, 0);
        work.length = retiring_.front().bytes;
        work.set_aside = retiring_.front().set_aside;
    } else if (recycles || wants_spare()) {
        work.kind = Work::Kind::Prepare;
        work.at = Position::at(next_number_++, 0);
        work.length = wanted_bytes();
        work.recycle = recycles ? retiring_.front().number : 0;
        work.salt = options_.salt;
    } else {
        return std::nullopt;
    }
    is_busy_ = true;
    return work;
}

void Space::done(const WorkDone& done, Instant now) {
    GW_ASSERT(is_busy_);
    is_busy_ = false;
    const Work& work = done.work;
    const bool used_front = work.kind == Work::Kind::Retire || work.recycle != 0;
    if (!done.error) {
        if (used_front) retiring_.pop_front();
        if (work.kind == Work::Kind::Prepare)
            spares_.push_back({work.at.segment(), work.length, work.salt});
        // The one that failed may have been a spare too many: then nothing of it is left to do.
        const bool nothing_left = retiring_.empty() && !wants_spare();
        if (work.kind == Work::Kind::Prepare || work.kind == failed_kind_ || nothing_left) {
            error_.reset();
            pause_.clear();
        }
        return;
    }
    pause_.begin(now);
    error_ = done.error;
    failed_kind_ = work.kind;
    if (work.kind != Work::Kind::Prepare) return;
    // Whatever stands there under either name goes, the old one first.
    const Retiring half_made{work.at.segment(), 0, false};
    if (work.recycle != 0) {
        retiring_.front().bytes = 0;  // fits no more: it is removed, not recycled
        retiring_.insert(retiring_.begin() + 1, half_made);
    } else {
        retiring_.push_front(half_made);
    }
}

std::optional<Instant> Space::next_deadline() const {
    if (is_busy_) return std::nullopt;
    if (!retiring_.empty() || wants_spare()) return pause_.end();
    if (!has_too_many()) return std::nullopt;
    return std::max(taken_ + kKeptFor, pause_.end().value_or(Instant::min()));
}

uint64_t Space::disk_bytes() const {
    uint64_t bytes = 0;
    for (const Spare& each : spares_) bytes += each.bytes;
    for (const Retiring& each : retiring_) bytes += each.bytes;
    return bytes;
}

}  // namespace godwit::store
