#include "client/endpoint.h"

#include "os/file.h"
#include "os/test_directory.h"
#include "transport/test_certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::client {
namespace {

using testing::HasSubstr;

std::string fault(std::string_view url) {
    const auto parsed = parse_endpoint_url(url);
    return parsed ? "" : parsed.error();
}

TEST(EndpointUrl, OfMqttNamesATopic) {
    const auto url = parse_endpoint_url("mqtt://ann:p%40ss@broker.example:1884/plant/+/temp");
    ASSERT_TRUE(url);
    EXPECT_EQ(to_text(url->endpoint), "broker.example:1884");
    EXPECT_EQ(url->username, "ann");
    EXPECT_EQ(url->password, "p@ss");
    EXPECT_EQ(url->topic, "plant/+/temp");
    EXPECT_FALSE(url->endpoint.tls);
}

TEST(EndpointUrl, MayBeShort) {
    const auto url = parse_endpoint_url("mqtts://[::1]");
    ASSERT_TRUE(url);
    EXPECT_EQ(to_text(url->endpoint), "mqtts://[::1]:8883");
    EXPECT_FALSE(url->username);
    EXPECT_EQ(url->topic, "");
    EXPECT_EQ(parse_endpoint_url("mqtt://u@h:1")->username, "u");
    EXPECT_FALSE(parse_endpoint_url("mqtt://u@h:1")->password);
}

TEST(EndpointUrl, OfWebSocketNamesAPath) {
    const auto url = parse_endpoint_url("wss://h/other?x=1");
    ASSERT_TRUE(url);
    EXPECT_EQ(to_text(url->endpoint), "wss://h:8084/other?x=1");
    EXPECT_EQ(to_text(parse_endpoint_url("ws://h")->endpoint), "ws://h:8083/mqtt");
}

TEST(EndpointUrl, OfAUnixSocketNamesAFile) {
    EXPECT_EQ(to_text(parse_endpoint_url("unix:/run/x")->endpoint), "unix:/run/x");
    EXPECT_EQ(to_text(parse_endpoint_url("unix:///run/x")->endpoint), "unix:/run/x");
}

TEST(EndpointUrl, IsRefusedWithTheReason) {
    EXPECT_THAT(fault("http://h"), HasSubstr("no URL of a broker"));
    EXPECT_THAT(fault("broker"), HasSubstr("no URL of a broker"));
    EXPECT_THAT(fault("mqtt://"), HasSubstr("names no host"));
    EXPECT_THAT(fault("mqtt://h:x"), HasSubstr("\"h:x\""));
    EXPECT_THAT(fault("mqtt://h:70000"), HasSubstr("\"h:70000\""));
    EXPECT_THAT(fault("mqtt://a%4@h"), HasSubstr("two hexadecimal digits"));
    EXPECT_THAT(fault("mqtt://a:%zz@h"), HasSubstr("two hexadecimal digits"));
    EXPECT_THAT(fault("unix:"), HasSubstr("names no path"));
}

// --- TLS ---

class TlsOnDisk : public testing::Test {
protected:
    std::string put(const std::string& name, const std::string& text) const {
        EXPECT_TRUE(os::write_file_atomically(directory.path(name), as_bytes(text), 0600));
        return directory.path(name);
    }
    static std::string fault(const TlsFiles& files) {
        const auto loaded = load_tls(files);
        return loaded ? "" : loaded.error();
    }

    os::TestDirectory directory;
    transport::TestAuthority authority;
    transport::TestIdentity own = authority.issue({});
};

TEST_F(TlsOnDisk, IsLoadedFromFilesAndDirectories) {
    const std::string ca = put("ca.pem", authority.pem());
    put("notes.txt", "no certificate");
    EXPECT_EQ(fault({.cafile = ca}), "");
    EXPECT_EQ(fault({.capath = directory.path("")}), "");
    EXPECT_EQ(fault({.cafile = ca,
                     .cert = put("own.pem", own.certificate_pem),
                     .key = put("own.key", own.key_pem),
                     .tls13_only = true}),
              "");
}

TEST_F(TlsOnDisk, ChecksThePeerUnlessItIsInsecureAndWithoutAuthorities) {
    const std::string ca = put("ca.pem", authority.pem());
    EXPECT_EQ(load_tls({.cafile = ca})->peer_verify(), transport::PeerVerify::Required);
    EXPECT_EQ(load_tls({.cafile = ca, .insecure = true})->peer_verify(),
              transport::PeerVerify::Required);
    EXPECT_EQ(load_tls({.insecure = true})->peer_verify(), transport::PeerVerify::None);
}

TEST_F(TlsOnDisk, FaultsNameTheFileOrTheOption) {
    EXPECT_THAT(fault({.cafile = directory.path("none")}), HasSubstr("none: "));
    EXPECT_THAT(fault({.capath = directory.path("none")}), HasSubstr("none: no certificates"));
    EXPECT_THAT(fault({.cafile = put("bad.pem", "rubbish")}), HasSubstr("--cafile holds no"));
    EXPECT_THAT(fault({.cert = put("own.pem", own.certificate_pem), .insecure = true}),
                HasSubstr("--key is missing"));
    const std::string locked = transport::TestAuthority::encrypt_key(own.key_pem, "secret");
    EXPECT_THAT(fault({.cert = put("own.pem", own.certificate_pem),
                       .key = put("locked.key", locked),
                       .insecure = true}),
                HasSubstr("--keypass is missing"));
}

}  // namespace
}  // namespace godwit::client
