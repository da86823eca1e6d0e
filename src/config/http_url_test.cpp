#include "config/http_url.h"

#include <gtest/gtest.h>

namespace godwit::config {
namespace {

TEST(HttpUrl, IsTakenApart) {
    const auto full = parse_http_url("https://issuer.test:8443/keys?x=1").value();
    EXPECT_TRUE(full.tls);
    EXPECT_EQ(full.address.host, "issuer.test");
    EXPECT_EQ(full.address.port, 8443);
    EXPECT_EQ(full.target, "/keys?x=1");
    const auto bare = parse_http_url("http://127.0.0.1").value();
    EXPECT_FALSE(bare.tls);
    EXPECT_EQ(bare.address.port, 80);
    EXPECT_EQ(bare.target, "/");
    const auto v6 = parse_http_url("https://[::1]/k").value();
    EXPECT_EQ(v6.address.host, "::1");
    EXPECT_EQ(v6.address.port, 443);
    EXPECT_EQ(parse_http_url("https://a?x").value().target, "/?x");
    EXPECT_EQ(parse_http_url("https://[::1]:1/").value().address.port, 1);
}

TEST(HttpUrl, RefusesWhatIsNone) {
    for (const char* url :
         {"", "a", "ftp://a/", "http:/a", "HTTP://a", "http://", "http:///k", "http://a:b/",
          "http://a:70000/", "http://a:0/", "http://u@a/", "http://u:p@a/", "http://a/#f",
          "http://a/ x", "http://a/\n", "http://a\\b", "http://a/\xc3\xa4"})
        EXPECT_FALSE(parse_http_url(url)) << url;
}

}  // namespace
}  // namespace godwit::config
