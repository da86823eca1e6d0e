#include "control/user_store.h"

#include "control/schema.h"
#include "os/test_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace godwit::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Doer kRoot{0, {1000}};
constexpr Doer kAnn{501, {2000}};

class UserStoreTest : public testing::Test {
protected:
    UserStore open() {
        auto store = UserStore::open(directory_.path("data"), UserStore::IfMissing::Make);
        EXPECT_TRUE(store) << (store ? "" : store.error());
        return *std::move(store);
    }
    std::string refusal() {
        auto store = UserStore::open(directory_.path("data"), UserStore::IfMissing::Make);
        EXPECT_FALSE(store);
        return store ? "" : store.error();
    }
    std::string file() { return UserStore::path_in(directory_.path("data")); }
    mode_t mode_of(const std::string& path) {
        struct stat status {};
        EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
        return status.st_mode & 07777;
    }
    static std::vector<std::string> names(UserStore& store) {
        std::vector<std::string> names;
        const auto users = store.users().value();
        for (const StoredUser& each : users)
            names.push_back(each.name + (each.is_enabled ? "+" : "-"));
        return names;
    }
    static std::vector<std::string> acts(UserStore& store) {
        std::vector<std::string> acts;
        const auto told = store.acts().value();
        for (const DoneAct& each : told)
            acts.push_back(each.act + " " + each.user + " " + std::to_string(each.doer.user_id));
        return acts;
    }
    void run_sql(const char* sql) {
        auto database = Database::open(file());
        ASSERT_TRUE(database);
        const auto done = database->execute(sql);
        ASSERT_TRUE(done) << done.error();
    }

    os::TestDirectory directory_;
};

TEST_F(UserStoreTest, ANewStoreIsEmptyAndForItsOwnerAlone) {
    UserStore store = open();
    EXPECT_THAT(names(store), ElementsAre());
    ASSERT_TRUE(store.add("ann", "h", kRoot).value());
    EXPECT_EQ(mode_of(directory_.path("data")), 0700u);
    for (const char* end : {"", "-wal", "-shm"}) EXPECT_EQ(mode_of(file() + end), 0600u) << end;
}

TEST_F(UserStoreTest, UsersAreThereAfterItWasClosed) {
    ASSERT_TRUE(open().add("ben", "hash of ben", kRoot).value());
    ASSERT_TRUE(open().add("ann", "hash of ann", kAnn).value());
    UserStore store = open();
    EXPECT_THAT(names(store), ElementsAre("ann+", "ben+"));
    const auto ann = store.find("ann").value();
    ASSERT_TRUE(ann);
    EXPECT_EQ(ann->hash, "hash of ann");
    EXPECT_EQ(ann->changed.unix_ms, 2000);
    EXPECT_FALSE(store.find("cleo").value());
}

TEST_F(UserStoreTest, ANameOfAnyBytesIsATextAndNoSql) {
    UserStore store = open();
    const std::string name = "'; DROP TABLE users; -- \xc3\xa4";
    ASSERT_TRUE(store.add(name, "h'", kRoot).value());
    EXPECT_EQ(store.find(name).value()->hash, "h'");
    EXPECT_TRUE(store.remove(name, kRoot).value());
}

TEST_F(UserStoreTest, AddRefusesAUserWhoIsThereAndTheOthersOneWhoIsNot) {
    UserStore store = open();
    ASSERT_TRUE(store.add("ann", "first", kRoot).value());
    EXPECT_FALSE(store.add("ann", "second", kRoot).value());
    EXPECT_EQ(store.find("ann").value()->hash, "first");
    EXPECT_FALSE(store.set_hash("ben", "h", kRoot).value());
    EXPECT_FALSE(store.set_enabled("ben", false, kRoot).value());
    EXPECT_FALSE(store.remove("ben", kRoot).value());
    EXPECT_THAT(acts(store), ElementsAre("added ann 0"));
}

TEST_F(UserStoreTest, EachChangeLeavesAnActUntilItIsForgotten) {
    UserStore store = open();
    ASSERT_TRUE(store.add("ann", "h", kRoot).value());
    ASSERT_TRUE(store.set_hash("ann", "i", kAnn).value());
    ASSERT_TRUE(store.set_enabled("ann", false, kRoot).value());
    EXPECT_THAT(names(store), ElementsAre("ann-"));
    ASSERT_TRUE(store.set_enabled("ann", true, kRoot).value());
    ASSERT_TRUE(store.remove("ann", kAnn).value());
    EXPECT_THAT(acts(store), ElementsAre("added ann 0", "password_changed ann 501",
                                         "disabled ann 0", "enabled ann 0", "deleted ann 501"));
    ASSERT_TRUE(store.forget_acts(store.acts().value()[2].id));
    EXPECT_THAT(acts(store), ElementsAre("enabled ann 0", "deleted ann 501"));
}

