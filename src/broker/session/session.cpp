#include "broker/session/session.h"

#include "base/assert.h"

#include <algorithm>

namespace godwit::broker {

namespace {

std::vector<HeldFilter>::iterator first_from(std::vector<HeldFilter>& all, topic::FilterId filter) {
    return std::lower_bound(
        all.begin(), all.end(), filter,
        [](const HeldFilter& each, topic::FilterId wanted) { return each.id < wanted; });
}

}  // namespace

HeldFilter* Session::find_subscription(topic::FilterId filter) {
    const auto at = first_from(subscriptions, filter);
    return at == subscriptions.end() || at->id != filter ? nullptr : &*at;
}

HeldFilter* Session::add_subscription(topic::FilterId filter) {
    const size_t count = subscriptions.size();
    // By a quarter: thousands of them may be all that a session is.
    if (count == subscriptions.capacity()) subscriptions.reserve(count + count / 4 + 1);
    return &*subscriptions.insert(first_from(subscriptions, filter), {filter, {}});
}

void Session::remove_subscription(topic::FilterId filter) {
    HeldFilter* held = find_subscription(filter);
    GW_ASSERT(held);
    subscriptions.erase(subscriptions.begin() + (held - subscriptions.data()));
}

PacketId Session::next_packet_id() {
    do {
        if (++last_packet_id.value == 0) last_packet_id.value = 1;
    } while (outbox && outbox->find(last_packet_id) != nullptr);
    return last_packet_id;
}

}  // namespace godwit::broker
