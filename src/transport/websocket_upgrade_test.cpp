#include "transport/websocket_upgrade.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

namespace godwit::transport {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kKey = "dGhlIHNhbXBsZSBub25jZQ==";  // the sample of RFC 6455 section 1.3

struct Request {
    std::string start = "GET /mqtt HTTP/1.1";
    std::map<std::string, std::string> fields = {
        {"Host", "broker.example:8083"},       {"Upgrade", "websocket"},
        {"Connection", "keep-alive, Upgrade"}, {"Sec-WebSocket-Key", kKey},
        {"Sec-WebSocket-Version", "13"},       {"Sec-WebSocket-Protocol", "mqtt"}};
    std::string more;

    std::string text() const {
        std::string head = start + "\r\n";
        for (const auto& [name, value] : fields) head += name + ": " + value + "\r\n";
        return head + more + "\r\n";
    }
};

struct Judged {
    int status = 101;
    std::string what;  // of a refusal
    std::string target, protocol;
};
Judged judge(const Request& request) {
    const std::string text = request.text();
    const auto head = parse_http_head(text);
    EXPECT_TRUE(head);
    const auto judged = check_upgrade_request(*head, "/mqtt");
    if (!judged) return {judged.error().status, judged.error().what, "", ""};
    return {101, "", std::string(judged->target), std::string(judged->protocol)};
}
Judged judge_with(const std::string& name, const std::string& value) {
    Request request;
    request.fields[name] = value;
    return judge(request);
}
Judged judge_without(const std::string& name) {
    Request request;
    request.fields.erase(name);
    return judge(request);
}
Judged judge_start(const std::string& start) {
    Request request;
    request.start = start;
    return judge(request);
}

TEST(WebSocketUpgrade, AWholeRequestIsGranted) {
    const Judged judged = judge({});
    EXPECT_EQ(judged.status, 101);
    EXPECT_EQ(judged.protocol, "mqtt");
}
TEST(WebSocketUpgrade, TheQueryIsKeptButNotCompared) {
    EXPECT_EQ(judge_start("GET /mqtt?token=a/b?c HTTP/1.1").target, "/mqtt?token=a/b?c");
}
TEST(WebSocketUpgrade, AnotherPathIsNotFound) {
    for (const char* path : {"/", "/mqtt/", "/MQTT", "/mqt", "/mqttx", "//mqtt"})
        EXPECT_EQ(judge_start(std::string("GET ") + path + " HTTP/1.1").status, 404) << path;
}
TEST(WebSocketUpgrade, ATargetThatIsNoPathIsBad) {
    EXPECT_EQ(judge_start("GET http://a/mqtt HTTP/1.1").status, 400);
    EXPECT_EQ(judge_start("GET * HTTP/1.1").status, 400);
}
TEST(WebSocketUpgrade, OnlyGetIsAllowed) {
    EXPECT_EQ(judge_start("POST /mqtt HTTP/1.1").status, 405);
    EXPECT_EQ(judge_start("get /mqtt HTTP/1.1").status, 405);
}
TEST(WebSocketUpgrade, OnlyHttp11IsSpoken) {
    EXPECT_EQ(judge_start("GET /mqtt HTTP/1.0").status, 505);
    EXPECT_EQ(judge_start("GET /mqtt HTTP/2").status, 505);
}
TEST(WebSocketUpgrade, ExactlyOneHostIsRequired) {
    EXPECT_EQ(judge_without("Host").status, 400);
    Request twice;
    twice.more = "host: other\r\n";
    EXPECT_EQ(judge(twice).what, "exactly one Host header is required");
}
TEST(WebSocketUpgrade, KeyAndVersionMayNotComeTwice) {
    for (const char* name : {"Sec-WebSocket-Key", "Sec-WebSocket-Version"}) {
        Request twice;
        twice.more = std::string(name) + ": " + twice.fields[name] + "\r\n";
        EXPECT_EQ(judge(twice).status, 400);
        EXPECT_EQ(judge(twice).what, std::string(name) + " appears twice");
    }
}
TEST(WebSocketUpgrade, ABodyIsRefused) {
    EXPECT_EQ(judge_with("Content-Length", "5").status, 400);
    EXPECT_EQ(judge_with("Content-Length", "0").status, 101);
    EXPECT_EQ(judge_with("Transfer-Encoding", "chunked").status, 400);
}
TEST(WebSocketUpgrade, ARequestWithoutUpgradeIsTold426) {
    EXPECT_EQ(judge_without("Upgrade").status, 426);
    EXPECT_EQ(judge_with("Upgrade", "h2c").status, 426);
    EXPECT_EQ(judge_without("Connection").status, 426);
    EXPECT_EQ(judge_with("Connection", "keep-alive").status, 426);
}
TEST(WebSocketUpgrade, UpgradeTokensHaveNoCase) {
    EXPECT_EQ(judge_with("Upgrade", "WebSocket").status, 101);
    EXPECT_EQ(judge_with("Connection", "UPGRADE").status, 101);
}
TEST(WebSocketUpgrade, OnlyVersion13IsSpoken) {
    for (const char* version : {"8", "", "13, 8", "013"})
        EXPECT_EQ(judge_with("Sec-WebSocket-Version", version).status, 426) << version;
    EXPECT_EQ(judge_without("Sec-WebSocket-Version").status, 426);
}
TEST(WebSocketUpgrade, TheKeyMustBe16BytesInBase64) {
    for (const char* key : {"", "short", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=a",
                            "dGhlIHNhbXBsZSBub25jZQA=", "dGhl!HNhbXBsZSBub25jZQ=="})
        EXPECT_EQ(judge_with("Sec-WebSocket-Key", key).status, 400) << key;
    EXPECT_EQ(judge_without("Sec-WebSocket-Key").status, 400);
}
TEST(WebSocketUpgrade, TheFirstKnownSubProtocolIsChosen) {  // [MQTT5-6.0.0-3]
    EXPECT_EQ(judge_with("Sec-WebSocket-Protocol", "mqttv3.1").protocol, "mqttv3.1");
    EXPECT_EQ(judge_with("Sec-WebSocket-Protocol", "mqttv3.1, mqtt").protocol, "mqttv3.1");
    EXPECT_EQ(judge_with("Sec-WebSocket-Protocol", "chat,mqtt ,mqttv3.1").protocol, "mqtt");
    Request spread;
    spread.fields["Sec-WebSocket-Protocol"] = "chat";
    spread.more = "Sec-WebSocket-Protocol: mqtt\r\n";
    EXPECT_EQ(judge(spread).protocol, "mqtt");
}
TEST(WebSocketUpgrade, WithoutAKnownSubProtocolItIsRefused) {
    for (const char* offer : {"", "chat", "MQTT", "mqttx, mqttv3"})
        EXPECT_EQ(judge_with("Sec-WebSocket-Protocol", offer).status, 400) << offer;
    EXPECT_EQ(judge_without("Sec-WebSocket-Protocol").what,
              "Sec-WebSocket-Protocol must offer mqtt or mqttv3.1");
}

TEST(WebSocketUpgrade, TheAcceptValueIsThatOfTheSample) {
    EXPECT_EQ(websocket_accept(kKey), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}
TEST(WebSocketUpgrade, TheGrantNamesTheSubProtocol) {  // [MQTT5-6.0.0-4]
    Buffer out;
    put_upgrade_granted(out, {"/mqtt", kKey, "mqttv3.1"});
    EXPECT_EQ(as_text(out),
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
              "Sec-WebSocket-Protocol: mqttv3.1\r\n\r\n");
}
TEST(WebSocketUpgrade, ARefusalIsAWholeAnswer) {
    Buffer out;
    put_upgrade_refused(out, {404, "nothing here"});
    EXPECT_EQ(as_text(out),
              "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Type: text/plain\r\n"
              "Content-Length: 13\r\n\r\nnothing here\n");
}
TEST(WebSocketUpgrade, RefusalsTellWhatWouldBeTaken) {
    Buffer wrong_version, wrong_method;
    put_upgrade_refused(wrong_version, {426, "x"});
    EXPECT_THAT(
        std::string(as_text(wrong_version)),
        HasSubstr("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade, "));
    put_upgrade_refused(wrong_method, {405, "x"});
    EXPECT_THAT(std::string(as_text(wrong_method)), HasSubstr("Allow: GET\r\n"));
    for (const auto& [status, reason] :
         {std::pair{400, "Bad Request"}, {431, "Request Header"}, {505, "HTTP Version"}}) {
        Buffer out;
        put_upgrade_refused(out, {status, "x"});
        EXPECT_THAT(std::string(as_text(out)),
                    StartsWith("HTTP/1.1 " + std::to_string(status) + " " + reason));
    }
}

TEST(WebSocketUpgrade, AWishIsARequestThatAServerGrants) {
    const std::vector<std::pair<std::string, std::string>> extra = {{"X-Token", "abc"}};
    Buffer out;
    ASSERT_TRUE(put_upgrade_wish(out, {"a:1", "/mqtt?x=1", "mqtt", kKey, extra}));
    const auto head = parse_http_head(as_text(out));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->find("X-Token"), "abc");
    EXPECT_TRUE(check_upgrade_request(*head, "/mqtt"));
}
TEST(WebSocketUpgrade, AWishThatWouldBreakTheHeadIsRefused) {
    const auto put = [](std::string_view host, std::string_view path, const char* name,
                        const char* value) {
        Buffer out;
        const std::vector<std::pair<std::string, std::string>> extra = {{name, value}};
        const bool taken = put_upgrade_wish(out, {host, path, "mqtt", kKey, extra}).has_value();
        EXPECT_EQ(taken, !out.empty());
        return taken;
    };
    EXPECT_TRUE(put("a", "/", "X", "y"));
    EXPECT_FALSE(put("", "/", "X", "y"));
    EXPECT_FALSE(put("a\r\nB: c", "/", "X", "y"));
    EXPECT_FALSE(put("a", "mqtt", "X", "y"));
    EXPECT_FALSE(put("a", "/a b", "X", "y"));
    EXPECT_FALSE(put("a", "/\r\n", "X", "y"));
    EXPECT_FALSE(put("a", "/", "X Y", "y"));
    EXPECT_FALSE(put("a", "/", "X", "y\r\nB: c"));
}

std::string judge_answer(const std::string& start, std::map<std::string, std::string> change) {
    std::map<std::string, std::string> fields = {{"Upgrade", "websocket"},
                                                 {"Connection", "upgrade"},
                                                 {"Sec-WebSocket-Accept", websocket_accept(kKey)},
                                                 {"Sec-WebSocket-Protocol", "mqtt"}};
    change.merge(fields);
    std::string text = start + "\r\n";
    for (const auto& [name, value] : change)
        if (value != "-") text += name + ": " + value + "\r\n";
    text += "\r\n";
    const auto judged = check_upgrade_answer(*parse_http_head(text), kKey, "mqtt");
    return judged ? "granted" : judged.error();
}

TEST(WebSocketAnswer, AWholeGrantIsTaken) {
    EXPECT_EQ(judge_answer("HTTP/1.1 101 Switching Protocols", {}), "granted");
}
TEST(WebSocketAnswer, ARefusalIsToldWithItsStatusAndReason) {
    EXPECT_EQ(judge_answer("HTTP/1.1 404 Not Found", {}),
              "the server refuses the WebSocket: 404 Not Found");
}
TEST(WebSocketAnswer, OtherHttpVersionsAreRefused) {
    EXPECT_EQ(judge_answer("HTTP/1.0 101 x", {}), "the server does not speak HTTP/1.1");
}
TEST(WebSocketAnswer, TheUpgradeMustBeToWebSocket) {
    for (const char* field : {"Upgrade", "Connection"})
        EXPECT_EQ(judge_answer("HTTP/1.1 101 x", {{field, "-"}}),
                  "the server's 101 is not an upgrade to WebSocket");
}
TEST(WebSocketAnswer, TheAcceptValueMustBelongToTheKey) {
    for (const char* value : {"-", "", "s3pPLMBiTxaQ9kYGzzhZRbK+xOO="})
        EXPECT_EQ(judge_answer("HTTP/1.1 101 x", {{"Sec-WebSocket-Accept", value}}),
                  "the server's Sec-WebSocket-Accept does not answer our key");
}
TEST(WebSocketAnswer, TheSubProtocolMustBeTheOneAskedFor) {
    for (const char* value : {"-", "mqttv3.1"})
        EXPECT_EQ(judge_answer("HTTP/1.1 101 x", {{"Sec-WebSocket-Protocol", value}}),
                  "the server does not agree to sub-protocol mqtt");
}
TEST(WebSocketAnswer, ExtensionsNobodyOfferedAreRefused) {
    EXPECT_EQ(judge_answer("HTTP/1.1 101 x", {{"Sec-WebSocket-Extensions", "permessage-deflate"}}),
              "the server wants a WebSocket extension nobody offered");
}

TEST(Base64, IsPadded) {
    EXPECT_EQ(base64({}), "");
    EXPECT_EQ(base64(as_bytes("f")), "Zg==");
    EXPECT_EQ(base64(as_bytes("foobar")), "Zm9vYmFy");
}

}  // namespace
}  // namespace godwit::transport
