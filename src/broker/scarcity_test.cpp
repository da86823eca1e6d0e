#include "broker/scarcity.h"

#include "broker/accepting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace godwit::broker {
namespace {

using ::testing::HasSubstr;

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
