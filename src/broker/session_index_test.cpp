#include "broker/session_index.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace godwit::broker {
namespace {

class SessionIndexTest : public ::testing::Test {
protected:
    Session& add(const std::string& client_id, uint64_t hash, RealmId realm = {}) {
        const SessionRef ref = sessions_.emplace();
        Session& session = *sessions_.find(ref);
        session.self = ref;
        session.client_id = OwnText(client_id);
        session.client_hash = hash;
        session.realm = realm;
        index_.insert(session);
        return session;
    }
    Session* find(const std::string& client_id, uint64_t hash, RealmId realm = {}) const {
        return index_.find(sessions_, hash, realm, client_id);
    }
    void remove(Session& session) {
        index_.erase(sessions_, session);
        sessions_.erase(session.self);
    }

    SessionTable sessions_;
    SessionIndex index_;
};

TEST_F(SessionIndexTest, FindsASessionByRealmAndClientId) {
    EXPECT_EQ(find("a", 1), nullptr);
    Session& a = add("a", 1);
    EXPECT_EQ(find("a", 1), &a);
    EXPECT_EQ(find("b", 1), nullptr);
    EXPECT_EQ(find("a", 1, {1}), nullptr);
    remove(a);
    EXPECT_EQ(find("a", 1), nullptr);
}

TEST_F(SessionIndexTest, TellsThoseApartThatShareAHash) {
    constexpr uint64_t kHash = 0x1234'5678'9abc'def0;
    Session& a = add("a", kHash);
    Session& b = add("b", kHash);
    Session& c = add("a", kHash, {1});
    Session& d = add("d", kHash + 64);  // the same tag alone
    EXPECT_EQ(find("a", kHash), &a);
    EXPECT_EQ(find("b", kHash), &b);
    EXPECT_EQ(find("a", kHash, {1}), &c);
    EXPECT_EQ(find("d", kHash + 64), &d);
    remove(a);
    EXPECT_EQ(find("a", kHash), nullptr);
    EXPECT_EQ(find("b", kHash), &b);
    EXPECT_EQ(find("a", kHash, {1}), &c);
}

TEST_F(SessionIndexTest, AgreesWithAMapWhateverHappens) {
    const uint64_t seed = 20261127;
    SCOPED_TRACE(seed);
    Random random(seed);
    std::map<std::string, Session*> model;
    for (int step = 0; step < 5000; ++step) {
        const uint64_t number = random.below(500);
        const std::string id = "client-" + std::to_string(number);
        const uint64_t hash = number * 0x9e37'79b9'7f4a'7c15;
        const auto known = model.find(id);
        ASSERT_EQ(find(id, hash), known == model.end() ? nullptr : known->second);
        if (known == model.end()) {
            model[id] = &add(id, hash);
        } else {
            remove(*known->second);
            model.erase(known);
        }
    }
}

}  // namespace
}  // namespace godwit::broker
