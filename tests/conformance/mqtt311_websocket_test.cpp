// MQTT 3.1.1 chapter 6: MQTT in WebSocket frames. The layer below the broker, on its own; the real
// clients of tests/integration walk the whole way.
#include "conformance/mqtt311.h"
#include "transport/wire.h"

namespace godwit::conformance {
namespace {

const std::string kRequest =
    "GET /mqtt HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: chat, mqtt\r\n\r\n";

struct OpenWire {
    std::unique_ptr<transport::Wire> wire;
    Buffer mqtt, reply;

    OpenWire() : wire(transport::Wire::server({.websocket = true})) {
        EXPECT_TRUE(wire->receive(as_bytes(kRequest), mqtt, reply));
        EXPECT_TRUE(wire->ready());
    }
    bool receive(std::string_view notation) {
        return bool(wire->receive(packet(notation), mqtt, reply));
    }
};

GW_STATEMENT_CORE("MQTT311-6.0.0-1", TextFramesCloseTheConnection) {
    OpenWire text;
    EXPECT_FALSE(text.receive("81 82 00000000 c000"));
    EXPECT_TRUE(text.mqtt.empty());
    OpenWire binary;
    EXPECT_TRUE(binary.receive("82 82 00000000 c000"));
    EXPECT_EQ(binary.mqtt, packet("c000"));
}

GW_STATEMENT_CORE("MQTT311-6.0.0-1", BrokerSendsBinaryFrames) {
    OpenWire open;
    Buffer raw;
    ASSERT_TRUE(open.wire->send(packet("d000"), raw));
    EXPECT_EQ(raw, packet("82 02 d000"));
}

GW_STATEMENT_CORE("MQTT311-6.0.0-2", PacketsAndFramesNeedNotAlign) {
    OpenWire open;
    EXPECT_TRUE(open.receive("82 83 00000000 c000c0"));  // one packet and a half
    EXPECT_TRUE(open.receive("02 81 00000000 00"));      // in fragments, a ping between them
    EXPECT_TRUE(open.receive("89 80 00000000"));
    EXPECT_TRUE(open.receive("80 82 00000000 e000"));
    EXPECT_EQ(open.mqtt, packet("c000 c000 e000"));
}

GW_STATEMENT_CORE("MQTT311-6.0.0-4", SubProtocolAnsweredIsMqtt) {
    OpenWire open;
    const std::string answer(as_text(open.reply));
    EXPECT_NE(answer.find("\r\nSec-WebSocket-Protocol: mqtt\r\n"), std::string::npos) << answer;
}

}  // namespace
}  // namespace godwit::conformance
