#include "broker/session/outbox.h"

#include "base/assert.h"

namespace godwit::broker {

namespace {

/// inflight.size() when there is none.
size_t place_of(const Ring<Inflight>& inflight, PacketId packet_id) {
    size_t at = 0;
    while (at < inflight.size() && inflight[at].packet_id != packet_id) ++at;
    return at;
}

}  // namespace

void Outbox::push_back(OutboxEntry entry) {
    queued_bytes += entry.bytes;
    queued_qos0 += entry.qos == mqtt::Qos::AtMostOnce;
    queue.push_back(std::move(entry));
}

OutboxEntry Outbox::pop_front() {
    OutboxEntry entry = queue.pop_front();
    queued_bytes -= entry.bytes;
    queued_qos0 -= entry.qos == mqtt::Qos::AtMostOnce;
    return entry;
}

Inflight* Outbox::find(PacketId packet_id) {
    const size_t at = place_of(inflight, packet_id);
    return at == inflight.size() ? nullptr : &inflight[at];
}

void Outbox::erase(PacketId packet_id) {
    const size_t at = place_of(inflight, packet_id);
    GW_ASSERT(at != inflight.size());
    if (inflight.size() - at <= to_resend) --to_resend;
    if (!inflight[at].sent) --unsent;
    if (at == 0) return inflight.drop_front();
    (void)inflight.erase_at(at);
}

void Outbox::trim() {
    queue.trim();
    parked.trim();
    inflight.trim();
}

uint64_t Outbox::last_unsent_ticket() const {
    for (size_t i = inflight.size(); i-- > 0;)
        if (!inflight[i].sent) return inflight[i].ticket;
    return 0;
}

Inflight Outbox::take_inflight(size_t i) {
    if (inflight.size() - i <= to_resend) --to_resend;
    if (!inflight[i].sent) --unsent;
    return inflight.erase_at(i);
}

}  // namespace godwit::broker
