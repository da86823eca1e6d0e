#include "broker/routing/retained.h"

#include "topic/filter.h"

namespace godwit::broker {

namespace {

/// A tree node of std::map beside the message itself.
constexpr size_t kNodeBytes = 4 * sizeof(void*) + sizeof(std::string_view) + sizeof(MessageRef);

/// What every name that matches begins with: the filter up to its first wildcard.
std::string_view literal_prefix(std::string_view filter) {
    const std::string_view prefix = filter.substr(0, filter.find_first_of("+#"));
    // "a/#" also matches "a": the separator before '#' is not part of it.
    if (prefix.size() < filter.size() && filter[prefix.size()] == '#' && prefix.ends_with('/'))
        return prefix.substr(0, prefix.size() - 1);
    return prefix;
}

}  // namespace

void Retained::forget(Map::iterator at) {
    memory_bytes_ -= at->second->size_bytes() + kNodeBytes;
    by_topic_.erase(at);
}

bool Retained::set(const MessageRef& message, uint64_t count_max) {
    const auto known = by_topic_.find(message->topic());
    if (message->payload().empty()) {
        if (known != by_topic_.end()) forget(known);  // [MQTT5-3.3.1-6] [MQTT5-3.3.1-7]
        return true;
    }
    if (known != by_topic_.end())
        forget(known);  // its key lies in the old message
    else if (by_topic_.size() >= count_max)
        return false;
    by_topic_.emplace(message->topic(), message);
    memory_bytes_ += message->size_bytes() + kNodeBytes;
    if (message->expires() != kNever) expiries_.arm(message->expires(), message);
    return true;
}

Retained::Batch Retained::match(std::string_view filter, std::string_view after, uint64_t stamp_max,
                                uint32_t count_max, Instant now) const {
    Batch batch;
    const std::string_view prefix = literal_prefix(filter);
    const bool exact = !topic::has_wildcard(filter);
    auto at = after.empty() ? by_topic_.lower_bound(prefix) : by_topic_.upper_bound(after);
    for (uint32_t steps = 0; at != by_topic_.end() && at->first.starts_with(prefix);
         ++at, ++steps) {
        if (exact && at->first != filter) break;
        if (batch.messages.size() >= count_max || steps >= kStepsMax) return batch;
        batch.after = at->first;
        const MessageRef& message = at->second;
        if (message->stamp() > stamp_max || message->expired(now)) continue;
        if (topic::matches(filter, at->first)) batch.messages.push_back(message);
    }
    batch.done = true;
    return batch;
}

size_t Retained::expire(Instant now) {
    size_t count = 0;
    while (const auto message = expiries_.pop_due(now)) {
        const auto at = by_topic_.find((*message)->topic());
        if (at == by_topic_.end() || !(at->second == *message)) continue;  // replaced since
        forget(at);
        ++count;
    }
    return count;
}

}  // namespace godwit::broker
