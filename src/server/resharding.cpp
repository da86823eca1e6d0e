#include "server/resharding.h"

#include "broker/keeping/resharding.h"
#include "os/clock.h"
#include "os/entropy.h"

namespace godwit::server {

namespace {

constexpr Duration kReportEvery = std::chrono::seconds(1);

/// A line every second.
class Reporter : public broker::ReshardWatch {
public:
    Reporter(os::LogWriter& log, uint16_t from, uint16_t to)
        : log_(log), from_(from), to_(to), started_(os::monotonic_now()), next_(started_) {
        next_ += kReportEvery;
    }
    void on_progress(size_t log, uint64_t done, uint64_t total) override {
        const Instant now = os::monotonic_now();
        if (now < next_) return;
        next_ = now + kReportEvery;
        log_.log(line("state.moving").add("shard", log).add("objects", done).add("of", total));
    }
    void finished(const broker::Resharded& sum) {
        const auto took =
            std::chrono::duration_cast<std::chrono::milliseconds>(os::monotonic_now() - started_);
        log_.log(line("state.moved")
                     .add("sessions", sum.sessions)
                     .add("subscriptions", sum.subscriptions)
                     .add("messages", sum.messages)
                     .add("retained", sum.retained)
                     .add("dropped", sum.dropped)
                     .add("ms", took.count()));
    }

private:
    LogLine line(const char* name) const {
        return LogLine(LogLevel::Info, name).add("from_shards", from_).add("to_shards", to_);
    }
    os::LogWriter& log_;
    uint16_t from_, to_;
    Instant started_, next_;
};

std::vector<broker::LogFolder> folders_of(DataDirectory& data) {
    std::vector<broker::LogFolder> folders;
    for (uint16_t i = 0; i < data.shard_count(); ++i)
        folders.push_back({&data.directory(), data.folder({i})});
    return folders;
}

std::vector<broker::LogFolder> next_folders_of(DataDirectory& data, uint16_t shards) {
    std::vector<broker::LogFolder> folders;
    for (uint16_t i = 0; i < shards; ++i)
        folders.push_back({&data.directory(), data.next_folder({i})});
    return folders;
}

/// The old shards live for this call. @return  by how much the broker's clock is ahead
Result<Duration, std::string> bring_to_rest(DataDirectory& data, const ReshardParts& parts) {
    auto opened = open_shards(data, parts.config, parts.store, *parts.log);
    if (!opened) return Err{opened.error()};
    opened->restart(parts.policy);
    const auto rest =
        broker::come_to_rest(opened->seats(), folders_of(data), opened->now(), os::wall_now());
    if (!rest) return Err{rest.error().what};
    return opened->clock_ahead;
}

}  // namespace

Result<Done, std::string> reshard(DataDirectory& data, uint16_t shards, const ReshardParts& parts) {
    Reporter reporter(*parts.log, data.shard_count(), shards);
    const auto ahead = bring_to_rest(data, parts);
    if (!ahead) return Err{ahead.error()};
    if (auto done = data.prepare_next(); !done) return Err{done.error().what};
    broker::ReshardPlan plan{.from = folders_of(data),
                             .to = next_folders_of(data, shards),
                             .key = data.key(),
                             .store = parts.store,
                             .now = os::monotonic_now() + *ahead,
                             .wall = os::wall_now()};
    plan.store.salt = uint32_t(os::random_hash_key().k0);
    const auto moved = broker::reshard(plan, reporter);
    if (!moved) {
        (void)data.prepare_next();  // room for the others; what is left goes at the next start
        return Err{moved.error().what};
    }
    if (auto done = data.switch_to_next(shards); !done) return Err{done.error().what};
    reporter.finished(*moved);
    return Done{};
}

}  // namespace godwit::server
