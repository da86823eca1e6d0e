#include "auth/base64.h"

#include <gtest/gtest.h>

namespace godwit::auth {
namespace {

// RFC 4648 section 10.
constexpr std::pair<std::string_view, std::string_view> kVectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

TEST(Base64, DecodesTheVectorsOfRfc4648WithAndWithoutPadding) {
    for (const auto& [plain, encoded] : kVectors) {
        const auto padded = decode_base64(encoded);
        ASSERT_TRUE(padded) << encoded;
        EXPECT_EQ(as_text(*padded), plain);
        const auto bare = decode_base64(encoded.substr(0, encoded.find('=')));
        ASSERT_TRUE(bare) << encoded;
        EXPECT_EQ(as_text(*bare), plain);
    }
}

TEST(Base64, EncodesTheVectorsOfRfc4648WithoutPadding) {
    for (const auto& [plain, encoded] : kVectors)
        EXPECT_EQ(encode_base64(as_bytes(plain)), encoded.substr(0, encoded.find('=')));
}

TEST(Base64, DecodesEveryByteValue) {
    Buffer all;
    for (int i = 0; i < 256; ++i) all.push_back(uint8_t(i));
    EXPECT_EQ(decode_base64(encode_base64(all)), all);
}

TEST(Base64, RefusesWhatIsNone) {
    for (const auto* text :
         {"Z", "Zg=", "Zg===", "Z*==", "Zm9v=", "Zh==", "Zm9=", " Zm8=", "Zm 8", "===="})
        EXPECT_FALSE(decode_base64(text)) << text;
}

TEST(Base64, OfTokensHasItsOwnLastDigitsAndNoPadding) {
    EXPECT_EQ(decode_base64url("-_8"), (Buffer{0xfb, 0xff}));
    EXPECT_EQ(decode_base64url(""), Buffer());
    for (const auto* text : {"+/8", "-_8=", "Zg==", "Z", "Zh"})
        EXPECT_FALSE(decode_base64url(text)) << text;
}

}  // namespace
}  // namespace godwit::auth
