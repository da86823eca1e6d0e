#include "server/callout_cache.h"

#include <algorithm>

namespace godwit::server {

namespace {

constexpr size_t kEntryBytes = 512;  // of an entry without claims, about, with its places in tables

constexpr size_t kOrderSlack = 64;  // places of answers that were replaced, before they are swept

size_t bytes_of(const CalloutReply& reply) {
    size_t bytes = kEntryBytes + reply.realm.capacity();
    for (const auth::Claim& each : reply.claims)
        bytes += sizeof each + each.name.capacity() + each.value.capacity();
    return bytes;
}

}  // namespace

const CalloutReply* CalloutCache::find(const std::string& digest, Instant now) const {
    const auto found = entries_.find(digest);
    return found == entries_.end() || now >= found->second.until ? nullptr : &found->second.reply;
}

void CalloutCache::keep(const std::string& digest, CalloutReply reply, Instant until) {
    Entry& entry = entries_[digest];
    bytes_ -= entry.bytes;
    const Instant end = std::min(until, reply.expires);
    const size_t bytes = bytes_of(reply);
    entry = {std::move(reply), end, ++last_number_, bytes};
    bytes_ += bytes;
    order_.emplace_back(entry.number, digest);
    while (bytes_ > kBytesMax) drop_oldest();
    if (order_.size() > 2 * entries_.size() + kOrderSlack)
        std::erase_if(order_, [this](const auto& each) { return !is_current(each); });
}

bool CalloutCache::is_current(const std::pair<uint64_t, std::string>& place) const {
    const auto found = entries_.find(place.second);
    return found != entries_.end() && found->second.number == place.first;
}

void CalloutCache::drop_oldest() {
    if (is_current(order_.front())) {
        const auto found = entries_.find(order_.front().second);
        bytes_ -= found->second.bytes;
        entries_.erase(found);
    }
    order_.pop_front();
}

void CalloutCache::clear() {
    entries_.clear();
    order_.clear();
    bytes_ = 0;
}

}  // namespace godwit::server
