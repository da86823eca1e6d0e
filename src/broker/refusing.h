// Refusing: what a shard does while a log takes nothing new, its own or another shard's. What no
// log has to keep goes on. A publish or subscription that one would have to keep is not taken: 5.0
// is told by a reason code, and a 3.x publisher, whom no code can tell, is held back: its
// connection is not read until all logs are well again. A log that is only behind holds 5.0 back
// likewise. Source: docs/durability.md; MQTT 5.0 sections 3.4.2.1, 3.5.2.1 and 3.9.3
#pragma once

#include "broker/core.h"

namespace godwit::broker {

/// What becomes of a publish.
enum class Admission : uint8_t {
    Usual,
    Free,      // logs are in trouble, and this one needs none: its acknowledgement waits for none
    Refused,   // by refuse_for_logs()
    HeldBack,  // by hold_back()
};
/// @cost  one load while all logs are well, else one match
Admission admit(Core& core, const Connection& c, const mqtt::Publish& packet,
                std::string_view topic);
/// PUBACK or PUBREC with an error: the message goes nowhere, its identifier is free again.
void refuse_for_logs(Core& core, Connection& c, const mqtt::Publish& packet);
/// The packet that is being handled stays unread, and all that follows it, until the logs are in
/// another condition.
void hold_back(Core& core, Connection& c);

/// For a new subscription: Success, or why it is refused.
mqtt::ReasonCode subscribe_refusal(const Core& core, const Session& session);

/// At the end of a turn with a log: tells everybody if it is in another condition than it was.
void tell_condition(Core& core);
/// Another shard's log is.
void on_log_condition(Core& core, ShardId from, const LogCondition& in);

}  // namespace godwit::broker
