// Sending: one PUBLISH to one connection. The bytes are made once per version, QoS and RETAIN flag
// and shared by all takers of a message that have no properties of their own. Source: MQTT 5.0
// section 3.3; [MQTT5-3.3.2-6] [MQTT5-3.3.2-11] [MQTT5-3.3.4-3]
#pragma once

#include "broker/core.h"

namespace godwit::broker {

/// @return  false when the packet would be larger than the client takes: nothing was sent
/// [MQTT5-3.1.2-24]
/// @cost    first taker of a variant: one encoding into the turn's arena. Others at QoS 0: no copy;
/// at QoS 1 and 2: one copy
///          of the head, and of the payload where it is small
bool send_publish(Core& core, Connection& c, const OutboxEntry& entry, PacketId packet_id,
                  bool dup);

}  // namespace godwit::broker
