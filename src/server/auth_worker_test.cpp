#include "server/auth_worker.h"

#include "auth/testing/sealed_token.h"
#include "os/clock.h"
#include "server/test_http_server.h"
#include "server/test_mail.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <string>

namespace godwit::server {
namespace {

constexpr ShardId kShard{0};

// Made by the method of mosquitto_passwd before 2.0: cheap, which suits a test.
constexpr const char* kWonder =
    "alice:$6$MDEyMzQ1Njc4OWFi$3EPLyPlt3v7XTXhnIv6ux6f2QvgvJEjoMULBm9ngqmRvqAfVMw9qKygLcIeFwARv1"
    "atsQM9OFbSAosTHKq1nJg==\n";
constexpr const char* kChanged =
    "alice:$6$MDEyMzQ1Njc4OWFi$l2rFb0zwrYc7RSgBazKfDmAGXSbF+nuvcFVkwQpIPvVOjKuj6Vn3wvv/x7gWb3W1u"
    "e4CXwYrVZo6sEgjcr3nGQ==\n";
// Our own method, slow on purpose: the password is "slow".
constexpr const char* kSlow =
    "slow:$scrypt$ln=15,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$hKt59ET9ZujzBgMT1Hqiut/KVaS48WcVGEt8GyQSHC"
    "E\n";

std::unique_ptr<const auth::PasswordFile> passwords(const std::string& text) {
    return std::make_unique<const auth::PasswordFile>(auth::PasswordFile::parse(text).value());
}

broker::AuthRequest login(uint32_t slot, std::string user, std::string password) {
    return {.connection = {slot, 1},
            .username = std::move(user),
            .has_username = true,
            .password = std::move(password)};
}

std::unique_ptr<const TokenLogins> tokens(const char* secret = auth::kJoseSecret) {
    auto logins = std::make_unique<TokenLogins>();
    logins->keys = auth::TokenKeys::from_secret(secret).value();
    return logins;
}

/// A token of ann's that ends in so many seconds.
std::string token(int64_t seconds, const char* secret = auth::kJoseSecret) {
    const int64_t end = os::wall_now().unix_ms / 1000 + seconds;
    return auth::seal(R"({"alg":"HS256"})",
                      R"({"sub":"ann","site":"north","exp":)" + std::to_string(end) + "}", secret);
}

class AuthWorkerTest : public ::testing::Test {
protected:
    broker::Verdict verdict() {
        while (waiting_.empty()) {
            auto mail = wait_for_mail(crossing_->mailbox(kShard));
            if (mail.empty()) return {};
            for (Control& each : mail)
                waiting_.push_back(std::get<AuthAnswer>(std::move(each)).verdict);
        }
        const broker::Verdict first = waiting_.front();
        waiting_.pop_front();
        return first;
    }
    mqtt::ReasonCode answer(broker::AuthRequest request) {
        worker_.ask(kShard, std::move(request));
        return verdict().reason;
    }

