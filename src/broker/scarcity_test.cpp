#include "broker/scarcity.h"

#include "broker/accepting.h"

#include <gtest/gtest.h>

#include <string>

namespace godwit::broker {
namespace {

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

TEST(Scarcity, NamesWhoHasNotAcknowledgedMuch) {
    const BrokerOptions options;
    Effects fx;
    Core core({.options = &options});
    core.fx = &fx;
    const std::string payload(100 * 1024, 'x');
    Session& session = make_session(core, {0}, "c");
    Inflight inflight;
    inflight.entry.message = MessageRef::make({.topic = "t", .payload = as_bytes(payload)});
    core.need_outbox(session).inflight.push_back(std::move(inflight));
    on_memory(core, {Memory::Scarce});
    ASSERT_EQ(fx.events.size(), 2u);
    EXPECT_STREQ(fx.events[1].name, "holds_much");
    EXPECT_EQ(fx.events[1].client, "c");
    EXPECT_NE(fx.events[1].detail.find("100 KiB it has not acknowledged"), std::string::npos)
        << fx.events[1].detail;
}

}  // namespace
}  // namespace godwit::broker
