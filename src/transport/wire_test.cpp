#include "transport/wire.h"

#include "transport/test_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::transport {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const std::string kRequest =
    "GET /mqtt?x=1 HTTP/1.1\r\nHost: a:8083\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: mqtt\r\n\r\n";
const std::string kMaskedMqtt("\x82\x84\0\0\0\0MQTT", 10);
const std::string kProxyLine = "PROXY TCP4 203.0.113.7 10.0.0.1 49152 1883\r\n";

struct Outcome {
    std::string mqtt, reply, fault;
    bool ready = false;
    bool operator==(const Outcome&) const = default;
};

Outcome feed(Wire& wire, const std::vector<std::string>& pieces) {
    Buffer mqtt, reply;
    Outcome outcome;
    for (const std::string& piece : pieces) {
        const auto step = wire.receive(as_bytes(piece), mqtt, reply);
        if (step) continue;
        outcome.fault = step.error().what;
        break;
    }
    outcome.mqtt = as_text(mqtt);
    outcome.reply = as_text(reply);
    outcome.ready = wire.ready();
    return outcome;
}

/// Feeds it whole, cut at every byte, and byte by byte: all must agree.
Outcome receive(const ServerWireOptions& options, const std::string& raw) {
    const Outcome whole = feed(*Wire::server(options), {raw});
    std::vector<std::string> bytes;
    for (size_t cut = 0; cut < raw.size(); ++cut) {
        bytes.emplace_back(1, raw[cut]);
        EXPECT_EQ(feed(*Wire::server(options), {raw.substr(0, cut), raw.substr(cut)}), whole)
            << cut;
    }
    EXPECT_EQ(feed(*Wire::server(options), bytes), whole);
    return whole;
}

ClientWireOptions websocket_client() {
    return {.websocket = true, .websocket_host = "a:8083", .mask_key = {3, 4}};
}

// --- PROXY ---

TEST(WireProxy, MqttBeginsBehindTheHeader) {
    const Outcome outcome = receive({.proxy_protocol = true}, kProxyLine + "MQTT");
    EXPECT_EQ(outcome.mqtt, "MQTT");
    EXPECT_TRUE(outcome.ready);
}
TEST(WireProxy, ThePeersAddressIsTold) {
    const auto wire = Wire::server({.proxy_protocol = true});
    EXPECT_FALSE(feed(*wire, {kProxyLine.substr(0, 20)}).ready);
    EXPECT_TRUE(feed(*wire, {kProxyLine.substr(20)}).ready);
    EXPECT_EQ(wire->peer().address, "203.0.113.7:49152");
}
TEST(WireProxy, AWebSocketBeginsBehindTheHeader) {
    const Outcome outcome =
        receive({.proxy_protocol = true, .websocket = true}, kProxyLine + kRequest + kMaskedMqtt);
    EXPECT_EQ(outcome.mqtt, "MQTT");
    EXPECT_THAT(outcome.reply, StartsWith("HTTP/1.1 101 "));
}
TEST(WireProxy, AConnectionWithoutHeaderIsRefusedWithoutAnswer) {
    const Outcome outcome = receive({.proxy_protocol = true}, "\x10\x0c");
    EXPECT_EQ(outcome.fault, "no PROXY header, which this listener demands");
    EXPECT_EQ(outcome.reply + outcome.mqtt, "");
}
TEST(WireProxy, AHeaderOverTheLimitIsRefused) {
    const std::string header("\r\n\r\n\0\r\nQUIT\n\x21\x11\x02\0", 16);
    EXPECT_EQ(receive({.proxy_protocol = true, .proxy_bytes_max = 200}, header).fault,
              "PROXY v2: header longer than the limit");
}
TEST(WireProxy, MqttIsSentAsItIs) {
    const auto wire = Wire::server({.proxy_protocol = true});
    feed(*wire, {kProxyLine});
    Buffer raw;
    EXPECT_TRUE(wire->send(as_bytes("MQTT"), raw));
    wire->close(CloseCode::Normal, raw);
    EXPECT_EQ(as_text(raw), "MQTT");
}

