#include "server/credentials.h"

#include "os/file.h"
#include "os/test_directory.h"

#include <gtest/gtest.h>

namespace godwit::server {
namespace {

class CredentialsTest : public ::testing::Test {
protected:
    std::string file(std::string_view text) {
        const std::string path = directory_.path("file");
        EXPECT_TRUE(os::write_file_atomically(path, as_bytes(text), 0600));
        return path;
    }
    os::TestDirectory directory_;
};

TEST_F(CredentialsTest, NameTheFileThatIsMissing) {
    const std::string path = directory_.path("none");
    EXPECT_EQ(load_passwords(path).error(), path + ": open: No such file or directory");
    EXPECT_EQ(load_acl(path).error(), path + ": open: No such file or directory");
}

TEST_F(CredentialsTest, NameTheFileAndTheLineThatIsWrong) {
    const std::string users = file("# users\nalice:plain text\n");
    EXPECT_TRUE(load_passwords(users).error().starts_with(users + ":2: "));
    const std::string rules = file("user alice\n\ntopic scribble a/#\n");
    EXPECT_TRUE(load_acl(rules).error().starts_with(rules + ":3: "));
}

TEST_F(CredentialsTest, AreReadWhole) {
    const auto users = load_passwords(file("# nobody yet\n"));
    ASSERT_TRUE(users);
    EXPECT_EQ((*users)->user_count(), 0u);
    const auto acl = load_acl(file("topic read a/#\n"));
    ASSERT_TRUE(acl);
    EXPECT_TRUE((*acl)->decide({.client_id = "c"}, {auth::Action::Receive, "a/b"}).allowed);
    EXPECT_FALSE((*acl)->decide({.client_id = "c"}, {auth::Action::Publish, "a/b"}).allowed);
}

TEST_F(CredentialsTest, RefuseADirectoryInPlaceOfAFile) {
    const std::string path = directory_.path("dir");
    ASSERT_TRUE(os::make_directory(path, 0700));
    EXPECT_EQ(load_passwords(path).error(), path + ": read: Is a directory");
}

TEST_F(CredentialsTest, TakeATokenWithoutTheLineEnd) {
    EXPECT_EQ(load_token(file("\t0123456789abcdef \r\n")).value(), "0123456789abcdef");
}

TEST_F(CredentialsTest, RefuseATokenThatIsNoneAndDoNotRepeatIt) {
    for (const std::string& bad :
         {std::string(), std::string("short"), std::string(257, 'x'),
          std::string("two words in a line"), std::string("0123456789\nabcdefgh"),
          std::string("0123456789abcd\xc3\xa4")}) {
        const auto token = load_token(file(bad));
        ASSERT_FALSE(token) << bad;
        EXPECT_TRUE(token.error().starts_with(directory_.path("file") + ": a token "));
        EXPECT_TRUE(bad.empty() || token.error().find(bad) == std::string::npos);
    }
}

TEST_F(CredentialsTest, NameTheTlsFileThatIsMissing) {
    config::ListenerOptions listener;
    listener.url.cert = directory_.path("cert.pem");
    listener.url.key = directory_.path("key.pem");
    EXPECT_EQ(load_tls(listener).error(), listener.url.cert + ": open: No such file or directory");
}

TEST_F(CredentialsTest, NameTheTlsFilesThatDoNotFit) {
    config::ListenerOptions listener;
    listener.url.cert = listener.url.key = file("no certificate");
    EXPECT_TRUE(
        load_tls(listener).error().starts_with(listener.url.cert + " holds no certificate"));
}

}  // namespace
}  // namespace godwit::server
