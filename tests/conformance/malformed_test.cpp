// Every row of mqtt/malformed_vectors.h against the broker: the reaction that the row names, and
// nobody else notices.
#include "conformance/conformance.h"

namespace godwit::conformance {
namespace {

using mqtt::MalformedVector;

/// What the broker must answer to a CONNECT row: the code of a CONNACK in the client's version, or
/// nothing, where no version can be made out or 3.x has no code for it.
std::optional<R> connack_for(const MalformedVector& row, Bytes bytes) {
    const auto status = mqtt::next_frame(bytes, mqtt::kPacketBytesMax);
    if (!status || !status->complete) return std::nullopt;
    const uint8_t level = mqtt::peek_protocol_level(status->frame);
    if (level >= 5 || row.reason == R::UnsupportedProtocolVersion) return row.reason;
    return std::nullopt;
}

template <class World>
void replay_connect(World& world, const MalformedVector& row) {
    const Buffer bytes = mqtt::packet_of(row);
    auto client = world.dial({.version = row.version});
    const auto expected = connack_for(row, bytes);
    client.connect_bytes(bytes);
    if (!expected) return expect_cut_off(client);
    EXPECT_TRUE(client.closes());
    ASSERT_EQ(client.types(), Types{Type::Connack});
    EXPECT_EQ(client.connack_reason(), *expected);
}

template <class World>
void replay_later(World& world, const MalformedVector& row, const ConnectOptions& options) {
    auto client = world.connect("bad", options);
    const size_t before = client.types().size();
    client.push(mqtt::packet_of(row));
    EXPECT_TRUE(client.closes());
    if (row.version == Version::V5)
        expect_disconnect(client, row.reason);
    else
        EXPECT_EQ(client.types().size(), before);
}

bool is_connect(const MalformedVector& row) {
    return row.packet[0] == '1';
}
bool is_auth(const MalformedVector& row) {
    return row.packet[0] == 'f';
}

template <class World, class Replay>
void replay_all(World& world, Replay&& replay) {
    auto witness = world.connect("witness").subscribe("#", {.qos = 1});
    size_t count = 0;
    for (const auto& table : mqtt::kMalformedFromClient) {
        for (const MalformedVector& row : table) {
            SCOPED_TRACE(row.name);
            if (!replay(row)) continue;
            ++count;
            if (::testing::Test::HasFailure()) return;
        }
    }
    EXPECT_GT(count, 0u);
    witness.publish("mark", "mark", {.qos = 1});
    EXPECT_EQ(witness.received(), Messages{"mark"});
    EXPECT_FALSE(witness.closed());
}

GW_STATEMENT("MQTT5-4.13.1-1 MQTT5-3.1.4-1", EveryMalformedConnectGetsItsReaction) {
    World world(seed());
    replay_all(world, [&](const MalformedVector& row) {
        if (is_connect(row)) replay_connect(world, row);
        return is_connect(row);
    });
}

GW_STATEMENT("MQTT5-4.13.1-1", EveryMalformedPacketGetsItsReaction) {
    World world(seed());
    replay_all(world, [&](const MalformedVector& row) {
        if (is_connect(row) || is_auth(row)) return false;
        replay_later(world, row, {.version = row.version});
        return true;
    });
}

GW_STATEMENT_CORE("MQTT5-4.13.1-1 MQTT5-3.15.2-1", EveryMalformedAuthGetsItsReaction) {
    World world(seed(), {.options = {.auth_methods = {"m"}}});
    replay_all(world, [&](const MalformedVector& row) {
        if (!is_auth(row)) return false;
        ConnectOptions options{.version = row.version};
        if (row.version == Version::V5) options.auth_method = "m";
        replay_later(world, row, options);
        return true;
    });
}

}  // namespace
}  // namespace godwit::conformance
