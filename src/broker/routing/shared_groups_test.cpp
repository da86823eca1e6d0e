#include "broker/routing/shared_groups.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace godwit::broker {
namespace {

using mqtt::Qos;

constexpr GroupRef kSelf{4, 2};

Instant at(int64_t s) {
    return Instant(std::chrono::seconds(s));
}

SessionAddress member(uint32_t slot) {
    return {{0}, {slot, 1}};
}

MessageRef message(std::string_view payload, Qos qos = Qos::AtLeastOnce, Instant expires = kNever) {
    return MessageRef::make(
        {.topic = "t", .payload = as_bytes(payload), .qos = qos, .expires = expires});
}

class SharedGroupTest : public ::testing::Test {
protected:
    std::vector<KeptPlace> settled_;
    void join(uint32_t slot, uint32_t window = 100, bool online = true,
              Qos qos = Qos::ExactlyOnce) {
        group_.join({0}, {.key = group_.key(),
                          .member = member(slot).session,
                          .membership = slot * 10,
                          .options = {.qos = qos},
                          .window = window,
                          .online = online});
    }
    void offer(std::initializer_list<const char*> payloads, Qos qos = Qos::AtLeastOnce) {
        for (const char* each : payloads) group_.offer(message(each, qos));
    }
    /// What is handed out now: "slot:payload" each. Tokens are kept by payload.
    std::vector<std::string> handed(Instant now = at(0)) {
        std::vector<GroupHandout> out;
        dropped_ = group_.hand_out(kSelf, now, out, settled_);
        std::vector<std::string> said;
        for (const GroupHandout& each : out) {
            const std::string payload(as_text(each.deliver.message->payload()));
            said.push_back(std::to_string(each.member.session.slot) + ":" + payload);
            tokens_[payload] = each.deliver.token;
        }
        return said;
    }
    using Said = std::vector<std::string>;

    SharedGroup group_{GroupKey{{0}, "share", "t"}};
    SharedGroup::Dropped dropped_;
    std::map<std::string, uint64_t> tokens_;
};

// --- turns ---

TEST_F(SharedGroupTest, GivesEachMessageToOneMemberInTurn) {
    join(1), join(2), join(3);
    offer({"a", "b", "c", "d", "e"});
    EXPECT_EQ(handed(), (Said{"1:a", "2:b", "3:c", "1:d", "2:e"}));
    offer({"f"});
    EXPECT_EQ(handed(), (Said{"3:f"}));
    EXPECT_EQ(group_.queued(), 0u);
}

TEST_F(SharedGroupTest, TellsTheMemberWhoseMessageItIs) {
    join(7);
    offer({"a"});
    std::vector<GroupHandout> out;
    group_.hand_out(kSelf, at(0), out, settled_);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].member, member(7));
    EXPECT_EQ(out[0].deliver.member, member(7).session);
    EXPECT_EQ(out[0].deliver.membership, 70u);
    EXPECT_EQ(out[0].deliver.group, kSelf);
    EXPECT_NE(out[0].deliver.token, 0u);
}

TEST_F(SharedGroupTest, TellsMembersOfTwoShardsApart) {
    group_.join({0}, {.key = group_.key(), .member = {1, 1}});
    group_.join({1}, {.key = group_.key(), .member = {1, 1}});
    EXPECT_EQ(group_.member_count(), 2u);
    group_.leave({{1}, {1, 1}});
    EXPECT_EQ(group_.member_count(), 1u);
}

TEST_F(SharedGroupTest, ReplacesWhatItKnowsOfAMemberThatJoinsAgain) {
    join(1, 1);
    join(1, 2);
    EXPECT_EQ(group_.member_count(), 1u);
    offer({"a", "b", "c"});
    EXPECT_EQ(handed(), (Said{"1:a", "1:b"}));
}

TEST_F(SharedGroupTest, GoesOnWithTheOthersWhenAMemberLeaves) {
    join(1), join(2), join(3);
    offer({"a", "b"});
    EXPECT_EQ(handed().size(), 2u);
    group_.leave(member(2));
    offer({"c", "d", "e", "f"});
    const Said said = handed();
    EXPECT_EQ(said.size(), 4u);
    for (const std::string& each : said) EXPECT_NE(each[0], '2');
    group_.leave(member(9));  // a stranger
    EXPECT_EQ(group_.member_count(), 2u);
}

// --- online members only ---

TEST_F(SharedGroupTest, GivesNothingToWhoIsOffline) {
    join(1), join(2, 100, false), join(3);
    offer({"a", "b", "c"});
    EXPECT_EQ(handed(), (Said{"1:a", "3:b", "1:c"}));
    group_.set_online(member(2), true);
    group_.set_online(member(1), false);
    group_.set_online(member(3), false);
    offer({"d", "e"});
    EXPECT_EQ(handed(), (Said{"2:d", "2:e"}));
    group_.set_online(member(9), true);  // a stranger
}

