#include "broker/routing/retained.h"

#include "base/mutant.h"
#include "topic/filter.h"

namespace godwit::broker {

namespace {

/// A tree node of std::map beside the message itself.
constexpr size_t kNodeBytes = 4 * sizeof(void*) + sizeof(std::string_view) + sizeof(MessageRef);

/// What every matching name begins with, but for the one of own_name().
std::string_view literal_prefix(std::string_view filter) {
    return filter.substr(0, filter.find_first_of("+#"));
}

/// The one name an exact filter matches, and the one that "a/#" matches besides those that begin
/// with "a/". It stands apart: "a-b" and the like may lie between "a" and "a/".
std::string_view own_name(std::string_view filter) {
    return filter.ends_with("/#") ? filter.substr(0, filter.size() - 2) : filter;
}

}  // namespace

void Retained::forget(Map::iterator at) {
    if (at->second->expires() != kNever) expiries_.erase({at->second->expires(), at->first});
    memory_bytes_ -= at->second->size_bytes() + kNodeBytes;
    by_topic_.erase(at);
}

bool Retained::set(const MessageRef& message, uint64_t count_max) {
    const auto known = by_topic_.find(message->topic());
    if (GW_MUTANT(OlderRetainedWins) && known != by_topic_.end() && !message->payload().empty())
        return true;
    if (message->payload().empty()) {
        if (GW_MUTANT(KeepClearedRetained)) return true;
        if (known != by_topic_.end()) forget(known);  // [MQTT5-3.3.1-6] [MQTT5-3.3.1-7]
        return true;
    }
    if (known != by_topic_.end())
        forget(known);  // its key lies in the old message
    else if (by_topic_.size() >= count_max)
        return false;
    by_topic_.emplace(message->topic(), message);
    memory_bytes_ += message->size_bytes() + kNodeBytes;
    if (message->expires() != kNever) expiries_.emplace(message->expires(), message->topic());
    return true;
}

Retained::Batch Retained::match(std::string_view filter, std::string_view after, uint64_t stamp_max,
                                uint32_t count_max, Instant now) const {
    Batch batch;
    const auto take = [&](const MessageRef& message) {
        batch.after = message->topic();
        if (message->stamp() > stamp_max || message->expired(now)) return;
        if (topic::matches(filter, message->topic())) batch.messages.push_back(message);
    };
    if (after.empty())
        if (const auto own = by_topic_.find(own_name(filter)); own != by_topic_.end())
            take(own->second);
    const std::string_view prefix = literal_prefix(filter);
    if (prefix == filter) {
        batch.done = true;
        return batch;
    }
    auto at = after < prefix ? by_topic_.lower_bound(prefix) : by_topic_.upper_bound(after);
    for (uint32_t steps = 0; at != by_topic_.end() && at->first.starts_with(prefix);
         ++at, ++steps) {
        if (batch.messages.size() >= count_max || steps >= kStepsMax) return batch;
        take(at->second);
    }
    batch.done = true;
    return batch;
}

std::optional<Instant> Retained::next_expiry() const {
    if (expiries_.empty()) return std::nullopt;
    return expiries_.begin()->first;
}

size_t Retained::expire(Instant now) {
    size_t count = 0;
    for (; !expiries_.empty() && expiries_.begin()->first <= now; ++count)
        forget(by_topic_.find(expiries_.begin()->second));
    return count;
}

}  // namespace godwit::broker