    std::unique_ptr<Crossing> crossing_ = std::move(Crossing::make(2).value());
    AuthWorker worker_{*crossing_, {1, 2}};
    std::deque<broker::Verdict> waiting_;
};

TEST_F(AuthWorkerTest, TakesTheRightPasswordOnly) {
    worker_.set_passwords(passwords(kWonder));
    EXPECT_EQ(answer(login(1, "alice", "wonder")), mqtt::ReasonCode::Success);
    EXPECT_EQ(answer(login(1, "alice", "wonde")), mqtt::ReasonCode::BadUserNameOrPassword);
    EXPECT_EQ(answer(login(1, "alice", "")), mqtt::ReasonCode::BadUserNameOrPassword);
    EXPECT_EQ(answer(login(1, "bob", "wonder")), mqtt::ReasonCode::BadUserNameOrPassword);
    EXPECT_EQ(answer(login(1, "", "")), mqtt::ReasonCode::BadUserNameOrPassword);
}

// Who names the realm by a server name may leave it out of the user name, and is no other's user.
TEST_F(AuthWorkerTest, WhereClientsNameTheirRealmUsersAreOfIt) {
    const std::string hash = std::string(kWonder).substr(std::string_view("alice").size());
    worker_.set_passwords(passwords("alice@acme" + hash + "ben" + hash + "eve@umbra" + hash));
    const auto verdict_of = [&](std::string user) {
        broker::AuthRequest request = login(1, std::move(user), "wonder");
        request.realm_chosen = "acme";
        worker_.ask(kShard, std::move(request));
        return verdict();
    };
    for (const char* user : {"alice", "alice@acme"}) {
        const broker::Verdict good = verdict_of(user);
        EXPECT_EQ(good.reason, mqtt::ReasonCode::Success) << user;
        EXPECT_EQ(good.username, "alice@acme");
    }
    for (const char* user : {"ben", "eve", "eve@umbra", ""})
        EXPECT_EQ(verdict_of(user).reason, mqtt::ReasonCode::BadUserNameOrPassword) << user;
    EXPECT_EQ(answer(login(1, "alice", "wonder")), mqtt::ReasonCode::BadUserNameOrPassword);
    EXPECT_EQ(answer(login(1, "ben", "wonder")), mqtt::ReasonCode::Success);
}

TEST_F(AuthWorkerTest, AnswersTheConnectionThatAsked) {
    worker_.set_passwords(passwords(kWonder));
    worker_.ask(kShard, login(7, "alice", "wonder"));
    EXPECT_EQ(verdict().connection, (ConnectionId{7, 1}));
    worker_.ask(kShard, login(8, "alice", "wrong"));
    const broker::Verdict refused = verdict();
    EXPECT_EQ(refused.connection, (ConnectionId{8, 1}));
    EXPECT_EQ(refused.why, "user alice");
}

TEST_F(AuthWorkerTest, AnswersTheShardThatAsked) {
    worker_.set_passwords(passwords(kWonder));
    worker_.ask({1}, login(1, "alice", "wonder"));
    EXPECT_EQ(wait_for_mail(crossing_->mailbox({1})).size(), 1u);
    EXPECT_TRUE(crossing_->mailbox(kShard).empty());
}

TEST_F(AuthWorkerTest, RefusesEverybodyBeforeItKnowsAnybody) {
    EXPECT_EQ(answer(login(1, "alice", "wonder")), mqtt::ReasonCode::BadUserNameOrPassword);
}

TEST_F(AuthWorkerTest, RefusesMechanismsItDoesNotKnow) {
    worker_.set_passwords(passwords(kWonder));
    broker::AuthRequest request = login(1, "alice", "wonder");
    request.auth_method = "SCRAM-SHA-1";
    EXPECT_EQ(answer(std::move(request)), mqtt::ReasonCode::BadAuthenticationMethod);
}

TEST_F(AuthWorkerTest, TakesNoOtherPasswordFromAUserWhoWasRightBefore) {
    worker_.set_passwords(passwords(kWonder));
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(answer(login(1, "alice", "wonder")), mqtt::ReasonCode::Success);
        EXPECT_EQ(answer(login(1, "alice", "other")), mqtt::ReasonCode::BadUserNameOrPassword);
    }
}

// What was right is remembered by user and password together, so neither may run into the other.
TEST_F(AuthWorkerTest, RemembersNoUserByTheTextOfUserAndPassword) {
    worker_.set_passwords(passwords(kWonder));
    EXPECT_EQ(answer(login(1, "alice", "wonder")), mqtt::ReasonCode::Success);
    EXPECT_EQ(answer(login(1, "alicew", "onder")), mqtt::ReasonCode::BadUserNameOrPassword);
    EXPECT_EQ(answer(login(1, "alic", "ewonder")), mqtt::ReasonCode::BadUserNameOrPassword);
}

TEST_F(AuthWorkerTest, NamesTheUsersThatAreGoneOrHaveAnotherPassword) {
    using Users = std::vector<std::string>;
    EXPECT_EQ(worker_.set_passwords(passwords(std::string(kWonder) + kSlow)), Users{});
    EXPECT_EQ(worker_.set_passwords(passwords(std::string(kSlow) + "# note\n" + kWonder)), Users{});
    EXPECT_EQ(worker_.set_passwords(passwords(std::string(kSlow) + kChanged)), Users{"alice"});
    EXPECT_EQ(worker_.set_passwords(passwords("")), (Users{"alice", "slow"}));
    EXPECT_EQ(worker_.set_passwords(passwords(kWonder)), Users{}) << "nobody has logged in as her";
}

// A slow hash is being computed when the users change: whichever file its verdict is of, a verdict
// that comes after set_passwords() returned is of the new one.
TEST_F(AuthWorkerTest, NoVerdictAboutOldUsersComesAfterTheNewOnes) {
    worker_.set_passwords(passwords(kSlow));
    worker_.ask(kShard, login(1, "slow", "slow"));
    worker_.set_passwords(passwords(kWonder));
    const bool judged_before = !crossing_->mailbox(kShard).empty();
    const mqtt::ReasonCode reason = verdict().reason;
    EXPECT_TRUE(judged_before || reason == mqtt::ReasonCode::BadUserNameOrPassword);
}

TEST_F(AuthWorkerTest, ForgetsWhoWasRightWhenThePasswordsChange) {
    worker_.set_passwords(passwords(kWonder));
    EXPECT_EQ(answer(login(1, "alice", "wonder")), mqtt::ReasonCode::Success);
    worker_.set_passwords(passwords(kChanged));
    EXPECT_EQ(answer(login(1, "alice", "wonder")), mqtt::ReasonCode::BadUserNameOrPassword);
    EXPECT_EQ(answer(login(1, "alice", "changed")), mqtt::ReasonCode::Success);
    worker_.set_passwords(passwords(""));
    EXPECT_EQ(answer(login(1, "alice", "changed")), mqtt::ReasonCode::BadUserNameOrPassword);
}

TEST_F(AuthWorkerTest, NewUsersEndScramLoginsThatAreUnderWay) {
    const std::string hash = auth::hash_password_for_scram("pencil", as_bytes("0123456789abcdef"));
    broker::AuthRequest first{
        .connection = {1, 1}, .auth_method = "SCRAM-SHA-256", .auth_data = "n,,n=ann,r=abc"};
    worker_.set_passwords(passwords("ann:" + hash + "\n"));
    EXPECT_EQ(answer(first), mqtt::ReasonCode::ContinueAuthentication);
    worker_.set_passwords(passwords(""));
    first.continues = true;
    EXPECT_EQ(answer(first), mqtt::ReasonCode::ContinueAuthentication) << "it begins anew";
}

TEST_F(AuthWorkerTest, TokensSayWhoItIsAndUntilWhen) {
    worker_.set_tokens(tokens());
    worker_.ask(kShard, login(1, "", token(1000)));
    const broker::Verdict good = verdict();
    EXPECT_EQ(good.reason, mqtt::ReasonCode::Success);
    EXPECT_EQ(good.username, "ann");
    const Duration left = good.expires - os::monotonic_now();
    EXPECT_LE(left, std::chrono::seconds(1000));
    EXPECT_GT(left, std::chrono::seconds(900));
    ASSERT_EQ(good.claims.size(), 2u);
    EXPECT_EQ(good.claims[1].name, "site");
    EXPECT_EQ(good.claims[1].value, "north");

    worker_.ask(kShard, login(1, "ann", token(-1)));
    const broker::Verdict late = verdict();
    EXPECT_EQ(late.reason, mqtt::ReasonCode::BadUserNameOrPassword);
    EXPECT_EQ(late.why, "token: it has expired");
    EXPECT_EQ(answer(login(1, "ben", token(1000))), mqtt::ReasonCode::BadUserNameOrPassword);
}

TEST_F(AuthWorkerTest, ATokenThatEndsAfterCenturiesNeverEnds) {
    worker_.set_tokens(tokens());
    worker_.ask(kShard, login(1, "", token(900'000'000'000)));
    EXPECT_EQ(verdict().expires, kNever);
}

TEST_F(AuthWorkerTest, TokensAndPasswordsDoNotMix) {
    const std::string old = token(-1000);
    worker_.set_passwords(passwords(kWonder));
    EXPECT_EQ(answer(login(1, "ann", token(1000))), mqtt::ReasonCode::BadUserNameOrPassword)
        << "no token is taken without keys";
    worker_.set_tokens(tokens());
    EXPECT_EQ(answer(login(1, "ann", token(1000))), mqtt::ReasonCode::Success);
    EXPECT_EQ(answer(login(1, "alice", "wonder")), mqtt::ReasonCode::Success);
    EXPECT_EQ(answer(login(1, "alice", token(1000))), mqtt::ReasonCode::BadUserNameOrPassword);
    broker::AuthRequest nobody = login(1, "", "wonder");
    nobody.has_username = false;
    EXPECT_EQ(answer(nobody), mqtt::ReasonCode::BadUserNameOrPassword);
    nobody.password = token(1000);
    EXPECT_EQ(answer(nobody), mqtt::ReasonCode::Success);
}

TEST_F(AuthWorkerTest, NewKeysHoldAtOnce) {
    const char* other = "fedcba9876543210fedcba9876543210";
    worker_.set_tokens(tokens());
    EXPECT_EQ(answer(login(1, "", token(1000))), mqtt::ReasonCode::Success);
    worker_.set_tokens(tokens(other));
    EXPECT_EQ(answer(login(1, "", token(1000))), mqtt::ReasonCode::BadUserNameOrPassword);
    EXPECT_EQ(answer(login(1, "", token(1000, other))), mqtt::ReasonCode::Success);
    worker_.set_tokens(nullptr);
    EXPECT_EQ(answer(login(1, "", token(1000, other))), mqtt::ReasonCode::BadUserNameOrPassword);
}

TEST_F(AuthWorkerTest, WhomNobodyKnowsTheCalloutIsAskedAbout) {
    std::atomic<int> asked{0};
    TestHttpServer server([&](const std::string& question) {
        ++asked;
        return question.find("\"ben\"") == question.npos ? R"({"result":"pass"})"
                                                         : R"({"result":"allow"})";
    });
    const broker::BrokerOptions names;
    AuthWorker worker(*crossing_, {1, 2});
    const auto reason = [&](broker::AuthRequest request) {
        worker.ask(kShard, std::move(request));
        return verdict().reason;
    };
    worker.set_passwords(passwords(kWonder));
    worker.set_tokens(tokens());
    worker.start_callout({.server = server.address(), .token = {}}, names);
    EXPECT_EQ(reason(login(1, "alice", "wonder")), mqtt::ReasonCode::Success);
    EXPECT_EQ(reason(login(1, "alice", "wrong")), mqtt::ReasonCode::BadUserNameOrPassword);
    EXPECT_EQ(reason(login(1, "ben", token(-1))), mqtt::ReasonCode::BadUserNameOrPassword);
    EXPECT_EQ(asked, 0);
    EXPECT_EQ(reason(login(1, "ben", "any")), mqtt::ReasonCode::Success);
    EXPECT_EQ(reason(login(1, "eve", "any")), mqtt::ReasonCode::BadUserNameOrPassword);
    EXPECT_EQ(asked, 2);
}

// While the call-out is asked about her she comes into the file, which has the last word then.
TEST_F(AuthWorkerTest, AUserWhoComesIntoTheFileMeanwhileIsJudgedByTheFile) {
    std::promise<void> is_asked, may_answer;
    TestHttpServer server([&](const std::string&) {
        is_asked.set_value();
        may_answer.get_future().wait();
        return R"({"result":"allow"})";
    });
    const broker::BrokerOptions names;
    AuthWorker worker(*crossing_, {1, 2});
    worker.start_callout({.server = server.address(), .token = {}}, names);
    worker.ask(kShard, login(1, "alice", "wrong"));
    is_asked.get_future().wait();
    worker.set_passwords(passwords(kWonder));
    may_answer.set_value();
    EXPECT_EQ(verdict().reason, mqtt::ReasonCode::BadUserNameOrPassword);
}

TEST_F(AuthWorkerTest, AnswersManyThatAskAtOnce) {
    worker_.set_passwords(passwords(kWonder));
    constexpr uint32_t kMany = 500;
    std::vector<std::thread> askers;
    for (uint32_t t = 0; t < 4; ++t)
        askers.emplace_back([&, t] {
            for (uint32_t i = t; i < kMany; i += 4)
                worker_.ask(kShard, login(i, "alice", i % 2 ? "wonder" : "wrong"));
        });
    std::map<uint32_t, mqtt::ReasonCode> answers;
    for (uint32_t i = 0; i < kMany; ++i) {
        const broker::Verdict each = verdict();
        answers[each.connection.slot] = each.reason;
    }
    for (std::thread& each : askers) each.join();
    ASSERT_EQ(answers.size(), kMany);
    for (const auto& [slot, reason] : answers)
        EXPECT_EQ(reason == mqtt::ReasonCode::Success, slot % 2 == 1) << slot;
}

TEST_F(AuthWorkerTest, TellsThoseWhoFindItsQueueFullToComeAgain) {
    worker_.set_passwords(passwords(kSlow));
    // The threads take one each now and then; what they leave fills the queue.
    const auto asked = uint32_t(2 * AuthWorker::kQueueMax);
    for (uint32_t i = 0; i < asked; ++i) worker_.ask(kShard, login(i, "slow", "wrong"));
    bool busy = false;
    for (Control& each : crossing_->mailbox(kShard).take()) {
        const broker::Verdict& one = std::get<AuthAnswer>(each).verdict;
        if (one.reason != mqtt::ReasonCode::ServerBusy) continue;
        busy = true;
        EXPECT_GE(one.connection.slot, AuthWorker::kQueueMax);
        EXPECT_EQ(one.why, "too many logins wait");
    }
    EXPECT_TRUE(busy);
}

}  // namespace
}  // namespace godwit::server
