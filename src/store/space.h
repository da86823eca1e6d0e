// Space: segments ready to be written, and those to be got rid of. What it wants of the disk is one
// work at a time, so that segments vanish from the disk in the order in which they were retired: an
// erase never goes before the object that it ends.
#pragma once

#include "base/instant.h"
#include "store/options.h"
#include "store/pause.h"
#include "store/work.h"

#include <cstdint>
#include <deque>
#include <optional>

namespace godwit::store {

struct Spare {
    uint32_t number = 0;
    uint32_t bytes = 0;
    uint32_t salt = 0;
};

class Space {
public:
    /// Old segments beyond the spares that are wanted stay for so long after the last was taken:
    /// what comes in bursts does not make its segments anew each time.
    static constexpr Duration kKeptFor = std::chrono::minutes(1);

    /// @param next_number  above all segments that there ever were
    Space(const Options& options, uint32_t next_number)
        : options_(options), next_number_(next_number) {}

    /// One that is ready already.
    void add_spare(Spare spare) { spares_.push_back(spare); }
    /// A segment for a group of that size. nullopt: none is ready; one is being made, or will be.
    std::optional<Spare> take(uint64_t group_bytes, Instant now);
    /// Nothing in the segment is needed any more.
    void retire(uint32_t number, uint32_t bytes, bool set_aside) {
        retiring_.push_back({number, bytes, set_aside});
    }

    /// Room on the disk is short, here or for others: nothing beyond need is kept.
    void set_sparing(bool sparing) { is_sparing_ = sparing; }

    /// @param number  of the work
    std::optional<Work> work(uint64_t number, Instant now);
    void done(const WorkDone& done, Instant now);
    std::optional<Instant> next_deadline() const;

    /// What went wrong the last time and has not gone well since.
    const std::optional<DiskError>& error() const { return error_; }
    /// What is left is kept for erases and for cleaning.
    bool is_in_reserve() const { return error_.has_value() && spares_.size() <= 1; }
    /// Of spares and of segments that are to go.
    uint64_t disk_bytes() const;

private:
    struct Retiring {
        uint32_t number = 0;
        uint32_t bytes = 0;
        bool set_aside = false;
    };
    bool wants_huge() const;
    bool wants_spare() const;
    uint32_t wanted_bytes() const;
    bool can_recycle(Instant now) const;
    bool keeps_old(Instant now) const { return !is_sparing_ && now < taken_ + kKeptFor; }
    /// One that is there only because it was not thrown away yet.
    bool has_too_many() const { return spares_.size() > options_.spares + 1; }

    Options options_;
    uint32_t next_number_;
    std::deque<Spare> spares_;  // by number
    std::deque<Retiring> retiring_;
    uint64_t huge_bytes_ = 0;  // a group waits that no ordinary segment takes; 0: none
    bool is_busy_ = false;
    bool is_sparing_ = false;
    Instant taken_ = Instant::min();  // when a segment was taken last
    Pause pause_;
    std::optional<DiskError> error_;
    Work::Kind failed_kind_ = Work::Kind::Prepare;
};

}  // namespace godwit::store
