#include "server/scram_logins.h"

#include "auth/base64.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace godwit::server {
namespace {

using mqtt::ReasonCode;
using std::chrono::seconds;

constexpr ShardId kShard{0};

auth::PasswordFile users() {
    const std::string hash = auth::hash_password_for_scram("pencil", as_bytes("0123456789abcdef"));
    return auth::PasswordFile::parse("ann:" + hash + "\n").value();
}

broker::AuthRequest message(uint32_t slot, std::string text, bool continues = false) {
    return {.connection = {slot, 1},
            .auth_method = "SCRAM-SHA-256",
            .auth_data = std::move(text),
            .continues = continues};
}

using Sum = std::array<uint8_t, 32>;

Sum hmac(Bytes key, std::string_view text) {
    Sum sum;
    unsigned size = 0;
    HMAC(EVP_sha256(), key.data(), int(key.size()), as_bytes(text).data(), text.size(), sum.data(),
         &size);
    return sum;
}

/// The client's answer to a challenge, after "n,,n=USER,r=abc".
std::string answer_to(std::string_view challenge, const std::string& user,
                      std::string_view password) {
    const std::string nonce(challenge.substr(2, challenge.find(",s=") - 2));
    const size_t salt_at = challenge.find(",s=") + 3, count_at = challenge.find(",i=");
    const Buffer salt =
        auth::decode_base64(challenge.substr(salt_at, count_at - salt_at)).value_or(Buffer());
    Sum salted;
    PKCS5_PBKDF2_HMAC(password.data(), int(password.size()), salt.data(), int(salt.size()),
                      std::stoi(std::string(challenge.substr(count_at + 3))), EVP_sha256(),
                      int(salted.size()), salted.data());
    const std::string bare = "c=biws,r=" + nonce;
    const std::string signed_text = "n=" + user + ",r=abc," + std::string(challenge) + "," + bare;
    Sum proof = hmac(salted, "Client Key"), stored;
    EVP_Digest(proof.data(), proof.size(), stored.data(), nullptr, EVP_sha256(), nullptr);
    const Sum signature = hmac(stored, signed_text);
    for (size_t i = 0; i < proof.size(); ++i) proof[i] ^= signature[i];
    return bare + ",p=" + auth::encode_base64(proof);
}

class ScramLoginsTest : public ::testing::Test {
protected:
    broker::Verdict begin(uint32_t slot, const std::string& user = "ann") {
        return logins_.step(kShard, message(slot, "n,,n=" + user + ",r=abc"), &users_, now_);
    }
    broker::Verdict end(uint32_t slot, const std::string& text) {
        return logins_.step(kShard, message(slot, text, true), &users_, now_);
    }

    const auth::PasswordFile users_ = users();
    ScramLogins logins_{{1, 2}};
    Instant now_{seconds(1000)};
};

TEST_F(ScramLoginsTest, TheRightPasswordSaysWhoItIs) {
    const broker::Verdict first = begin(1);
    EXPECT_EQ(first.reason, ReasonCode::ContinueAuthentication);
    EXPECT_EQ(first.connection, (ConnectionId{1, 1}));
    const broker::Verdict last = end(1, answer_to(first.auth_data, "ann", "pencil"));
    EXPECT_EQ(last.reason, ReasonCode::Success);
    EXPECT_EQ(last.username, "ann");
    EXPECT_TRUE(last.auth_data.starts_with("v="));
    EXPECT_EQ(logins_.size(), 0u);
}

TEST_F(ScramLoginsTest, AWrongPasswordAndNobodyAreRefusedAlike) {
    const std::string wrong = begin(1).auth_data, nobody = begin(2, "eve").auth_data;
    EXPECT_EQ(wrong.size(), nobody.size());
    const broker::Verdict one = end(1, answer_to(wrong, "ann", "pen"));
    const broker::Verdict two = end(2, answer_to(nobody, "eve", "pencil"));
    EXPECT_EQ(one.reason, ReasonCode::NotAuthorized);
    EXPECT_EQ(two.reason, ReasonCode::NotAuthorized);
    EXPECT_EQ(one.why, "SCRAM: a wrong proof of user ann");
    EXPECT_EQ(two.why, "SCRAM: a wrong proof of user eve");
}

TEST_F(ScramLoginsTest, AConnectionHasOneExchangeOfItsOwn) {
    const std::string first = begin(1).auth_data, second = begin(2).auth_data;
    EXPECT_EQ(end(2, answer_to(first, "ann", "pencil")).reason, ReasonCode::NotAuthorized);
    EXPECT_EQ(end(1, answer_to(first, "ann", "pencil")).reason, ReasonCode::Success);
    const std::string again = answer_to(begin(1).auth_data, "ann", "pencil");
    EXPECT_EQ(end(1, again).reason, ReasonCode::Success);
    EXPECT_EQ(end(1, again).reason, ReasonCode::NotAuthorized) << "no exchange is under way";
}

TEST_F(ScramLoginsTest, AreBoundedAndForgottenInTime) {
    for (uint32_t i = 0; i < ScramLogins::kLoginsMax; ++i)
        ASSERT_EQ(begin(i).reason, ReasonCode::ContinueAuthentication);
    now_ += ScramLogins::kPatience - seconds(1);
    EXPECT_EQ(begin(99'999).reason, ReasonCode::ServerBusy);
    EXPECT_EQ(logins_.size(), ScramLogins::kLoginsMax);
    now_ += seconds(1);
    EXPECT_EQ(begin(99'999).reason, ReasonCode::ContinueAuthentication);
    EXPECT_EQ(logins_.size(), 1u);
}

TEST_F(ScramLoginsTest, OtherUsersEndWhatIsUnderWay) {
    const std::string challenge = begin(1).auth_data;
    logins_.clear();
    EXPECT_EQ(end(1, answer_to(challenge, "ann", "pencil")).reason, ReasonCode::NotAuthorized);
}

}  // namespace
}  // namespace godwit::server
