// Words that the tests of MQTT 3.1.1 and 3.1 share.
#pragma once

#include "conformance/conformance.h"

namespace godwit::conformance {

using world::CoreOptions;

inline ConnectOptions v311(ConnectOptions options = {}) {
    options.version = Version::V311;
    return options;
}

/// CleanSession 0: the session outlives its connection.
inline ConnectOptions stored_v311(ConnectOptions options = {}) {
    options.clean_start = false;
    return v311(options);
}

/// Closed, and a 3.x client gets no packet that says why.
inline void expect_closed(Client client) {
    EXPECT_TRUE(client.closes());
    EXPECT_EQ(client.count(Type::Disconnect), 0u);
}

/// Sends CONNECT bytes of 3.x on a new connection.
inline Client connect_bytes(world::AnyWorld& world, std::string_view notation,
                            Version version = Version::V311) {
    auto client = world.dial({.version = version});
    client.connect_bytes(packet(notation));
    return client;
}

/// CONNACK with this return code, and nothing after it but the close.
inline void expect_return_code(Client client, uint8_t code) {
    EXPECT_TRUE(client.closes());
    ASSERT_EQ(client.types(), Types{Type::Connack});
    const Bytes body = client.last(Type::Connack)->body();
    EXPECT_EQ(Buffer(body.begin(), body.end()), (Buffer{0, code}));  // Session Present 0
}

/// CONNACK 0.
inline void expect_accepted(Client client, bool session_present = false) {
    const auto* connack = client.last(Type::Connack);
    ASSERT_NE(connack, nullptr);
    const Bytes body = connack->body();
    EXPECT_EQ(Buffer(body.begin(), body.end()), (Buffer{session_present, 0}));
    EXPECT_FALSE(client.closed());
}

inline Buffer body_of(Client client, Type type) {
    const auto* last = client.last(type);
    if (!last) return {};
    return {last->body().begin(), last->body().end()};
}

}  // namespace godwit::conformance
