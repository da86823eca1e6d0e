// One walk through the broker, again and again: `walk SCENARIO COUNT`. Two counts under a profiler
// tell what one more costs; instructions.py does that.
#include "desk.h"
#include "mqtt/encoder.h"

#include <fmt/format.h>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace godwit::bench {
namespace {

using mqtt::Qos;

constexpr size_t kPairs = 50;
constexpr size_t kPayloadBytes = 64;

/// The same PUBLISH each time, but for its packet id.
class Publisher {
public:
    Publisher(Desk& desk, Seat seat, std::string_view topic, Qos qos, bool retain = false)
        : desk_(&desk), seat_(seat), qos_(qos), id_at_(2 + 2 + topic.size()) {
        mqtt::encode_publish(packet_, mqtt::Version::V311,
                             {.qos = qos,
                              .retain = retain,
                              .topic = topic,
                              .packet_id = {uint16_t(qos == Qos::AtMostOnce ? 0 : 1)}},
                             Buffer(kPayloadBytes, 'x'));
    }
    void publish() {
        if (qos_ != Qos::AtMostOnce) put_id(packet_, id_at_);
        desk_->receive(seat_, packet_);
    }
    /// QoS 2: after PUBREC.
    void release() {
        Buffer packet{0x62, 2, 0, 0};
        put_id(packet, 2);
        desk_->receive(seat_, packet);
        ++id_;
    }

private:
    void put_id(Buffer& packet, size_t at) const {
        packet[at] = uint8_t(id_ >> 8);
        packet[at + 1] = uint8_t(id_);
    }
    Desk* desk_;
    Seat seat_;
    Qos qos_;
    Buffer packet_;
    size_t id_at_;
    uint16_t id_ = 1;
};

/// Acknowledges by packet ids that count up, as the broker's do.
class Subscriber {
public:
    Subscriber(Desk& desk, Seat seat) : desk_(&desk), seat_(seat) {}
    void acknowledge(uint8_t first_byte) {
        const Buffer packet{first_byte, 2, uint8_t(id_ >> 8), uint8_t(id_)};
        desk_->receive(seat_, packet);
    }
    void next() { id_ = id_ == 0xffff ? 1 : id_ + 1; }

private:
    Desk* desk_;
    Seat seat_;
    uint16_t id_ = 1;
};

struct Pairs {
    std::vector<Publisher> publishers;
    std::vector<Subscriber> subscribers;
};

/// A client id that begins like this and lives on that shard.
std::string id_on(const Desk& desk, std::string_view stem, size_t number, uint16_t shard) {
    for (size_t i = 0;; ++i) {
        std::string id = fmt::format("{}-{}-{}", stem, number, i);
        if (desk.home_of(id).value == shard) return id;
    }
}

struct PairKind {
    Qos qos = Qos::AtMostOnce;
    bool clean_session = true;
    uint16_t subscriber_shard = 0;
};

Pairs make_pairs(Desk& desk, const PairKind& kind) {
    Pairs pairs;
    for (size_t i = 0; i < kPairs; ++i) {
        const std::string topic = fmt::format("fleet/{:02}/state", i);
        const Seat sub =
            desk.connect(id_on(desk, "sub", i, kind.subscriber_shard), kind.clean_session);
        desk.subscribe(sub, topic, kind.qos);
        pairs.subscribers.emplace_back(desk, sub);
        pairs.publishers.emplace_back(desk, desk.connect(id_on(desk, "pub", i, 0), true), topic,
                                      kind.qos);
    }
    return pairs;
}

/// A walk that ends early would look cheap.
void expect(const Desk& desk, uint64_t broker::Counters::*counter, uint64_t count) {
    if (desk.counted(counter) == count) return;
    fmt::print(stderr, "walk: {} in place of {}\n", desk.counted(counter), count);
    std::exit(1);
}

void run_pairs(Desk& desk, const PairKind& kind, size_t count) {
    Pairs pairs = make_pairs(desk, kind);
    for (size_t done = 0; done < count; done += kPairs) {
        for (auto& each : pairs.publishers) each.publish();
        desk.settle();
        if (kind.qos == Qos::AtMostOnce) continue;
        for (auto& each : pairs.subscribers)
            each.acknowledge(kind.qos == Qos::AtLeastOnce ? 0x40 : 0x50);
        if (kind.qos == Qos::ExactlyOnce) {
            for (auto& each : pairs.publishers) each.release();
            desk.settle();
            for (auto& each : pairs.subscribers) each.acknowledge(0x70);
        }
        desk.settle();
        for (auto& each : pairs.subscribers) each.next();
    }
    expect(desk, &broker::Counters::publishes_sent, count);
    expect(desk, &broker::Counters::inflight, 0);
}

void run_fan_out(Desk& desk, size_t count) {
    constexpr size_t kSubscribers = 100;
    for (size_t i = 0; i < kSubscribers; ++i)
        desk.subscribe(desk.connect(fmt::format("sub-{}", i), true), "news", Qos::AtMostOnce);
    Publisher publisher(desk, desk.connect("pub", true), "news", Qos::AtMostOnce);
    for (size_t done = 0; done < count; done += kSubscribers) {
        publisher.publish();
        desk.settle();
    }
    expect(desk, &broker::Counters::publishes_sent, count);
}

void run_fan_in(Desk& desk, size_t count) {
    desk.subscribe(desk.connect("sub", true), "plant/#", Qos::AtMostOnce);
    std::vector<Publisher> publishers;
    for (size_t i = 0; i < kPairs; ++i)
        publishers.emplace_back(desk, desk.connect(fmt::format("pub-{}", i), true),
                                fmt::format("plant/{}/temperature", i), Qos::AtMostOnce);
    for (size_t done = 0; done < count; done += kPairs) {
        for (auto& each : publishers) each.publish();
        desk.settle();
    }
    expect(desk, &broker::Counters::publishes_sent, count);
}

/// 16 messages of a busy publisher in one read.
void run_busy_publisher(Desk& desk, size_t count) {
    desk.subscribe(desk.connect("sub", true), "plant/#", Qos::AtMostOnce);
    const Seat seat = desk.connect("pub", true);
    Buffer packets;
    for (size_t i = 0; i < 16; ++i)
        mqtt::encode_publish(packets, mqtt::Version::V311, {.topic = "plant/7/temperature"},
                             Buffer(kPayloadBytes, 'x'));
    for (size_t done = 0; done < count; done += 16) {
        desk.receive(seat, packets);
        desk.settle();
    }
    expect(desk, &broker::Counters::publishes_sent, count);
}

/// Publishes at QoS 1 into durable sessions that are offline.
void run_offline(Desk& desk, size_t count) {
    std::vector<Publisher> publishers;
    for (size_t i = 0; i < kPairs; ++i) {
        const std::string topic = fmt::format("fleet/{:02}/command", i);
        const Seat sub = desk.connect(fmt::format("sub-{}", i), false);
        desk.subscribe(sub, topic, Qos::AtLeastOnce);
        desk.cut(sub);
        publishers.emplace_back(desk, desk.connect(fmt::format("pub-{}", i), true), topic,
                                Qos::AtLeastOnce);
    }
    for (size_t done = 0; done < count; done += kPairs) {
        for (auto& each : publishers) each.publish();
        desk.settle();
    }
    expect(desk, &broker::Counters::queued, count);
}

void run_retained(Desk& desk, size_t count) {
    const Seat seat = desk.connect("pub", true);
    std::vector<Publisher> publishers;
    for (size_t i = 0; i < kPairs; ++i)
        publishers.emplace_back(desk, seat, fmt::format("fleet/{:02}/state", i), Qos::AtMostOnce,
                                true);
    for (size_t done = 0; done < count; done += kPairs) {
        for (auto& each : publishers) each.publish();
        desk.settle();
    }
    expect(desk, &broker::Counters::retained, kPairs);
}

/// One publish among many filters of several shapes, one of which takes it.
void run_match(Desk& desk, size_t count) {
    constexpr const char* kShapes[] = {"acme/{}/{}/#", "acme/+/{1}/{0}", "acme/{}/{}/state",
                                       "+/{}/{}/+"};
    std::vector<Seat> seats;
    for (size_t i = 0; i < 20; ++i) seats.push_back(desk.connect(fmt::format("sub-{}", i), true));
    for (size_t i = 0; i < 5000; ++i)
        desk.subscribe(seats[i % seats.size()],
                       fmt::format(fmt::runtime(kShapes[i % 4]), i / 200, i % 200),
                       Qos::AtMostOnce);
    Publisher publisher(desk, desk.connect("pub", true), "acme/12/8/command", Qos::AtMostOnce);
    for (size_t done = 0; done < count; ++done) {
        publisher.publish();
        desk.settle();
    }
    expect(desk, &broker::Counters::publishes_sent, count);
}

/// CONNECT, one subscription, and away.
void run_connect(Desk& desk, size_t count) {
    for (size_t done = 0; done < count; ++done) {
        const Seat seat = desk.connect("phone", true);
        desk.subscribe(seat, "phone/inbox", Qos::AtLeastOnce);
        desk.cut(seat);
    }
    expect(desk, &broker::Counters::connections_accepted, count);
}

bool run(std::string_view scenario, size_t count) {
    const bool durable = scenario.starts_with("durable");
    const bool hop = scenario.starts_with("hop");
    Desk desk(hop ? 2 : 1, durable);
    const PairKind kind{.qos = scenario.ends_with("qos2")   ? Qos::ExactlyOnce
                               : scenario.ends_with("qos1") ? Qos::AtLeastOnce
                                                            : Qos::AtMostOnce,
                        .clean_session = !durable,
                        .subscriber_shard = uint16_t(hop)};
    if (scenario == "fan-out") return run_fan_out(desk, count), true;
    if (scenario == "fan-in") return run_fan_in(desk, count), true;
    if (scenario == "busy-publisher") return run_busy_publisher(desk, count), true;
    if (scenario == "durable-offline") return run_offline(desk, count), true;
    if (scenario == "retained") return run_retained(desk, count), true;
    if (scenario == "match") return run_match(desk, count), true;
    if (scenario == "connect") return run_connect(desk, count), true;
    const bool pairs = scenario.starts_with("pairs") || hop || durable;
    if (pairs) run_pairs(desk, kind, count);
    return pairs;
}

}  // namespace
}  // namespace godwit::bench

int main(int argc, char** argv) {
    if (argc == 3 && godwit::bench::run(argv[1], size_t(std::atoll(argv[2])))) return 0;
    fmt::print(
        stderr,
        "usage: walk SCENARIO COUNT; the scenarios are the rows of baseline.tsv, counts are a\n"
        "multiple of 400\n");
    return 2;
}
