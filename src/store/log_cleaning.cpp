// Log's cleaning: which objects have to be put again, so that the oldest segment can go.
#include "store/log.h"

#include "base/assert.h"

namespace godwit::store {

namespace {

constexpr uint32_t kLooksMax = 1 << 17;  // table entries a call; some 100 us

}  // namespace

/// Keeps a segment in target_ while there is one to clean. @return whether it has to be looked
/// through further
bool Log::find_target() {
    const Segment* segment = target_ != 0 ? segments_.find(target_) : nullptr;
    if (segment && segment->living > 0) return cursor_ < objects_.end();
    target_ = 0;
    const auto [oldest, dead_bytes] = segments_.oldest_living();
    if (!oldest || !oldest->sealed) return false;
    const uint64_t used = segments_.used_bytes() - dead_bytes;
    const bool is_needed = oldest->key.number <= clean_through_ ||
                           used > 2 * objects_.live_bytes() + options_.segment_bytes;
    if (!is_needed) return false;
    target_ = oldest->key.number;
    cursor_ = 0;
    return true;
}

bool Log::wants_move() {
    return find_target();
}

void Log::to_move(uint64_t bytes_max, std::vector<ObjectId>& out) {
    uint64_t named_bytes = 0;
    uint32_t looks = 0;
    while (named_bytes < bytes_max && looks < kLooksMax && find_target()) {
        const Place place = objects_.find({cursor_});
        ++looks;
        if (place.where == target_) {
            out.push_back({cursor_});
            named_bytes += place.live_bytes();
        }
        ++cursor_;
    }
}

}  // namespace godwit::store
