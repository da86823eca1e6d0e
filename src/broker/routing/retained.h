// Retained: the last message of each topic whose home is this shard, in order of topics, so that a
// batch can go on after any topic however the store has changed since.
// The youngest by stamp stands, in whatever order they come: stamps grow along every chain of
// cause, on all shards. What was removed leaves no stamp behind: from one shard nothing older at
// QoS 1 or 2 comes after a removal (keeping/crossing.h), and what another shard sends at the same
// time may as well have come after it. Source: [MQTT5-3.3.1-5] .. [MQTT5-3.3.1-8], MQTT 5.0
// section 3.3.1.3
#pragma once

#include "broker/message.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace godwit::broker {

class Retained {
public:
    /// Keeps `message` as its topic's value; an empty payload removes the value and is not kept. A
    /// message with an older stamp than the value that stands changes nothing.
    struct Change {
        bool full = false;    // the store holds `count_max` other topics already: nothing changed
        bool stands = false;  // `message` is the value now
        ObjectId displaced;   // durable object of the value that stood before; 0: none
    };
    Change set(const MessageRef& message, uint64_t count_max);
    /// The durable object of the value that stands.
    void set_kept(std::string_view topic, ObjectId kept);

    struct Batch {
        std::vector<MessageRef> messages;
        std::string after;  // go on from here
        bool done = false;
    };
    /// The value that stands; nullptr: none. Valid until the next change.
    const Message* find(std::string_view topic) const;
    /// Up to count_max values that match a checked filter, unexpired and no younger than stamp_max,
    /// after topic `after`.
    /// @cost  a walk over the topics that share the filter's literal beginning, at most kStepsMax
    /// of them a call
    Batch match(std::string_view filter, std::string_view after, uint64_t stamp_max,
                uint32_t count_max, Instant now) const;

    /// Forgets values whose expiry has come. @return how many; appends their durable objects
    size_t expire(Instant now, std::vector<ObjectId>& kept);
    std::optional<Instant> next_expiry() const;

    size_t size() const { return by_topic_.size(); }
    size_t memory_bytes() const { return memory_bytes_; }
    /// What a value takes of that.
    static size_t memory_bytes_of(const Message& message);

    static constexpr uint32_t kStepsMax = 4096;

private:
    struct Value {
        MessageRef message;
        ObjectId kept;
    };
    using Map = std::map<std::string_view, Value, std::less<>>;  // keys point into their message
    ObjectId forget(Map::iterator at);
    Map by_topic_;
    std::set<std::pair<Instant, std::string_view>> expiries_;  // of values that stand; the topic
    size_t memory_bytes_ = 0;
};

}  // namespace godwit::broker
