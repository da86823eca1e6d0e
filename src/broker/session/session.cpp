#include "broker/session/session.h"

namespace godwit::broker {

PacketId Session::next_packet_id() {
    do {
        if (++last_packet_id.value == 0) last_packet_id.value = 1;
    } while (outbox && outbox->find(last_packet_id) != nullptr);
    return last_packet_id;
}

}  // namespace godwit::broker
