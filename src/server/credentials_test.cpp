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

TEST_F(CredentialsTest, NameTheTlsFileThatIsMissing) {
    config::ListenUrl url;
    url.cert = directory_.path("cert.pem");
    url.key = directory_.path("key.pem");
    EXPECT_EQ(load_tls(url).error(), url.cert + ": open: No such file or directory");
}

TEST_F(CredentialsTest, NameTheTlsFilesThatDoNotFit) {
    config::ListenUrl url;
    url.cert = url.key = file("no certificate");
    const auto context = load_tls(url);
    ASSERT_FALSE(context);
    EXPECT_NE(context.error().find(url.cert), std::string::npos) << context.error();
    EXPECT_FALSE(context.error().starts_with(" ")) << "it says what is wrong first";
}

}  // namespace
}  // namespace godwit::server
