#include "sim/drives.h"

#include "store/log_format.h"
#include "store/pause.h"

#include <algorithm>

namespace godwit::sim {

using std::chrono::milliseconds;

namespace {

constexpr Duration kUsual = Duration(200'000);
/// After a fault the log tries again, at the latest when its longest pause ends.
constexpr Duration kAftermath = store::Pause::kLongest + milliseconds(100);

}  // namespace

Drives::Drives(const Plan& plan, const Agenda& agenda, History& history)
    : plan_(plan), agenda_(agenda), history_(history), random_(plan.seed ^ 0xd2) {
    if (!plan.durable) return;
    drives_.resize(plan.shards);
    for (Drive& each : drives_)
        each.disk = std::make_unique<store::testing::FaultyDisk>(random_.next());
}

void Drives::trouble(const Action& action) {
    using Kind = Action::Kind;
    const Instant until = agenda_.now() + action.pause;
    for (size_t i = 0; i < drives_.size(); ++i) {
        if (action.client != kNone && action.client % drives_.size() != i) continue;
        Drive& drive = drives_[i];
        if (action.kind == Kind::DiskFull) {
            drive.full_until = until;
            drive.capacity = drive.disk->used_bytes();
        } else if (action.kind == Kind::DiskFails) {
            drive.fails_until = until;
            drive.chance = action.chance;
        } else {
            drive.slow_until = until;
            drive.slow = action.slow;
        }
    }
    const Duration after = action.kind == Kind::DiskSlow ? 3 * action.slow : kAftermath;
    history_.add_trouble(agenda_.now(), until + after);
}

Duration Drives::work_time(uint16_t shard) {
    const Drive& drive = drives_[shard];
    Duration most = calm_ || random_.below(4) != 0 ? kUsual : plan_.sync_max;
    if (!calm_ && agenda_.now() < drive.slow_until) most = drive.slow;
    return Duration(1 + random_.below(uint64_t(most.count())));
}

void Drives::note_wait(Instant since) {
    if (agenda_.now() - since > milliseconds(100)) history_.add_trouble(since, agenda_.now());
}

void Drives::set_faults(Drive& drive) {
    const Instant now = agenda_.now();
    drive.disk->capacity.reset();
    if (!calm_ && now < drive.full_until) drive.disk->capacity = drive.capacity;
    const uint32_t chance = !calm_ && now < drive.fails_until ? drive.chance : 0;
    drive.disk->write_failures = drive.disk->sync_failures = drive.disk->name_failures = chance;
}

store::WorkDone Drives::perform(uint16_t shard, store::Work work) {
    Drive& drive = drives_[shard];
    set_faults(drive);
    const bool commits = work.kind == store::Work::Kind::Commit && work.sync;
    store::WorkDone done = store::perform(std::move(work), *drive.disk, "");
    if (commits && !done.error) drive.synced = done.work.at;
    return done;
}

void Drives::lose_power() {
    for (Drive& each : drives_) each.disk->power_loss(random_);
}

void Drives::rot() {
    if (drives_.empty()) return;
    Drive& drive = drives_[random_.below(drives_.size())];
    const auto names = drive.disk->list("");
    std::vector<std::string> old;
    for (const std::string& name : *names)
        if (const auto number = store::parse_segment_name(name);
            number && *number <= drive.synced.segment())
            old.push_back(name);
    if (old.empty()) return;
    const std::string& name = old[random_.below(old.size())];
    const bool newest = name == store::segment_name(drive.synced.segment());
    const uint64_t end = newest ? drive.synced.offset() : plan_.segment_bytes;
    const uint64_t begin = random_.below(end);
    const uint64_t length = 1 + random_.below(2000);
    drive.disk->rot(name, begin, std::min(end, begin + length), uint32_t(1 + random_.below(8)));
}

void Drives::mend() {
    for (Drive& each : drives_) {
        each.fails_until = agenda_.now();
        set_faults(each);
    }
}

void Drives::calm() {
    calm_ = true;
    mend();
}

}  // namespace godwit::sim