TEST_F(SharedGroupTest, KeepsMessagesUntilSomebodyIsOnline) {
    join(1, 100, false);
    offer({"a", "b"});
    EXPECT_EQ(handed(), Said{});
    EXPECT_EQ(group_.queued(), 2u);
    group_.set_online(member(1), true);
    EXPECT_EQ(handed(), (Said{"1:a", "1:b"}));
}

TEST_F(SharedGroupTest, DropsQos0WhenNobodyIsOnline) {
    join(1, 100, false);
    offer({"a"}, Qos::AtMostOnce);
    offer({"b"}, Qos::AtLeastOnce);
    offer({"c"}, Qos::AtMostOnce);
    EXPECT_EQ(handed(), Said{});
    EXPECT_EQ(dropped_.untakeable_qos0, 1u);  // "c" waits behind "b"
    group_.set_online(member(1), true);
    EXPECT_EQ(handed(), (Said{"1:b", "1:c"}));
    EXPECT_EQ(dropped_.untakeable_qos0, 0u);
}

TEST_F(SharedGroupTest, DropsQos0WhenItHasNoMember) {
    offer({"a"}, Qos::AtMostOnce);
    EXPECT_EQ(handed(), Said{});
    EXPECT_EQ(dropped_.untakeable_qos0, 1u);
    EXPECT_EQ(group_.queued(), 0u);
}

// --- window and tokens ---

TEST_F(SharedGroupTest, FillsNoWindowBeyondItsSize) {
    join(1, 2), join(2, 1);
    offer({"a", "b", "c", "d", "e"});
    EXPECT_EQ(handed(), (Said{"1:a", "2:b", "1:c"}));
    EXPECT_EQ(group_.queued(), 2u);
    group_.done(tokens_["b"]);
    EXPECT_EQ(handed(), (Said{"2:d"}));
    group_.done(tokens_["a"]);
    group_.done(tokens_["c"]);
    EXPECT_EQ(handed(), (Said{"1:e"}));
}

TEST_F(SharedGroupTest, GivesEveryMemberAtLeastOneMessageAtATime) {
    join(1, 0);
    offer({"a", "b"});
    EXPECT_EQ(handed(), (Said{"1:a"}));
}

TEST_F(SharedGroupTest, CountsNoQos0AgainstTheWindow) {
    join(1, 1);
    offer({"a"});
    EXPECT_EQ(handed(), (Said{"1:a"}));
    offer({"b", "c"}, Qos::AtMostOnce);
    EXPECT_EQ(handed(), (Said{"1:b", "1:c"}));
    EXPECT_EQ(tokens_["b"], 0u);
}

TEST_F(SharedGroupTest, OwesNothingForAMemberThatTakesQos0Only) {
    join(1, 1, true, Qos::AtMostOnce);
    offer({"a", "b"});
    EXPECT_EQ(handed(), (Said{"1:a", "1:b"}));
    EXPECT_EQ(tokens_["a"], 0u);
}

TEST_F(SharedGroupTest, NeverGivesATokenTwice) {
    join(1);
    offer({"a", "b"});
    handed();
    std::set<uint64_t> seen{tokens_["a"], tokens_["b"]};
    group_.give_back(tokens_["a"]);
    handed();
    seen.insert(tokens_["a"]);
    EXPECT_EQ(seen.size(), 3u);
}

TEST_F(SharedGroupTest, IgnoresTokensThatAreNotItsOwnAnyMore) {
    join(1, 1);
    offer({"a", "b"});
    handed();
    group_.done(999);
    group_.give_back(999);
    group_.give_back(0);
    EXPECT_EQ(handed(), Said{});
    group_.done(tokens_["a"]);
    group_.done(tokens_["a"]);
    group_.give_back(tokens_["a"]);
    EXPECT_EQ(handed(), (Said{"1:b"}));
    EXPECT_EQ(group_.queued(), 0u);
}

// --- giving back ---

TEST_F(SharedGroupTest, GivesWhatAMemberGaveBackToAnother) {
    join(1), join(2, 100, false);
    offer({"a"});
    EXPECT_EQ(handed(), (Said{"1:a"}));
    group_.leave(member(1));
    group_.give_back(tokens_["a"]);
    EXPECT_EQ(handed(), Said{});
    group_.set_online(member(2), true);
    EXPECT_EQ(handed(), (Said{"2:a"}));
}

TEST_F(SharedGroupTest, PutsReturnedMessagesFirstInTheirOldOrder) {
    join(1, 3);
    offer({"a", "b", "c", "d", "e"});
    EXPECT_EQ(handed(), (Said{"1:a", "1:b", "1:c"}));
    group_.set_online(member(1), false);
    group_.give_back(tokens_["b"]);
    group_.give_back(tokens_["c"]);
    group_.give_back(tokens_["a"]);
    join(2);
    EXPECT_EQ(handed(), (Said{"2:a", "2:b", "2:c", "2:d", "2:e"}));
}

TEST_F(SharedGroupTest, CountsWhatWasGivenBackOutOfTheWindow) {
    join(1, 1);
    offer({"a"});
    handed();
    group_.give_back(tokens_["a"]);
    EXPECT_EQ(handed(), (Said{"1:a"}));
}

