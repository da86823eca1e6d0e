#include "broker/session/outbox.h"

#include "base/assert.h"

#include <algorithm>

namespace godwit::broker {

void Outbox::push_back(OutboxEntry entry) {
    queued_bytes += entry.message->size_bytes();
    queued_qos0 += entry.qos == mqtt::Qos::AtMostOnce;
    queue.push_back(std::move(entry));
}

OutboxEntry Outbox::pop_front() {
    OutboxEntry entry = std::move(queue.front());
    queue.pop_front();
    queued_bytes -= entry.message->size_bytes();
    queued_qos0 -= entry.qos == mqtt::Qos::AtMostOnce;
    return entry;
}

Inflight* Outbox::find(PacketId packet_id) {
    const auto at = std::find_if(inflight.begin(), inflight.end(),
                                 [&](const Inflight& each) { return each.packet_id == packet_id; });
    return at == inflight.end() ? nullptr : &*at;
}

void Outbox::erase(PacketId packet_id) {
    const auto at = std::find_if(inflight.begin(), inflight.end(),
                                 [&](const Inflight& each) { return each.packet_id == packet_id; });
    GW_ASSERT(at != inflight.end());
    if (size_t(inflight.end() - at) <= to_resend) --to_resend;
    inflight.erase(at);
}

}  // namespace godwit::broker
