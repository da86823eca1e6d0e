// Desk: shards and the bytes of their clients in one thread, with as little around them as can be:
// what is counted is the broker's. Mail arrives, the disk is done and sockets take everything as
// soon as a turn ends; what clients are sent is not looked at.
#pragma once

#include "broker/shard.h"
#include "store/testing/faulty_disk.h"

#include <deque>
#include <memory>
#include <string_view>
#include <vector>

namespace godwit::bench {

/// One client, for good.
struct Seat {
    uint16_t shard = 0;
    ConnectionId connection;
};

class Desk {
public:
    /// @param durable  each shard has a log
    Desk(uint16_t shards, bool durable);
    ~Desk();
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    ShardId home_of(std::string_view client_id) const;
    /// A 3.1.1 client sits down at its home and is online.
    Seat connect(std::string_view client_id, bool clean_session);
    void subscribe(const Seat& seat, std::string_view filter, mqtt::Qos qos);
    /// Its transport breaks.
    void cut(const Seat& seat);

    void receive(const Seat& seat, Bytes bytes);
    /// Ends turns until no shard has mail, disk work or written bytes to be told of.
    void settle();
    /// Of all shards.
    uint64_t counted(uint64_t broker::Counters::*counter) const;

private:
    struct Shard;
    void give(Shard& at, const broker::Input& input);
    bool end_turn(Shard& at);
    void deliver_letters(Shard& at);

    broker::BrokerOptions options_;
    broker::ShardConfig config_;
    Instant now_{std::chrono::hours(1000)};
    std::vector<std::unique_ptr<Shard>> shards_;
    std::unique_ptr<broker::Core> map_;  // answers where clients live; never driven
};

}  // namespace godwit::bench