TEST_F(SharedGroupTest, StillCountsWhatAMemberHoldsWhenItComesBack) {
    join(1, 1);
    offer({"a", "b"});
    handed();
    group_.set_online(member(1), false);
    join(1, 1);  // QoS 2 under way: it kept "a"
    EXPECT_EQ(handed(), Said{});
    group_.done(tokens_["a"]);
    EXPECT_EQ(handed(), (Said{"1:b"}));
}

// --- limits ---

TEST_F(SharedGroupTest, IsFullByWhatIsQueuedAndNotByWhatIsLent) {
    join(1, 1, false);
    group_.offer(message("a"));
    EXPECT_FALSE(group_.is_full(2));
    group_.offer(message("b"));
    EXPECT_TRUE(group_.is_full(2));
    group_.set_online(member(1), true);
    EXPECT_EQ(handed(), (Said{"1:a"}));
    EXPECT_FALSE(group_.is_full(2));
}

TEST_F(SharedGroupTest, TellsWhatIsSettled) {
    join(1, 1, true, Qos::AtMostOnce);
    group_.offer(message("a"), {{7}, 3});
    EXPECT_EQ(handed(), (Said{"1:a"}));
    ASSERT_EQ(settled_.size(), 1u) << "a member at QoS 0 owes no answer";
    EXPECT_EQ(settled_[0].kept, ObjectId{7});
    join(1, 1, true, Qos::AtLeastOnce);
    group_.offer(message("b"), {{8}, 4});
    EXPECT_EQ(handed(), (Said{"1:b"}));
    EXPECT_EQ(settled_.size(), 1u);
    EXPECT_EQ(group_.all_kept().size(), 1u);
    EXPECT_EQ(group_.done(tokens_["b"]).kept, ObjectId{8});
}

TEST_F(SharedGroupTest, DropsWhatHasExpired) {
    join(1, 100, false);
    group_.offer(message("a", Qos::AtLeastOnce, at(10)));
    offer({"b"});
    EXPECT_EQ(handed(at(9)), Said{});
    EXPECT_EQ(dropped_.expired, 0u);
    group_.set_online(member(1), true);
    EXPECT_EQ(handed(at(10)), (Said{"1:b"}));
    EXPECT_EQ(dropped_.expired, 1u);
}

// A message is in exactly one place, whatever the members do.
void play_with_members(uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    SharedGroup group({{0}, "s", "t"});
    std::map<uint64_t, std::pair<std::string, uint32_t>> held;  // by token: payload, slot
    std::set<std::string> finished;
    std::map<uint32_t, std::pair<uint32_t, bool>> members;  // slot: window, online
    uint32_t offered = 0;
    for (int step = 0; step < 500; ++step) {
        const auto slot = uint32_t(random.below(5));
        const uint64_t act = random.below(8);
        if (act < 3) {
            group.offer(message(std::to_string(offered++)));
        } else if (act == 3) {
            const auto window = uint32_t(1 + random.below(4));
            group.join({0}, {.key = group.key(),
                             .member = member(slot).session,
                             .options = {.qos = Qos::AtLeastOnce},
                             .window = window});
            members[slot] = {window, true};
        } else if (act == 4 && members.contains(slot)) {
            members[slot].second = random.below(2) == 0;
            group.set_online(member(slot), members[slot].second);
        } else if (act == 5 && random.below(3) == 0) {
            // Leaves for good and gives back all it holds, as a session does.
            group.leave(member(slot));
            members.erase(slot);
            std::erase_if(held, [&](const auto& each) {
                if (each.second.second != slot) return false;
                group.give_back(each.first);
                return true;
            });
        } else if (!held.empty()) {
            auto which = held.begin();
            std::advance(which, std::ptrdiff_t(random.below(held.size())));
            if (random.below(3) == 0) {
                group.give_back(which->first);
            } else {
                group.done(which->first);
                ASSERT_TRUE(finished.insert(which->second.first).second);
            }
            held.erase(which);
        }
        std::vector<GroupHandout> out;
        std::vector<KeptPlace> settled;
        group.hand_out(kSelf, at(0), out, settled);
        for (const GroupHandout& each : out) {
            const uint32_t to = each.member.session.slot;
            ASSERT_TRUE(members.contains(to) && members[to].second);
            const std::string payload(as_text(each.deliver.message->payload()));
            ASSERT_TRUE(held.emplace(each.deliver.token, std::pair(payload, to)).second);
            ASSERT_FALSE(finished.contains(payload));
        }
        ASSERT_EQ(held.size() + finished.size() + group.queued(), offered);
        ASSERT_EQ(group.member_count(), members.size());
    }
}

TEST(SharedGroup, LosesAndDoublesNothingWhateverHappens) {
    for (uint64_t seed = 1; seed <= 20; ++seed) ASSERT_NO_FATAL_FAILURE(play_with_members(seed));
}

}  // namespace
}  // namespace godwit::broker
