#include "server/password_users.h"

#include "auth/password_hash.h"
#include "os/file.h"
#include "os/test_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace godwit::server {
namespace {

using control::UserStore;
using testing::ElementsAre;
using testing::HasSubstr;

std::string hash_of(std::string_view password) {
    constexpr uint8_t kSalt[16] = {1};
    return auth::hash_password_for_scram(password, kSalt);  // the quicker one
}

class PasswordUsersTest : public testing::Test {
protected:
    PasswordUsersTest() {
        write_file("ann:" + hash_of("of file") + "\nben:" + hash_of("of file") + "\n");
    }
    void write_file(const std::string& text) {
        ASSERT_TRUE(os::write_file_atomically(directory_.path("users"), as_bytes(text), 0600));
    }
    UserStore store() {
        return *std::move(UserStore::open(directory_.path("data"), UserStore::IfMissing::Make));
    }
    void read_all() {
        ASSERT_TRUE(users_->make_store());
        ASSERT_TRUE(users_->read_file());
        const auto read = users_->read_store();
        ASSERT_TRUE(read) << read.error();
    }

    os::TestDirectory directory_;
    config::Options options_ = make_options();
    std::unique_ptr<PasswordUsers> users_ = std::make_unique<PasswordUsers>(options_);

private:
    config::Options make_options() const {
        config::Options options;
        options.server.directory = directory_.path("data");
        options.auth.users = true;
        options.auth.password_file = directory_.path("users");
        return options;
    }
};

TEST_F(PasswordUsersTest, BothPlacesMakeOneTable) {
    ASSERT_TRUE(store().add("cleo", hash_of("of store"), {}).value());
    read_all();
    const auto table = users_->joined();
    EXPECT_EQ(table->user_count(), 3u);
    EXPECT_TRUE(table->verify("ann", "of file"));
    EXPECT_TRUE(table->verify("cleo", "of store"));
    EXPECT_THAT(users_->in_both(), ElementsAre());
}

TEST_F(PasswordUsersTest, TheStoreCountsForAUserOfBothAlsoWhenItDisablesHim) {
    UserStore changed = store();
    ASSERT_TRUE(changed.add("ann", hash_of("of store"), {}).value());
    ASSERT_TRUE(changed.add("ben", hash_of("of store"), {}).value());
    ASSERT_TRUE(changed.set_enabled("ben", false, {}).value());
    read_all();
    const auto table = users_->joined();
    EXPECT_TRUE(table->verify("ann", "of store"));
    EXPECT_FALSE(table->verify("ann", "of file"));
    EXPECT_FALSE(table->contains("ben"));
    EXPECT_THAT(users_->in_both(), ElementsAre("ann", "ben"));
}

TEST_F(PasswordUsersTest, AChangeOfTheStoreIsSeenOnce) {
    read_all();
    EXPECT_FALSE(users_->may_differ());
    ASSERT_TRUE(store().add("cleo", hash_of("of store"), {}).value());
    EXPECT_TRUE(users_->may_differ());
    ASSERT_TRUE(users_->read_store());
    EXPECT_FALSE(users_->may_differ());
    EXPECT_TRUE(users_->joined()->contains("cleo"));
}

TEST_F(PasswordUsersTest, AStoreThatIsGoneLeavesItsUsersUntilAnotherIsThere) {
    ASSERT_TRUE(store().add("cleo", hash_of("of store"), {}).value());
    read_all();
    std::filesystem::rename(directory_.path("data/control.db"), directory_.path("data/away.db"));
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(users_->may_differ());
        const auto read = users_->read_store();
        ASSERT_FALSE(read);
        EXPECT_THAT(read.error(), HasSubstr("control.db: it is not there"));
        EXPECT_TRUE(users_->joined()->contains("cleo"));
    }
    ASSERT_TRUE(store().add("dora", hash_of("of store"), {}).value());
    ASSERT_TRUE(users_->may_differ());
    ASSERT_TRUE(users_->read_store());
    EXPECT_TRUE(users_->joined()->contains("dora"));
    EXPECT_FALSE(users_->joined()->contains("cleo"));
}

TEST_F(PasswordUsersTest, AHashInTheStoreThatIsNoneLeavesItsUsers) {
    ASSERT_TRUE(store().add("cleo", hash_of("of store"), {}).value());
    read_all();
    ASSERT_TRUE(store().add("dora", "secret", {}).value());
    ASSERT_TRUE(users_->may_differ());
    const auto read = users_->read_store();
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error(), HasSubstr("control.db: user dora: this is not a password hash"));
    EXPECT_TRUE(users_->joined()->contains("cleo"));
    ASSERT_TRUE(store().remove("dora", {}).value());
    ASSERT_TRUE(users_->may_differ());
    EXPECT_TRUE(users_->read_store());
}

TEST_F(PasswordUsersTest, AFaultyFileLeavesItsUsersAndTheStoreGoesOn) {
    read_all();
    write_file("no colon\n");
    EXPECT_FALSE(users_->read_file());
    ASSERT_TRUE(store().add("cleo", hash_of("of store"), {}).value());
    ASSERT_TRUE(users_->read_store());
    EXPECT_TRUE(users_->joined()->contains("ann"));
    EXPECT_TRUE(users_->joined()->contains("cleo"));
}

TEST_F(PasswordUsersTest, EachActIsTakenOnceByOneBrokerAfterTheOther) {
    ASSERT_TRUE(store().add("cleo", hash_of("of store"), {501, {7}}).value());
    read_all();
    const auto acts = users_->take_acts();
    ASSERT_EQ(acts.size(), 1u);
    EXPECT_EQ(acts[0].act, "added");
    EXPECT_EQ(acts[0].user, "cleo");
    EXPECT_EQ(acts[0].doer.user_id, 501u);
    EXPECT_TRUE(users_->take_acts().empty());
    users_ = std::make_unique<PasswordUsers>(options_);
    read_all();
    EXPECT_TRUE(users_->take_acts().empty());
}

TEST_F(PasswordUsersTest, WithoutAWordInTheConfigurationTheStoreIsNotAsked) {
    options_.auth.users = false;
    PasswordUsers users(options_);
    EXPECT_FALSE(users.has_store());
    EXPECT_FALSE(users.may_differ());
}

}  // namespace
}  // namespace godwit::server
