#include "server/callout.h"

#include "os/clock.h"
#include "server/test_http_server.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

namespace godwit::server {
namespace {

using Kind = auth::CalloutAnswer::Kind;
using mqtt::ReasonCode;

constexpr const char* kAllow = R"({"result":"allow","claims":{"site":"north"}})";

/// What a test lets others pass, and waits for.
class Gate {
public:
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return open_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
};

/// Answers as they come.
class Answers {
public:
    Callout::Done add() {
        return [this](const Callout::Answer& answer) {
            const std::lock_guard lock(mutex_);
            all_.push_back(answer);
            changed_.notify_all();
        };
    }
    std::vector<Callout::Answer> wait_for(size_t count) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30),
                                      [&] { return all_.size() >= count; }));
        return all_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Callout::Answer> all_;
};

template <class Condition>
void wait_until(Condition&& condition) {
    const Instant end = os::monotonic_now() + std::chrono::seconds(30);
    while (!condition() && os::monotonic_now() < end) std::this_thread::yield();
    EXPECT_TRUE(condition());
}

TEST(Callout, SaysWhatTheServerSays) {
    TestHttpServer server([](const std::string& question) {
        return question == "good" ? kAllow : question == "bad" ? R"({"result":"deny"})" : "what?";
    });
    Answers answers;
    Callout callout({.server = server.address(), .token = {}});
    size_t asked = 0;
    for (const char* question : {"good", "bad", "else"}) {
        ASSERT_TRUE(callout.ask(question, answers.add()));
        answers.wait_for(++asked);  // they may overtake each other
    }
    const auto all = answers.wait_for(3);
    ASSERT_TRUE(all[0] && all[1]);
    EXPECT_EQ(all[0]->kind, Kind::Allow);
    EXPECT_EQ(all[0]->claims[0].value, "north");
    EXPECT_EQ(all[0]->expires, kNever);
    EXPECT_EQ(all[1]->kind, Kind::Deny);
    EXPECT_EQ(all[2].error(), "it is no JSON");
    const auto counts = callout.counts();
    EXPECT_EQ(counts.asked, 3u);
    EXPECT_EQ(counts.allowed, 1u);
    EXPECT_EQ(counts.denied, 1u);
    EXPECT_EQ(counts.failed, 1u);
    EXPECT_EQ(counts.waiting, 0u);
}

TEST(Callout, EqualQuestionsUnderWayAreAskedOnce) {
    Gate gate;
    TestHttpServer server([&](const std::string&) {
        gate.wait();
        return kAllow;
    });
    Answers answers;
    Callout callout({.server = server.address(), .token = {}});
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(callout.ask(i % 5 ? "a" : "b", answers.add()));
    wait_until([&] { return callout.counts().waiting == 10 && server.request_count() == 2; });
    gate.open();
    answers.wait_for(10);
    EXPECT_EQ(server.request_count(), 2u);
    EXPECT_EQ(callout.counts().allowed, 10u);
}

// What the server said before may not be what it says now.
TEST(Callout, AfterForgetTheSameIsAnotherQuestion) {
    Gate gate;
    TestHttpServer server([&](const std::string&) {
        gate.wait();
        return kAllow;
    });
    Answers answers;
    Callout callout({.server = server.address(), .cache = std::chrono::seconds(60), .token = {}});
    ASSERT_TRUE(callout.ask("a", answers.add()));
    wait_until([&] { return server.request_count() == 1; });
    callout.forget();
    ASSERT_TRUE(callout.ask("a", answers.add()));
    wait_until([&] { return server.request_count() == 2; });
    gate.open();
    answers.wait_for(2);
    ASSERT_TRUE(callout.ask("a", answers.add()));
    answers.wait_for(3);
    EXPECT_EQ(server.request_count(), 2u) << "the second answer is kept";
    EXPECT_EQ(callout.counts().cached, 1u);
    callout.forget();
    ASSERT_TRUE(callout.ask("a", answers.add()));
    answers.wait_for(4);
    EXPECT_EQ(server.request_count(), 3u);
}

