// Words that the conformance tests share.
#pragma once

#include "mqtt/malformed_vectors.h"
#include "world/statement.h"

#include <string>

namespace godwit::conformance {

using world::AuthAnswer;
using world::Client;
using world::Codes;
using world::ConnectOptions;
using world::Messages;
using world::Pairs;
using world::Publish;
using world::seed;
using world::WillOptions;
using R = mqtt::ReasonCode;
using Type = mqtt::PacketType;
using Types = std::vector<Type>;
using mqtt::Qos;
using mqtt::Version;
using std::chrono::seconds;

/// Bytes in the notation of malformed_vectors.h: "30 # 't' () 70".
inline Buffer packet(std::string_view text) {
    return mqtt::read_packet_notation(text);
}

/// The broker's last word was DISCONNECT with this reason; then it closed.
inline void expect_disconnect(Client client, R reason) {
    EXPECT_TRUE(client.closes());
    EXPECT_EQ(client.disconnect_reason(), reason);
    EXPECT_EQ(client.types().empty() ? Type::Reserved : client.types().back(), Type::Disconnect);
}

/// CONNACK with this reason, and nothing after it but the close.
inline void expect_refused(Client client, R reason) {
    EXPECT_TRUE(client.closes());
    EXPECT_EQ(client.connack_reason(), reason);
    EXPECT_FALSE(client.session_present());
    EXPECT_EQ(client.types(), Types{Type::Connack});
}

/// Closed without a word.
inline void expect_cut_off(Client client) {
    EXPECT_TRUE(client.closes());
    EXPECT_EQ(client.types(), Types{});
}

/// A session that outlives its connection.
inline ConnectOptions lasting(ConnectOptions options = {}) {
    options.expiry_s = 3600;
    return options;
}

/// Acknowledgements are the script's own.
inline ConnectOptions by_hand(ConnectOptions options = {}) {
    options.auto_ack = false;
    return options;
}

inline ConnectOptions next_time(ConnectOptions options) {
    options.clean_start = false;
    return options;
}

inline std::vector<uint16_t> packet_ids(const std::vector<Publish>& publishes) {
    std::vector<uint16_t> ids;
    for (const Publish& each : publishes) ids.push_back(each.packet_id);
    return ids;
}

}  // namespace godwit::conformance
