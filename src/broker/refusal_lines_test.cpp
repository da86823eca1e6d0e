#include "broker/refusal_lines.h"

#include "broker/accepting.h"
#include "broker/client_history.h"
#include "broker/closing.h"
#include "broker/limiting.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace godwit::broker {
namespace {

const BrokerOptions kOptions;

/// Two clients; turns are the test's.
class RefusalLines : public ::testing::Test {
protected:
    RefusalLines() : core_({.options = &kOptions}) {
        core_.fx = &fx_;
        core_.now = Instant(std::chrono::hours(1));
        for (const char* name : {"a", "b"})
            sessions_.push_back(make_session(core_, {0}, name).self);
    }
    Session& session(size_t number = 0) { return *core_.find(sessions_[number]); }
    void refuse(size_t number, std::string_view topic) {
        tell_refusal(core_, session(number), "publish_refused", "quota_exceeded",
                     {topic, ": full"});
    }
    /// What the log gets of this turn.
    std::vector<std::string> end_turn() {
        std::vector<std::string> lines;
        for (const Event& event : fx_.events) {
            history_.add(event, "", {});
            if (event.quiet) continue;
            lines.push_back(event.client + " " + event.detail);
            if (event.untold > 0) lines.back() += "; " + more_since_the_last_line(event.untold);
        }
        fx_.clear();
        return lines;
    }

    Effects fx_;
    Core core_;
    std::vector<SessionRef> sessions_;
    ClientHistory history_{100};
};
using Lines = std::vector<std::string>;

TEST_F(RefusalLines, AreOneASecondWithTheNumberOfTheOthers) {
    refuse(0, "t");
    EXPECT_EQ(end_turn(), Lines{"a t: full"});
    for (int turn = 0; turn < 10; ++turn) {
        for (int i = 0; i < 100; ++i) refuse(0, "t");
        core_.now += std::chrono::milliseconds(90);
        EXPECT_EQ(end_turn(), Lines{});
    }
    core_.now += std::chrono::milliseconds(100);
    refuse(0, "t");
    EXPECT_EQ(end_turn(), Lines{"a t: full; 1000 more since the last line"});
}

TEST_F(RefusalLines, AreEachClientsOwn) {
    refuse(0, "t");
    refuse(1, "u");
    refuse(0, "t");
    EXPECT_EQ(end_turn(), (Lines{"a t: full", "b u: full"}));
}

TEST_F(RefusalLines, OfOneTopicInOneTurnCostOneEvent) {
    for (int i = 0; i < 1000; ++i) refuse(0, "t");
    EXPECT_EQ(fx_.events.size(), 1u);
    end_turn();
    const auto past = history_.of({0}, "a");
    ASSERT_EQ(past.size(), 1u);
    EXPECT_EQ(past[0].count, 1000u);
}

TEST_F(RefusalLines, TellTheRestWhenTheClientGoes) {
    Connection& c = core_.connections.emplace(0);
    c.id = session().connection = {0, 1};
    c.session = session().self;
    c.state = Connection::State::Online;
    session().online = true;
    session().ends_with_connection = false;
    add_connection(core_, {0}, c);
    for (int i = 0; i < 5; ++i) refuse(0, "t");
    detach(core_, c, false);
    EXPECT_EQ(end_turn(), (Lines{"a t: full", "a 4 more since the last line"}));
    ASSERT_EQ(history_.of({0}, "a").size(), 1u);
    EXPECT_EQ(history_.of({0}, "a")[0].count, 5u);
}

TEST_F(RefusalLines, OfClientsOfOtherShardsAreBoundedTogether) {
    for (int i = 0; i < 100; ++i)
        tell_refusal(core_, {0}, "retained_refused", "memory_scarce", "t/" + std::to_string(i));
    EXPECT_EQ(end_turn(), Lines{" t/0"});
    core_.now += std::chrono::seconds(1);
    tell_refusal(core_, {0}, "retained_refused", "memory_scarce", "t");
    EXPECT_EQ(end_turn(), Lines{" t; 99 more since the last line"});
}

}  // namespace
}  // namespace godwit::broker
