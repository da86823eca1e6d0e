// Publishing: a message from its publisher to the shards and sessions that take it, and the
// acknowledgement back. Source: MQTT 5.0 sections 3.3, 3.6, 4.3; [MQTT5-4.3.2-4] [MQTT5-4.3.3-8]
// [MQTT5-4.3.3-10] [MQTT5-4.3.3-11]
#pragma once

#include "broker/core.h"

namespace godwit::broker {

/// A client's PUBLISH: alias, checks, permission, then one publish(), then the acknowledgement
/// through the gate.
void on_publish(Core& core, Connection& c, const mqtt::Publish& packet);
/// The publisher releases a QoS 2 message: PUBCOMP.
void on_pubrel(Core& core, Connection& c, const mqtt::Ack& ack);
void send_pubcomp(Core& core, Connection& c, PacketId id, bool known);

/// How a message goes to other shards.
enum class Passage : uint8_t {
    Usual,
    Once,  // whatever crashes, each shard takes it once; only with a log
    Free,  // Lane::Free
};
struct PublishMode {
    Passage passage = Passage::Usual;
    bool refusable = false;  // where somebody could not keep it nobody gets it: Receipt::refused
};
/// Gives the message to every taker here and posts it to every shard with takers, and to the
/// topic's home if retained.
/// @param publisher  its session if that is here (for No Local)
Receipt publish(Core& core, const MessageRef& message, std::optional<SessionRef> publisher,
                PublishMode mode);

/// From another shard.
void on_publish_envelope(Core& core, ShardId from, const PublishEnvelope& in);
void on_publish_confirm(Core& core, ShardId from, const PublishConfirm& in);
/// Tells every shard what was taken from it in this turn, now or when it is on disk.
void confirm_publishes(Core& core);
/// Sends the acknowledgements whose promise is true by now.
void release_acks(Core& core);

/// Publishes the will that the session holds, if any, and forgets it.
void publish_will_of(Core& core, Session& session);

/// A message of the broker itself.
void on_inject(Core& core, const Inject& in);

}  // namespace godwit::broker
