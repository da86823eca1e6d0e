#include "broker/routing/retained.h"

#include "base/assert.h"
#include "base/mutant.h"
#include "topic/filter.h"

namespace godwit::broker {

namespace {

/// A tree node of std::map beside the message itself.
constexpr size_t kNodeBytes = 4 * sizeof(void*) + sizeof(std::string_view) + 2 * sizeof(MessageRef);

/// Equal stamps of two shards have an order too.
bool is_older(const Message& a, const Message& b) {
    return std::pair(a.stamp(), a.origin().value) < std::pair(b.stamp(), b.origin().value);
}

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

ObjectId Retained::forget(Map::iterator at) {
    const Message& message = *at->second.message;
    const ObjectId kept = at->second.kept;
    if (message.expires() != kNever) expiries_.erase({message.expires(), at->first});
    memory_bytes_ -= memory_bytes_of(message);
    by_topic_.erase(at);
    return kept;
}

Retained::Change Retained::set(const MessageRef& message, uint64_t count_max) {
    Change change;
    const auto known = by_topic_.find(message->topic());
    if (GW_MUTANT(OlderRetainedWins) && known != by_topic_.end() && !message->payload().empty())
        return change;
    if (known != by_topic_.end() && is_older(*message, *known->second.message)) return change;
    if (GW_MUTANT(KeepClearedRetained) && message->payload().empty()) return change;
    if (known != by_topic_.end())
        change.displaced = forget(known);  // its key lies in the old message
    else if (!message->payload().empty() && by_topic_.size() >= count_max)
        return {.full = true};
    if (message->payload().empty()) return change;  // [MQTT5-3.3.1-6] [MQTT5-3.3.1-7]
    change.stands = true;
    by_topic_.emplace(message->topic(), Value{message, {}});
    memory_bytes_ += memory_bytes_of(*message);
    if (message->expires() != kNever) expiries_.emplace(message->expires(), message->topic());
    return change;
}

size_t Retained::memory_bytes_of(const Message& message) {
    return message.size_bytes() + kNodeBytes;
}

const Message* Retained::find(std::string_view topic) const {
    const auto at = by_topic_.find(topic);
    return at == by_topic_.end() ? nullptr : &*at->second.message;
}

void Retained::set_kept(std::string_view topic, ObjectId kept) {
    const auto at = by_topic_.find(topic);
    GW_ASSERT(at != by_topic_.end());
    at->second.kept = kept;
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
            take(own->second.message);
    const std::string_view prefix = literal_prefix(filter);
    if (prefix == filter) {
        batch.done = true;
        return batch;
    }
    auto at = after < prefix ? by_topic_.lower_bound(prefix) : by_topic_.upper_bound(after);
    for (uint32_t steps = 0; at != by_topic_.end() && at->first.starts_with(prefix);
         ++at, ++steps) {
        if (batch.messages.size() >= count_max || steps >= kStepsMax) return batch;
        take(at->second.message);
    }
    batch.done = true;
    return batch;
}

std::optional<Instant> Retained::next_expiry() const {
    if (expiries_.empty()) return std::nullopt;
    return expiries_.begin()->first;
}

size_t Retained::expire(Instant now, std::vector<ObjectId>& kept) {
    size_t count = 0;
    for (; !expiries_.empty() && expiries_.begin()->first <= now; ++count)
        if (const ObjectId id = forget(by_topic_.find(expiries_.begin()->second)); id.value != 0)
            kept.push_back(id);
    return count;
}

}  // namespace godwit::broker
