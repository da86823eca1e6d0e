#include "broker/keeping/new_log.h"

#include "base/assert.h"

namespace godwit::broker {

namespace {

constexpr uint64_t kGroupBytes = 1 << 20;

/// Is anything there?
class Finder : public store::Replay {
public:
    void on_put(ObjectId, Bytes) override { found = true; }
    void on_note(ObjectId, Bytes) override {}
    void on_erase(ObjectId) override {}
    bool found = false;
};

}  // namespace

Result<NewLog, DiskError> NewLog::make(const LogFolder& folder, const store::Options& options) {
    Finder finder;
    auto opened = store::Log::open(*folder.directory, folder.name, options, finder);
    if (!opened) return Err{opened.error()};
    if (finder.found)
        return Err{DiskError{DiskFault::Exists, folder.name + " holds a log already"}};
    return NewLog(folder, std::move(opened->log));
}

Result<Done, DiskError> NewLog::put(ObjectId id, Bytes bytes) {
    log_.put(id, bytes);
    pending_bytes_ += bytes.size();
    if (pending_bytes_ < kGroupBytes) return Done{};
    return sync();
}

/// Nothing but what the group needs: spares can wait for the shard.
Result<Done, DiskError> NewLog::sync() {
    pending_bytes_ = 0;
    const uint64_t ticket = log_.commit();
    while (log_.durable() < ticket) {
        auto work = log_.work(Instant{});
        GW_ASSERT(work.has_value());
        auto done = store::perform(std::move(*work), *folder_.directory, folder_.name);
        const auto error = done.error;
        log_.done(std::move(done), Instant{});
        if (error) return Err{*error};
    }
    return Done{};
}

}  // namespace godwit::broker