TEST_F(UserStoreTest, ActsThatNobodyIsToldOfAreBounded) {
    UserStore store = open();
    ASSERT_TRUE(store.add("ann", "h", kRoot).value());
    run_sql("UPDATE acts SET id = 1; INSERT INTO acts VALUES (10001, 0, 0, 'enabled', 'ann')");
    ASSERT_TRUE(store.set_enabled("ann", false, kRoot).value());
    EXPECT_THAT(acts(store), ElementsAre("enabled ann 0", "disabled ann 0"));
}

TEST_F(UserStoreTest, AChangeByAnotherIsSeenOnceAndOnesOwnNever) {
    UserStore reader = open();
    EXPECT_EQ(reader.look().value(), UserStore::Change::None);
    ASSERT_TRUE(open().add("ann", "h", kRoot).value());
    EXPECT_EQ(reader.look().value(), UserStore::Change::Content);
    EXPECT_EQ(reader.look().value(), UserStore::Change::None);
    EXPECT_THAT(names(reader), ElementsAre("ann+"));
    ASSERT_TRUE(reader.forget_acts(99));
    EXPECT_EQ(reader.look().value(), UserStore::Change::None);
}

TEST_F(UserStoreTest, AFileThatWasReplacedOrIsGoneIsSeen) {
    UserStore reader = open();
    std::filesystem::rename(file(), file() + ".away");
    EXPECT_EQ(reader.look().value(), UserStore::Change::File);
    (void)open();
    EXPECT_EQ(reader.look().value(), UserStore::Change::File);
}

TEST_F(UserStoreTest, ManyProcessesMayChangeItAtOnce) {
    (void)open();
    constexpr int kThreads = 4, kEach = 25;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([this, t] {
            UserStore store = open();
            for (int i = 0; i < kEach; ++i)
                EXPECT_TRUE(
                    store.add(std::to_string(t) + "-" + std::to_string(i), "h", kRoot).value());
        });
    for (std::thread& thread : threads) thread.join();
    UserStore store = open();
    EXPECT_EQ(names(store).size(), size_t(kThreads * kEach));
}

TEST_F(UserStoreTest, RefusesWhatIsNoDatabase) {
    std::filesystem::create_directory(directory_.path("data"));
    std::ofstream(file()) << std::string(5000, 'x');
    EXPECT_EQ(refusal(), file() + ": file is not a database");
    std::filesystem::remove(file());
    std::filesystem::create_directory(file());
    EXPECT_THAT(refusal(), HasSubstr("unable to open database file"));
}

TEST_F(UserStoreTest, RefusesADatabaseOfAnotherProgramAndLeavesItAlone) {
    std::filesystem::create_directory(directory_.path("data"));
    std::ofstream(file()).flush();
    run_sql("CREATE TABLE users (name)");
    EXPECT_EQ(refusal(), file() + ": it is a database of another program");
    auto database = Database::open(file());
    EXPECT_EQ(database->number("SELECT count(*) FROM sqlite_schema").value(), 1);
}

TEST_F(UserStoreTest, RefusesASchemaOfANewerRelease) {
    UserStore store = open();
    run_sql("PRAGMA user_version = 2");
    EXPECT_EQ(refusal(), file() +
                             ": its schema is number 2, and this release knows 1: it is of "
                             "another release of godwit");
    EXPECT_FALSE(store.users()) << "also where it was opened before";
}

TEST_F(UserStoreTest, RefusesADamagedFile) {
    {
        UserStore store = open();
        for (int i = 0; i < 200; ++i)
            ASSERT_TRUE(
                store.add("user-" + std::to_string(i), std::string(200, 'h'), kRoot).value());
    }
    std::fstream bytes(file(), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(2 * 4096);
    bytes << std::string(3 * 4096, '\x5a');
    bytes.close();
    EXPECT_THAT(refusal(), testing::AnyOf(HasSubstr("damaged"), HasSubstr("malformed")));
}

TEST_F(UserStoreTest, OneThatIsNotThereIsMadeOnlyWhereThatIsWanted) {
    const auto store = UserStore::open(directory_.path("data"), UserStore::IfMissing::Refuse);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error(), file() + ": it is not there; `godwit user add` makes one");
    EXPECT_FALSE(std::filesystem::exists(directory_.path("data")));
    (void)open();
    EXPECT_TRUE(UserStore::open(directory_.path("data"), UserStore::IfMissing::Refuse));
}

TEST_F(UserStoreTest, AFileThatWasCutToNothingIsNoStoreWithoutUsers) {
    ASSERT_TRUE(open().add("ann", "h", kRoot).value());
    std::filesystem::resize_file(file(), 0);
    const auto store = UserStore::open(directory_.path("data"), UserStore::IfMissing::Refuse);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error(), file() + ": it is empty; `godwit user add` makes a store of it");
    EXPECT_EQ(std::filesystem::file_size(file()), 0u);
}

TEST_F(UserStoreTest, NeedsTheParentOfItsDirectory) {
    auto store = UserStore::open(directory_.path("none/data"), UserStore::IfMissing::Make);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error(), directory_.path("none/data") + ": mkdir: No such file or directory");
}

}  // namespace
}  // namespace godwit::control