// --- WebSocket: opening ---

TEST(WireWebSocket, TheServerAnswersAndMqttFlows) {
    const Outcome outcome = receive({.websocket = true}, kRequest + kMaskedMqtt);
    EXPECT_THAT(outcome.reply, StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
    EXPECT_THAT(outcome.reply, HasSubstr("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    EXPECT_EQ(outcome.mqtt, "MQTT");
    EXPECT_EQ(outcome.fault, "");
}
TEST(WireWebSocket, TargetAndSubProtocolAreTold) {
    const auto wire = Wire::server({.websocket = true});
    feed(*wire, {kRequest});
    EXPECT_EQ(wire->peer().http_target, "/mqtt?x=1");
    EXPECT_EQ(wire->peer().websocket_protocol, "mqtt");
}
TEST(WireWebSocket, ARefusalIsAnsweredAndTold) {
    const Outcome outcome = receive({.websocket = true, .websocket_path = "/other"}, kRequest);
    EXPECT_THAT(outcome.reply, StartsWith("HTTP/1.1 404 Not Found\r\n"));
    EXPECT_EQ(outcome.fault, "HTTP 404: nothing here; MQTT over WebSocket has another path");
    EXPECT_FALSE(outcome.ready);
}
TEST(WireWebSocket, AMalformedHeadIsAnswered) {
    const Outcome outcome = receive({.websocket = true}, "GET / HTTP/1.1\r\nHost : a\r\n\r\n");
    EXPECT_THAT(outcome.reply, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
    EXPECT_EQ(outcome.fault, "HTTP 400: malformed header name");
}
TEST(WireWebSocket, AHeadOverTheLimitIsAnswered) {
    const Outcome outcome = receive({.websocket = true, .head_bytes_max = 200},
                                    "GET / HTTP/1.1\r\nA: " + std::string(300, 'a'));
    EXPECT_THAT(outcome.reply, StartsWith("HTTP/1.1 431 "));
    EXPECT_EQ(receive({.websocket = true, .head_bytes_max = kRequest.size()}, kRequest).fault, "");
    EXPECT_EQ(receive({.websocket = true, .head_bytes_max = kRequest.size() - 1}, kRequest).fault,
              "HTTP 431: the head is larger than the limit");
}
TEST(WireWebSocket, TheUsualMistakesAreToldByTheFirstByte) {
    EXPECT_EQ(receive({.websocket = true}, "\x10\x0c").fault,
              "HTTP: the peer speaks MQTT without WebSocket");
    EXPECT_EQ(receive({.websocket = true}, "\x16\x03").fault,
              "HTTP: the peer speaks TLS, which is not expected here");
    EXPECT_EQ(receive({.websocket = true}, "x").fault, "HTTP: the peer does not speak HTTP");
}

// --- WebSocket: open ---

TEST(WireWebSocket, ClientAndServerTalk) {
    for (const size_t piece_bytes : {1u, 7u, 100000u}) {
        TestLink link(websocket_client(), {.websocket = true});
        link.pump(piece_bytes);
        ASSERT_TRUE(link.ready());
        const std::string large(70000, 'x');
        link.send(link.client, "up");
        link.send(link.client, large);
        link.send(link.server, "down");
        link.send(link.server, large);
        link.pump(piece_bytes);
        EXPECT_EQ(link.server.text(), "up" + large);
        EXPECT_EQ(link.client.text(), "down" + large);
    }
}
TEST(WireWebSocket, AFaultIsAnsweredWithItsCloseCode) {
    const Outcome outcome =
        receive({.websocket = true}, kRequest + kMaskedMqtt + std::string("\x81\x80\0\0\0\0", 6));
    EXPECT_EQ(outcome.mqtt, "MQTT");
    EXPECT_THAT(outcome.reply, HasSubstr("\r\n\r\n\x88\x02\x03\xeb"));
    EXPECT_EQ(outcome.fault, "WebSocket: a text frame; MQTT needs binary ones");
}
TEST(WireWebSocket, FramesOverTheLimitAreRefused) {
    const Outcome outcome =
        receive({.websocket = true, .frame_bytes_max = 3}, kRequest + kMaskedMqtt);
    EXPECT_EQ(outcome.fault, "WebSocket: a frame larger than the limit");
}
TEST(WireWebSocket, ThePeersCloseIsNoFault) {
    TestLink link(websocket_client(), {.websocket = true});
    link.pump();
    link.send(link.client, "last");
    link.close(link.client, CloseCode::GoingAway);
    link.pump();
    EXPECT_EQ(link.server.text(), "last");
    EXPECT_EQ(link.server.fault, "the peer closed the WebSocket: code 1001");
    EXPECT_EQ(link.server.fault_kind, WireErrorKind::PeerClosed);
}
TEST(WireWebSocket, NothingIsSentOrTakenAfterTheEnd) {
    TestLink link(websocket_client(), {.websocket = true});
    link.pump();
    link.close(link.client, CloseCode::None);
    link.pump();
    Buffer raw, mqtt;
    EXPECT_TRUE(link.server.wire->send(as_bytes("late"), raw));
    link.server.wire->close(CloseCode::Normal, raw);
    EXPECT_TRUE(raw.empty());
    EXPECT_FALSE(link.server.wire->receive(as_bytes("x"), mqtt, raw));
    EXPECT_FALSE(link.server.wire->ready());
}
TEST(WireWebSocket, AnEmptySendSendsNothing) {
    TestLink link(websocket_client(), {.websocket = true});
    link.pump();
    EXPECT_TRUE(link.send(link.server, ""));
    EXPECT_TRUE(link.client.incoming.empty());
}

TEST(WireWebSocketClient, ARefusalOfTheServerIsTold) {
    ClientWireOptions options = websocket_client();
    options.websocket_path = "/other";
    TestLink link(options, {.websocket = true});
    link.pump();
    EXPECT_EQ(link.client.fault, "HTTP: the server refuses the WebSocket: 404 Not Found");
}
TEST(WireWebSocketClient, TheOldSubProtocolCanBeAskedFor) {
    ClientWireOptions options = websocket_client();
    options.websocket_protocol = "mqttv3.1";
    TestLink link(options, {.websocket = true});
    link.pump();
    EXPECT_TRUE(link.ready());
    EXPECT_EQ(link.client.wire->peer().websocket_protocol, "mqttv3.1");
    EXPECT_EQ(link.server.wire->peer().websocket_protocol, "mqttv3.1");
}
TEST(WireWebSocketClient, AHostThatCannotStandInARequestIsRefused) {
    ClientWireOptions options = websocket_client();
    options.websocket_host = "";
    Buffer raw;
    const auto wire = Wire::client(options, raw);
    ASSERT_FALSE(wire);
    EXPECT_EQ(wire.error().kind, WireErrorKind::Http);
    EXPECT_TRUE(raw.empty());
}
TEST(WireWebSocketClient, ConnectionsWithDifferentKeysAskDifferently) {
    Buffer one, two;
    ClientWireOptions options = websocket_client();
    EXPECT_TRUE(Wire::client(options, one));
    options.mask_key = {5, 6};
    EXPECT_TRUE(Wire::client(options, two));
    EXPECT_EQ(one.size(), two.size());
    EXPECT_NE(one, two);
}

TEST(WireMemory, WhatTheOpeningHeldIsGivenBack) {
    const auto wire = Wire::server({.websocket = true});
    feed(*wire, {kRequest.substr(0, kRequest.size() - 1)});
    const size_t during = wire->memory_bytes();
    feed(*wire, {kRequest.substr(kRequest.size() - 1)});
    EXPECT_GT(during, wire->memory_bytes());
    EXPECT_LE(wire->memory_bytes(), 768u);
}

}  // namespace
}  // namespace godwit::transport