TEST(Callout, NobodyWaitsBeyondTheDeadline) {
    Gate gate;
    TestHttpServer server([&](const std::string&) {
        gate.wait();
        return kAllow;
    });
    HttpServer slow = server.address();
    slow.patience = std::chrono::milliseconds(300);
    const Instant begin = os::monotonic_now();
    {
        Answers answers;
        Callout callout({.server = slow, .in_flight_max = 2, .token = {}});
        for (int i = 0; i < 100; ++i) ASSERT_TRUE(callout.ask(std::to_string(i), answers.add()));
        for (const Callout::Answer& each : answers.wait_for(100)) {
            ASSERT_FALSE(each);
            EXPECT_TRUE(each.error().ends_with("within 0.3 s")) << each.error();
        }
        EXPECT_LT(os::monotonic_now() - begin, std::chrono::seconds(5));
        EXPECT_LE(server.request_count(), 10u) << "two at a time";
        EXPECT_EQ(callout.counts().failed, 100u);
    }
    gate.open();
}

TEST(Callout, WhoFindsNoRoomIsToldAtOnce) {
    Gate gate;
    TestHttpServer server([&](const std::string&) {
        gate.wait();
        return kAllow;
    });
    HttpServer patient = server.address();
    patient.patience = std::chrono::seconds(60);
    {
        Answers answers;
        Callout callout({.server = patient, .in_flight_max = 1, .token = {}});
        for (size_t i = 0; i < Callout::kWaitingMax; ++i)
            ASSERT_TRUE(callout.ask(std::to_string(i % 100), answers.add()));
        EXPECT_FALSE(callout.ask("one more", answers.add()));
        wait_until([&] { return server.request_count() == 1; });
        EXPECT_EQ(callout.counts().in_flight, 1u);
        gate.open();
        answers.wait_for(Callout::kWaitingMax);
        EXPECT_EQ(callout.counts().failed, 1u);
        EXPECT_TRUE(callout.ask("one more", answers.add()));
    }
}

broker::AuthRequest request() {
    return {.connection = {1, 1},
            .client_id = "c",
            .username = "ann",
            .has_username = true,
            .has_password = true,
            .password = "secret",
            .version = mqtt::Version::V311};
}

TEST(Callout, AQuestionHoldsTheLoginAndItsConnection) {
    broker::BrokerOptions names;
    names.listeners[0].name = "mqtt://127.0.0.1:1883";
    EXPECT_EQ(callout_question(request(),
                               {.address = "203.0.113.7",
                                .server_name = "",
                                .certificate_name = "",
                                .certificate_subject = "O=Plant"},
                               names),
              R"({"client":"c","user":"ann","password":"secret","protocol":"3.1.1",)"
              R"("address":"203.0.113.7","listener":"mqtt://127.0.0.1:1883","realm":"default",)"
              R"("certificate":{"name":"","subject":"O=Plant"}})");
}

TEST(Callout, VerdictsFailClosed) {
    const auto reason = [](const Callout::Answer& answer) {
        return callout_verdict(request(), answer).reason;
    };
    EXPECT_EQ(reason(CalloutReply{.kind = Kind::Allow, .claims = {}, .realm = {}}),
              ReasonCode::Success);
    EXPECT_EQ(reason(CalloutReply{.kind = Kind::Deny, .claims = {}, .realm = {}}),
              ReasonCode::NotAuthorized);
    EXPECT_EQ(reason(CalloutReply{.kind = Kind::Pass, .claims = {}, .realm = {}}),
              ReasonCode::BadUserNameOrPassword);
    EXPECT_EQ(reason(Err{std::string("no connection")}), ReasonCode::ServerUnavailable);
    EXPECT_EQ(callout_verdict(request(), Err{std::string("no connection")}).why,
              "call-out: no connection");
}

// It was asked about this realm, so an answer that names none is about this one.
TEST(Callout, WhereAClientHasNamedItsRealmTheAnswerIsAboutThat) {
    broker::AuthRequest asked = request();
    const CalloutReply allow{.kind = Kind::Allow, .claims = {}, .realm = {}};
    const CalloutReply elsewhere{.kind = Kind::Allow, .claims = {}, .realm = "umbra"};
    EXPECT_EQ(callout_verdict(asked, allow).realm, "");
    EXPECT_EQ(callout_verdict(asked, elsewhere).realm, "umbra");
    asked.realm_chosen = "acme";
    EXPECT_EQ(callout_verdict(asked, allow).realm, "acme");
    EXPECT_EQ(callout_verdict(asked, elsewhere).realm, "umbra");
}

}  // namespace
}  // namespace godwit::server
