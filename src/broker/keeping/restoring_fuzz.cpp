// Stores of objects and notes that no broker would write together, behind sound checksums: a broker
// of one or two shards starts from them, refuses by name what it cannot use, and lives on with
// clients that connect, publish and leave while time passes. What it leaves on disk then is sound,
// and a second start refuses nothing. The first byte says how many shards; the rest is their
// scripts (testing/store_script.h), cut in half for two.
#include "broker/keeping/stored_shard.h"
#include "broker/testing/small_broker.h"
#include "broker/testing/store_script.h"

#include <cstdio>

using namespace godwit;
using namespace godwit::broker;
using broker::testing::SmallBroker;

namespace {

constexpr size_t kInputBytesMax = 4096;

std::vector<std::string> faults(SmallBroker& broker, uint16_t shard) {
    const auto stored =
        StoredShard::read(broker.disk, SmallBroker::folder(shard), {shard}, broker.shard_count());
    GW_ASSERT(stored.has_value());
    return stored->faults();
}

/// Those that a broker lives with until it writes the object again.
bool is_of_a_note(const std::string& fault) {
    return fault.find(": a note to it ") != std::string::npos;
}

/// A finding says at once what it is about.
void expect_none(std::vector<std::string> faults) {
    std::erase_if(faults, is_of_a_note);
    for (const std::string& each : faults) std::fprintf(stderr, "%s\n", each.c_str());
    GW_ASSERT(faults.empty());
}

/// Which realms there are is the configuration's to know: verifying does not.
bool is_refused(const Found& found) {
    const auto is_of_a_realm = [](const std::string& each) {
        return each.find("realm") != std::string::npos;
    };
    return found.unreadable > 0 &&
           std::none_of(found.refused.begin(), found.refused.end(), is_of_a_realm);
}

void publish_some(SmallBroker& broker, size_t client) {
    broker.publish(client, {.qos = mqtt::Qos::AtLeastOnce, .topic = "a", .packet_id = {1}}, "1");
    broker.publish(
        client, {.qos = mqtt::Qos::ExactlyOnce, .retain = true, .topic = "a/b", .packet_id = {2}},
        "2");
    broker.publish(client, {.topic = "long/er/topic"}, "0");
    broker.settle();
}

void live(SmallBroker& broker) {
    const size_t one = broker.connect(
        {.clean_start = false, .client_id = "one", .session_expiry_s = 100, .receive_maximum = 2});
    const size_t two =
        broker.connect({.clean_start = false, .client_id = "two", .session_expiry_s = 3600});
    const size_t three = broker.connect({.clean_start = true, .client_id = "three"});
    broker.subscribe(one, "#", mqtt::Qos::ExactlyOnce, 5);
    broker.subscribe(three, "$share/g/+/b", mqtt::Qos::AtLeastOnce);
    broker.settle();
    publish_some(broker, two);
    broker.cut(one);
    broker.cut(three);
    broker.settle();
    publish_some(broker, two);
    broker.advance(std::chrono::seconds(30));
    broker.connect({.clean_start = false, .client_id = "one", .session_expiry_s = 100});
    broker.advance(std::chrono::hours(2));
    broker.connect({.clean_start = false, .client_id = "four", .session_expiry_s = 100});
    broker.advance(std::chrono::hours(24 * 30));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0 || size > kInputBytesMax) return 0;
    SmallBroker broker(uint16_t(1 + data[0] % 2));
    const Bytes script = Bytes(data, size).subspan(1);
    const size_t half = script.size() / broker.shard_count();
    for (uint16_t i = 0; i < broker.shard_count(); ++i)
        testing::write_script(broker.disk, SmallBroker::folder(i), script.subspan(i * half, half));
    bool sound[2] = {};
    for (uint16_t i = 0; i < broker.shard_count(); ++i) sound[i] = faults(broker, i).empty();
    GW_ASSERT(broker.open());
    for (uint16_t i = 0; i < broker.shard_count(); ++i)
        GW_ASSERT(!sound[i] || !is_refused(broker.found(i)));
    live(broker);
    broker.kill();
    for (uint16_t i = 0; i < broker.shard_count(); ++i) expect_none(faults(broker, i));
    GW_ASSERT(broker.open());
    for (uint16_t i = 0; i < broker.shard_count(); ++i) GW_ASSERT(broker.found(i).unreadable == 0);
    return 0;
}
