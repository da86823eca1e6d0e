// Drives: the shards' disks, and how slow, full or broken each of them is at the moment. What may
// keep a shard's writes from the disk longer than usual goes into the history (History::troubles).
#pragma once

#include "sim/agenda.h"
#include "sim/plan.h"
#include "store/testing/faulty_disk.h"
#include "store/work.h"

#include <memory>
#include <string>
#include <vector>

namespace godwit::sim {

class Drives {
public:
    /// None without a durable plan.
    Drives(const Plan& plan, const Agenda& agenda, History& history);

    bool empty() const { return drives_.empty(); }
    store::testing::FaultyDisk& disk(uint16_t shard) { return *drives_[shard].disk; }

    /// A fault begins: DiskFull, DiskFails or DiskSlow.
    void trouble(const Action& action);
    /// How long the next piece of work takes.
    Duration work_time(uint16_t shard);
    /// Work has waited since then: for long, and it is trouble.
    void note_wait(Instant since);
    store::WorkDone perform(uint16_t shard, store::Work work);
    /// The machines are off: what was not synced is lost, or torn.
    void lose_power();
    /// Bits flip somewhere before the last group that was synced: what is behind it proves that
    /// something is missing.
    void rot();
    /// A broker is about to start: disks that fail have been replaced; full ones stay full.
    void mend();
    /// No more faults.
    void calm();

private:
    struct Drive {
        std::unique_ptr<store::testing::FaultyDisk> disk;
        Instant full_until, fails_until, slow_until;
        uint64_t capacity = 0;  // while it is full
        uint32_t chance = 0;    // while it fails
        Duration slow{};
        store::Position synced;  // the last group that was
    };
    void set_faults(Drive& drive);

    const Plan& plan_;
    const Agenda& agenda_;
    History& history_;
    Random random_;
    std::vector<Drive> drives_;  // by shard
    bool calm_ = false;
};

}  // namespace godwit::sim
