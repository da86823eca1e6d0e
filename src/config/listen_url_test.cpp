#include "config/listen_url.h"

#include <gtest/gtest.h>

namespace godwit::config {
namespace {

using transport::PeerVerify;

ListenUrl url(std::string_view text) {
    auto parsed = parse_listen_url(text);
    EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error().message);
    return parsed ? std::move(parsed).value() : ListenUrl();
}

std::string fault(std::string_view text) {
    const auto parsed = parse_listen_url(text);
    EXPECT_FALSE(parsed) << text;
    return parsed ? "" : parsed.error().message;
}

TEST(ListenUrl, EverySchemeHasItsPort) {
    const std::tuple<const char*, Scheme, uint16_t> kCases[] = {
        {"mqtt://h", Scheme::Mqtt, 1883},
        {"mqtts://h", Scheme::Mqtts, 8883},
        {"ws://h", Scheme::Ws, 8083},
        {"wss://h", Scheme::Wss, 8084},
        {"MQTT://h:99", Scheme::Mqtt, 99},
        {"wss://h:0", Scheme::Wss, 0},
        {"mqtt://h:65535", Scheme::Mqtt, 65535},
    };
    for (const auto& [text, scheme, port] : kCases) {
        EXPECT_EQ(url(text).scheme, scheme) << text;
        EXPECT_EQ(url(text).port, port) << text;
        EXPECT_EQ(url(text).host, "h") << text;
    }
}

TEST(ListenUrl, HostsAreNamesAndAddressesOfBothKinds) {
    EXPECT_EQ(url("mqtt://127.0.0.1:1").host, "127.0.0.1");
    EXPECT_EQ(url("mqtt://[::1]:1").host, "::1");
    EXPECT_EQ(url("mqtt://[::]").host, "::");
    EXPECT_EQ(url("mqtt://[fe80::1%eth0]:7").host, "fe80::1%eth0");
    EXPECT_EQ(url("mqtt://broker-1.example.org/").host, "broker-1.example.org");
}

TEST(ListenUrl, OnlyWebSocketHasAPathAndItIsMqttByDefault) {
    EXPECT_EQ(url("ws://h").path, "/mqtt");
    EXPECT_EQ(url("ws://h:1/").path, "/");
    EXPECT_EQ(url("wss://h:1/a/b%20c").path, "/a/b%20c") << "compared with the request as it is";
    EXPECT_EQ(url("mqtt://h/").path, "");
    EXPECT_NE(fault("mqtt://h/mqtt").find("only ws and wss have a path"), std::string::npos);
}

TEST(ListenUrl, AUnixPathIsAbsoluteOrAbstract) {
    EXPECT_EQ(url("unix:/run/godwit.sock").path, "/run/godwit.sock");
    EXPECT_EQ(url("unix:///run/godwit.sock").path, "/run/godwit.sock");
    EXPECT_EQ(url("unix:/run/a%20b%3fc").path, "/run/a b?c");
    EXPECT_EQ(url("unix:@name").path, "@name");
    EXPECT_EQ(url("unix:/" + std::string(106, 'x')).path.size(), 107u);
    EXPECT_NE(fault("unix:/" + std::string(107, 'x')).find("longer than 107"), std::string::npos);
    for (const auto* text : {"unix:", "unix:/", "unix:relative", "unix:///", "unix:@"})
        EXPECT_NE(fault(text).find("begins with '/'"), std::string::npos) << text;
    EXPECT_NE(fault("unix:/a%00b").find("%-escape"), std::string::npos);
    EXPECT_NE(fault("unix:/a?verify=none").find("unix has no TLS"), std::string::npos);
}

TEST(ListenUrl, TlsFilesStandInTheQuery) {
    const ListenUrl full =
        url("mqtts://h:1?cert=/etc/c%20.pem&key=/etc/k.pem&ca=a%2Bb%26c.pem&verify=required");
    EXPECT_EQ(full.cert, "/etc/c .pem");
    EXPECT_EQ(full.key, "/etc/k.pem");
    EXPECT_EQ(full.ca, "a+b&c.pem");
    EXPECT_EQ(full.verify, PeerVerify::Required);
    EXPECT_EQ(url("wss://h/p?verify=optional").verify, PeerVerify::Optional);
    EXPECT_EQ(url("wss://h?verify=none").verify, PeerVerify::None);
    EXPECT_EQ(url("wss://h?").verify, std::nullopt);
}

TEST(ListenUrl, EveryRefusalSaysWhatIsWrong) {
    const std::pair<const char*, const char*> kBad[] = {
        {"", "empty"},
        {"mqtt", "begins with none of"},
        {"127.0.0.1:1883", "begins with none of"},
        {"tcp://h", "begins with none of"},
        {"mqtt:h", "'//' follows mqtt:"},
        {"mqtt:/h", "'//' follows mqtt:"},
        {"mqtt://", "there is no host"},
        {"mqtt://:1883", "there is no host"},
        {"mqtt://h:", "the port '' is not"},
        {"mqtt://h:x", "the port 'x' is not"},
        {"mqtt://h:65536", "the port '65536' is not"},
        {"mqtt://h:-1", "the port '-1' is not"},
        {"mqtt://h:+1", "the port '+1' is not"},
        {"mqtt://::1", "in brackets"},
        {"mqtt://[::1", "']'"},
        {"mqtt://[::1]1883", "only ':' and a port"},
        {"mqtt://[::g]", "no IPv6 address"},
        {"mqtt://[127.0.0.1]", "no IPv6 address"},
        {"mqtt://[]", "no IPv6 address"},
        {"mqtt://1.2.3", "no IPv4 address"},
        {"mqtt://1.2.3.256", "no IPv4 address"},
        {"mqtt://*", "no host name"},
        {"mqtt://a!b", "no host name"},
        {"mqtt://u:p@h:1", "no user and password"},
        {"mqtt://h#x", "'#'"},
        {"mqtt://h x", "%-escapes"},
        {"mqtt://h\n", "%-escapes"},
        {"mqtt://h?cert=x", "mqtt has no TLS"},
        {"ws://h?verify=none", "ws has no TLS"},
        {"mqtts://h?cert", "cert names no file"},
        {"mqtts://h?cert=", "cert names no file"},
        {"mqtts://h?cert=a&cert=b", "cert is there twice"},
        {"mqtts://h?verify=none&verify=none", "verify is there twice"},
        {"mqtts://h?verify=maybe", "none, optional and required"},
        {"mqtts://h?crt=x", "'crt' is none of"},
        {"mqtts://h?&", "'' is none of"},
        {"mqtts://h?key=%2", "%-escape in key"},
        {"mqtts://h?key=%zz", "%-escape in key"},
        {"mqtts://h?key=a%00", "%-escape in key"},
    };
    for (const auto& [text, what] : kBad)
        EXPECT_NE(fault(text).find(what), std::string::npos) << text << ": " << fault(text);
}

TEST(ListenUrl, TextIsTheFullFormWithoutTheQuery) {
    EXPECT_EQ(to_text(url("ws://127.0.0.1")), "ws://127.0.0.1:8083/mqtt");
    EXPECT_EQ(to_text(url("mqtts://[::1]?cert=c&key=k")), "mqtts://[::1]:8883");
    EXPECT_EQ(to_text(url("unix:///run/x")), "unix:/run/x");
}

TEST(ListenUrl, LoopbackIsWhatOnlyThisMachineReaches) {
    for (const auto* host : {"127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1",
                             "::ffff:127.0.0.1", "localhost", "LocalHost"})
        EXPECT_TRUE(is_loopback(host)) << host;
    for (const auto* host :
         {"0.0.0.0", "::", "128.0.0.1", "10.0.0.1", "127.1", "127.0.0.1.example.org", "::2",
          "::ffff:10.0.0.1", "localhost.example.org", "example.org", ""})
        EXPECT_FALSE(is_loopback(host)) << host;
}

TEST(ListenUrl, SocketsAreTheSameByHostAndPortOrByPath) {
    const auto same = [](std::string_view a, std::string_view b) {
        return same_socket(url(a), url(b));
    };
    EXPECT_TRUE(same("mqtt://h:1", "ws://H:1/x"));
    EXPECT_TRUE(same("unix:/a", "unix:///a"));
    EXPECT_FALSE(same("mqtt://h:1", "mqtt://h:2"));
    EXPECT_FALSE(same("mqtt://h:0", "mqtt://h:0")) << "port 0 is a new one each time";
    EXPECT_FALSE(same("unix:/a", "unix:/b"));
    EXPECT_FALSE(same("unix:/a", "mqtt://a"));
}

TEST(HostPort, NeedsBothParts) {
    const auto v6 = parse_host_port("[::1]:8080");
    ASSERT_TRUE(v6);
    EXPECT_EQ(v6->host, "::1");
    EXPECT_EQ(v6->port, 8080);
    EXPECT_TRUE(parse_host_port("localhost:0"));
    for (const auto* text : {"", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http",
                             "http://127.0.0.1:8080", "127.0.0.1:80/x"})
        EXPECT_FALSE(parse_host_port(text)) << text;
}

}  // namespace
}  // namespace godwit::config
