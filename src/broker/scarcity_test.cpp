#include "broker/scarcity.h"

#include "broker/accepting.h"

#include <gtest/gtest.h>

#include <string>

namespace godwit::broker {
namespace {

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
