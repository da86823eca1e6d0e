// Summing: what an object and the notes to it add up to, for everybody who reads a log: restoring
// makes a shard of it, moving makes other logs, tools tell of it.
#pragma once

#include "broker/keeping/object_format.h"

#include <optional>
#include <vector>

namespace godwit::broker {

/// One taker that is still owed the message.
struct OwedTaker {
    ObjectId owner;
    uint32_t taker = 0;  // its place
    PacketId packet_id;
    mqtt::Qos qos = mqtt::Qos::AtMostOnce;
    bool group = false;
    bool retain = false;
    std::optional<GroupLoan> loan;
};

struct OwedMessage {
    uint64_t number = 0;
    uint64_t waiting_shards = 0;
    std::vector<OwedTaker> takers;  // by place
};
/// nullopt: a taker of it cannot be read, or there are more than a shard can count.
std::optional<OwedMessage> sum_up(const MessageRecord& record);
void add(OwedMessage& message, const Note& note);

/// QoS 2 of a session, as in SessionRecord.
struct OpenHandshakes {
    std::vector<PacketId> unreleased;  // sorted
    std::vector<PacketId> owed;
};
OpenHandshakes sum_up(SessionRecord record);
void add(OpenHandshakes& session, const Note& note);

}  // namespace godwit::broker
