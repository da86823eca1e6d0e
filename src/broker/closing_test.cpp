#include "broker/closing.h"

#include "broker/accepting.h"
#include "broker/limiting.h"

#include "broker/replaying.h"

#include <gtest/gtest.h>

namespace godwit::broker {
namespace {

const BrokerOptions kOptions;

/// One client with a session of an hour, and nothing around it.
class ComingAndGoing : public ::testing::Test {
protected:
    ComingAndGoing() : core_({.options = &kOptions}) {
        core_.fx = &fx_;
        core_.connections.emplace(0).id = {0, 1};
        session_ = make_session(core_, {0}, "c").self;
        session().ends_with_connection = false;
        session().expiry_s = 3600;
    }
    Connection& connection() { return *core_.connections.at(0); }
    Session& session() { return *core_.sessions.find(session_); }

    void come(bool with_will = false) {
        connection().state = Connection::State::Online;
        connection().session = session_;
        session().online = true;
        session().connection = connection().id;
        add_connection(core_, {0}, connection());
        if (!with_will) return;
        session().will = std::make_unique<WillState>();
        session().will->topic = "will";
        session().will->delay_s = 600;
    }
    void go() { detach(core_, connection(), true); }
    void fire_due_timers() {
        while (const auto token = core_.timers.pop_due(core_.now)) {
            const SessionRef ref{token->slot, token->generation};
            if (token->kind == TimerToken::Kind::SessionExpiry)
                on_session_expiry_timer(core_, ref);
            else
                on_will_timer(core_, ref);
        }
    }

    Effects fx_;
    Core core_;
    SessionRef session_;
};

TEST_F(ComingAndGoing, EndsTheSessionAnHourAfterItsLastConnection) {
    come();
    go();
    core_.now += std::chrono::seconds(3000);
    come();
    go();
    core_.now += std::chrono::seconds(3599);
    fire_due_timers();
    EXPECT_EQ(core_.sessions.size(), 1u);
    core_.now += std::chrono::seconds(1);
    fire_due_timers();
    EXPECT_EQ(core_.sessions.size(), 0u);
    EXPECT_EQ(core_.counters.sessions_expired, 1u);
}

TEST_F(ComingAndGoing, TakesWhatWaitedBehindAReplayOutOfTheCounts) {
    come();
    session().need_extras().replay = std::make_unique<Replay>();
    session().replay()->filters.push_back("t");
    OutboxEntry entry{.message = MessageRef::make({.topic = "t", .payload = as_bytes("1")})};
    ASSERT_TRUE(hold_behind_replay(core_, session(), entry));
    EXPECT_EQ(core_.counters.queued, 1u);
    session().ends_with_connection = true;
    go();
    EXPECT_EQ(core_.counters.queued, 0u);
    EXPECT_EQ(core_.counters.queued_bytes, 0u);
    EXPECT_EQ(core_.counters.lost[Loss::SessionEnd], 1u);
}

// A phone comes and goes every minute for years: its stale timers must not pile up until each of
// them is due.
TEST_F(ComingAndGoing, LeavesNoPileOfTimersBehind) {
    for (int i = 0; i < 20'000; ++i) {
        come(i % 2 == 0);
        go();
        core_.now += std::chrono::milliseconds(1);
    }
    EXPECT_LE(core_.timers.size(), 2000u);
}

TEST_F(ComingAndGoing, KeepsTheTimersThatStillMeanSomething) {
    for (int i = 0; i < 20'000; ++i) {
        come(true);
        go();
        core_.now += std::chrono::milliseconds(1);
    }
    core_.now += std::chrono::seconds(599);
    fire_due_timers();
    EXPECT_EQ(core_.counters.wills_published, 0u);
    core_.now += std::chrono::seconds(1);
    fire_due_timers();
    EXPECT_EQ(core_.counters.wills_published, 1u);
    EXPECT_EQ(core_.sessions.size(), 1u);
    core_.now += std::chrono::seconds(3000);
    fire_due_timers();
    EXPECT_EQ(core_.sessions.size(), 0u);
}

}  // namespace
}  // namespace godwit::broker
