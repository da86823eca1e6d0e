#include "broker/scarcity.h"

#include "broker/accepting.h"
#include "broker/limiting.h"
#include "broker/realm_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace godwit::broker {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMax = 1'000'000'000;

Memory judge(Memory before, uint64_t percent) {
    return judge_memory(before, kMax / 100 * percent + percent, kMax);
}

TEST(Scarcity, IsJudgedByTheShareThatIsUsed) {
    EXPECT_EQ(judge(Memory::Ample, 0), Memory::Ample);
    EXPECT_EQ(judge(Memory::Ample, 79), Memory::Ample);
    EXPECT_EQ(judge(Memory::Ample, 80), Memory::Scarce);
    EXPECT_EQ(judge(Memory::Ample, 92), Memory::Spent);
    EXPECT_EQ(judge(Memory::Ample, 300), Memory::Spent);
}

TEST(Scarcity, GoesBackLaterThanItCame) {
    EXPECT_EQ(judge(Memory::Scarce, 79), Memory::Scarce);
    EXPECT_EQ(judge(Memory::Scarce, 69), Memory::Ample);
    EXPECT_EQ(judge(Memory::Spent, 86), Memory::Spent);
    EXPECT_EQ(judge(Memory::Spent, 84), Memory::Scarce);
    EXPECT_EQ(judge(Memory::Spent, 10), Memory::Ample);
}

/// One of two shards, where the realm acme has a bound of 1,000 bytes; shard 1 judges it.
class RealmScarcity : public ::testing::Test {
protected:
    static BrokerOptions small() {
        BrokerOptions options;
        options.realms = {{"default"}, {"acme", true, RealmLimits{.memory_bytes_max = 1000}}};
        return options;
    }
    std::unique_ptr<Core> core(uint16_t shard) {
        auto made = std::make_unique<Core>(
            ShardConfig{.id = {shard}, .shard_count = 2, .options = &options_});
        made->fx = &fx_;
        return made;
    }
    static constexpr RealmId kDefault{0}, kAcme{1};
    const BrokerOptions options_ = small();
    Effects fx_;
};

TEST_F(RealmScarcity, IsAsItsJudgeSaysAndNoOtherRealms) {
    const auto told = core(0);
    on_realm_use(*told, {1}, {.realm = kAcme, .memory = Memory::Scarce});
    EXPECT_TRUE(is_scarce(*told, kAcme));
    EXPECT_FALSE(is_scarce(*told, kDefault));
    EXPECT_FALSE(is_scarce(*told)) << "the process's own";
    EXPECT_TRUE(fx_.events.empty()) << "the judge writes the line";
    on_memory(*told, {Memory::Spent});
    EXPECT_EQ(memory_of(*told, kAcme), Memory::Spent) << "the worse of the two";
    on_memory(*told, {Memory::Ample});
    EXPECT_EQ(memory_of(*told, kAcme), Memory::Scarce);
    on_realm_use(*told, {1}, {.realm = kAcme});
    EXPECT_FALSE(is_scarce(*told, kAcme));
}

TEST_F(RealmScarcity, IsJudgedByWhatAllShardsHoldAndTold) {
    const auto judge = core(1);
    hold(*judge, kAcme, 500);
    judge_realms(*judge);
    EXPECT_FALSE(is_scarce(*judge, kAcme));
    on_realm_use(*judge, {0}, {.realm = kAcme, .memory_bytes = 400});
    judge_realms(*judge);
    EXPECT_TRUE(is_scarce(*judge, kAcme));
    ASSERT_EQ(fx_.events.size(), 1u);
    EXPECT_STREQ(fx_.events[0].name, "realm_memory_scarce");
    EXPECT_EQ(fx_.events[0].realm, kAcme);
    tell_realm_use(*judge);
    ASSERT_EQ(fx_.posts.size(), 1u);
    const RealmUse& told = *std::get<Boxed<RealmUse>>(fx_.posts[0].envelope);
    EXPECT_EQ(told.memory_bytes, 500u);
    EXPECT_EQ(told.memory, Memory::Scarce);
}

TEST_F(RealmScarcity, DoesNotComeOfWhatWasNotYetTriedToSend) {
    const auto one = core(0);
    Realm& acme = one->realm(kAcme);
    acme.memory = 900;
    acme.fresh_output = 600;
    EXPECT_EQ(settle_memory(acme), 300u);
    EXPECT_EQ(settle_memory(acme), 900u) << "a turn later it is what nobody reads";
}

class ScarcityTest : public ::testing::Test {
protected:
    ScarcityTest() { core_.fx = &fx_; }

    Session& session() { return make_session(core_, {0}, "c"); }
    /// Makes memory scarce. @return  what is said of "c", the only one that may be named
    std::string said_of_it() {
        on_memory(core_, {Memory::Scarce});
        if (fx_.events.size() != 2 || fx_.events[1].client != "c") return "nobody is named";
        EXPECT_STREQ(fx_.events[1].name, "holds_much");
        return fx_.events[1].detail;
    }

    const BrokerOptions options_;
    Effects fx_;
    Core core_{{.options = &options_}};
};

TEST_F(ScarcityTest, NamesWhoHasNotAcknowledgedMuch) {
    const std::string payload(100 * 1024, 'x');
    Inflight inflight;
    inflight.entry.message = MessageRef::make({.topic = "t", .payload = as_bytes(payload)});
    core_.need_outbox(session()).inflight.push_back(std::move(inflight));
    EXPECT_THAT(said_of_it(), HasSubstr("100 KiB it has not acknowledged"));
}

TEST_F(ScarcityTest, NamesWhoHasALargeWill) {
    Session& held = session();
    held.will = std::make_unique<WillState>();
    held.will->payload.resize(50 * 1024);
    EXPECT_THAT(said_of_it(), HasSubstr("50 KiB of a will"));
}

TEST_F(ScarcityTest, NamesWhoHasLongTopicAliases) {
    Session& held = session();
    Connection& c = core_.connections.emplace(3);
    c.id = held.connection = {3, 1};
    held.online = true;
    const std::string topic(20 * 1024, 't');
    for (uint16_t alias = 1; alias <= 2; ++alias)
        ASSERT_TRUE(c.need_features().aliases_in.resolve(alias, topic, 2));
    EXPECT_THAT(said_of_it(), HasSubstr("40 KiB of topic aliases"));
}

TEST_F(ScarcityTest, NamesNobodyWhoHoldsLittle) {
    session().will = std::make_unique<WillState>();
    EXPECT_EQ(said_of_it(), "nobody is named");
}

}  // namespace
}  // namespace godwit::broker
