#include "admin/admin_server.h"

#include "os/test_stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

namespace godwit::admin {
namespace {

BrokerStats stats() {
    BrokerStats out;
    out.version = "1.2.3";
    out.shards.resize(1);
    out.shards[0].publishes_received = 12;
    out.realms = {{.realm = "acme", .connections = 2}};
    return out;
}

/// One session, and a shard that is too busy for the other.
Result<broker::SessionReport, AdminSources::Fault> session(const std::string& realm,
                                                           const std::string& client_id) {
    using Fault = AdminSources::Fault;
    if (client_id == "busy") return Err{Fault::NoAnswer};
    if (realm != "plant 7" || client_id != "a/b") return Err{Fault::Unknown};
    return broker::SessionReport{.queued = 3};
}

AdminSources::Answer explain(const Target& query) {
    if (query.value("client", "") != "c") return {404, "nobody\n"};
    return {200, "{\"topic\":\"" + query.value("topic", "") + "\"}\n", true};
}

AdminSources::Answer events(const std::string& client_id, const Target& query) {
    return {200, client_id + " of " + query.value("realm", "default") + "\n"};
}

class AdminServerTest : public ::testing::Test {
protected:
    AdminServerTest() {
        auto started = AdminServer::start("127.0.0.1", 0,
                                          {[this] {
                                               ++asked_;
                                               BrokerStats all = stats();
                                               if (is_busy_) all.realms.clear();
                                               return all;
                                           },
                                           session, explain, events});
        EXPECT_TRUE(started) << started.error();
        server_ = std::move(*started);
        address_ = server_->url().substr(std::string("http://").size());
    }
    /// Everything that comes back until the server ends the connection.
    std::string ask(const std::string& request) {
        os::TestStream stream(address_);
        stream.send(request);
        return stream.read_to_end();
    }
    std::string get(const std::string& target) {
        return ask("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    }
    static std::string body_of(const std::string& answer) {
        const size_t at = answer.find("\r\n\r\n");
        return at == answer.npos ? "(none)" : answer.substr(at + 4);
    }

    std::atomic<int> asked_{0};
    std::atomic<bool> is_busy_{false};
    std::unique_ptr<AdminServer> server_;
    std::string address_;
};

TEST_F(AdminServerTest, NamesItsRealPort) {
    EXPECT_TRUE(server_->url().starts_with("http://127.0.0.1:")) << server_->url();
    EXPECT_FALSE(server_->url().ends_with(":0"));
}

TEST_F(AdminServerTest, GivesTheMetrics) {
    const std::string answer = get("/metrics");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_NE(answer.find("\r\nContent-Type: text/plain; version=0.0.4"), answer.npos);
    EXPECT_NE(body_of(answer).find("godwit_publishes_received_total{shard=\"0\"} 12\n"),
              std::string::npos);
    EXPECT_EQ(asked_, 1);
}

TEST_F(AdminServerTest, SaysThatItLives) {
    const std::string answer = get("/healthz");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_EQ(body_of(answer), "ok\n");
    EXPECT_EQ(asked_, 0);
}

TEST_F(AdminServerTest, TellsAboutOneSession) {
    const std::string answer = get("/api/clients/a%2Fb?realm=plant%207");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_NE(answer.find("\r\nContent-Type: application/json\r\n"), answer.npos) << answer;
    EXPECT_NE(body_of(answer).find("\"queued\":3,"), answer.npos) << answer;
}

TEST_F(AdminServerTest, TellsAboutRealms) {
    const std::string answer = get("/api/realms");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_NE(answer.find("\r\nContent-Type: application/json\r\n"), answer.npos) << answer;
    EXPECT_NE(body_of(answer).find("{\"realm\":\"acme\",\"connections\":2,"), answer.npos)
        << answer;
    is_busy_ = true;
    EXPECT_TRUE(get("/api/realms").starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
}

TEST_F(AdminServerTest, PassesQuestionsAboutClientsOn) {
    const std::string answer = get("/api/explain?client=c&topic=a%2F%23");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_NE(answer.find("\r\nContent-Type: application/json\r\n"), answer.npos) << answer;
    EXPECT_EQ(body_of(answer), "{\"topic\":\"a/#\"}\n");
    EXPECT_TRUE(get("/api/explain").starts_with("HTTP/1.1 404 "));
    EXPECT_EQ(body_of(get("/api/clients/a%2Fb/events?realm=r")), "a/b of r\n");
}

TEST_F(AdminServerTest, SaysThatThereIsNoSuchSessionOrNoAnswer) {
    for (const char* target : {"/api/clients/a%2Fb", "/api/clients/other?realm=plant%207",
                               "/api/clients/", "/api/clients", "/api/clients/a/b?realm=plant%207"})
        EXPECT_TRUE(get(target).starts_with("HTTP/1.1 404 Not Found\r\n")) << target;
    EXPECT_TRUE(get("/api/clients/busy").starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
}

TEST_F(AdminServerTest, PassesOverTheQuery) {
    EXPECT_EQ(body_of(get("/healthz?from=probe")), "ok\n");
}

TEST_F(AdminServerTest, SaysWhatThereIsWhereNothingIs) {
    for (const char* target : {"/", "/metrics/", "/METRICS", "/../healthz", "/healthz%00", "*"}) {
        const std::string answer = get(target);
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 404 Not Found\r\n")) << target;
        EXPECT_NE(body_of(answer).find("/metrics"), std::string::npos);
    }
}

TEST_F(AdminServerTest, TakesGetAndHeadOnly) {
    for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
        const std::string answer = ask(std::string(method) +
                                       " /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                       "Content-Length: 0\r\n\r\n");
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 Method Not Allowed\r\n")) << method;
        EXPECT_NE(answer.find("\r\nAllow: GET, HEAD\r\n"), answer.npos) << method;
    }
    EXPECT_EQ(asked_, 0);
}

TEST_F(AdminServerTest, GivesTheHeadOfWhatGetWouldGive) {
    const std::string answer =
        ask("HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_NE(answer.find("\r\nContent-Length: 3\r\n"), answer.npos) << answer;
    EXPECT_EQ(body_of(answer), "");
}

TEST_F(AdminServerTest, ServesMoreThanOneRequestOnAConnection) {
    os::TestStream stream(address_);
    for (int i = 0; i < 3; ++i) {
        stream.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_TRUE(stream.read_until("ok\n").starts_with("HTTP/1.1 200 OK\r\n"));
    }
    stream.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(stream.read_until("ok\n").starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(stream.read_until("/healthz\n").starts_with("HTTP/1.1 404 Not Found\r\n"));
}

TEST_F(AdminServerTest, AnswersHttp10) {
    EXPECT_EQ(body_of(ask("GET /healthz HTTP/1.0\r\n\r\n")), "ok\n");
}

// --- refusals ---

TEST_F(AdminServerTest, EndsAConnectionThatSendsTooMuch) {
    const std::string long_line = "GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\n\r\n";
    EXPECT_EQ(body_of(ask(long_line)), "(none)");
    const std::string long_head =
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + std::string(100'000, 'a') + "\r\n\r\n";
    EXPECT_EQ(body_of(ask(long_head)), "(none)");
    const std::string long_body =
        "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\nx";
    EXPECT_EQ(body_of(ask(long_body)), "(none)");
    EXPECT_EQ(body_of(get("/healthz")), "ok\n");
}

TEST_F(AdminServerTest, EndsAConnectionThatDoesNotSpeakHttp) {
    EXPECT_EQ(body_of(ask(std::string("\x10\x0c\0\4MQTT\4\2\0\0\0\0", 14) + "\r\n\r\n")), "(none)");
    EXPECT_EQ(body_of(get("/healthz")), "ok\n");
}

TEST_F(AdminServerTest, AnswersBesideManyThatSayNothing) {
    std::vector<std::unique_ptr<os::TestStream>> silent;
    for (int i = 0; i < 50; ++i) {
        silent.push_back(std::make_unique<os::TestStream>(address_));
        if (i % 2) silent.back()->send("GET /heal");
    }
    EXPECT_EQ(body_of(get("/healthz")), "ok\n");
}

TEST_F(AdminServerTest, AnswersHoweverManySayNothing) {
    std::vector<std::unique_ptr<os::TestStream>> silent;
    for (int i = 0; i < 200; ++i) silent.push_back(std::make_unique<os::TestStream>(address_));
    EXPECT_EQ(body_of(get("/healthz")), "ok\n");
}

TEST_F(AdminServerTest, EndsWhileClientsAreThere) {
    os::TestStream half(address_);
    half.send("GET /metr");
    server_.reset();
    EXPECT_EQ(half.read_to_end(), "");
}

TEST_F(AdminServerTest, AsksForTheTokenIfThereIsOne) {
    server_->set_token("correct-horse-battery");
    const auto get = [&](const std::string& target, const std::string& field) {
        return ask("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + field +
                   "\r\n");
    };
    const std::string refused = get("/metrics", "");
    EXPECT_TRUE(refused.starts_with("HTTP/1.1 401 ")) << refused;
    EXPECT_NE(refused.find("WWW-Authenticate: Bearer"), std::string::npos) << refused;
    for (const char* wrong :
         {"Authorization: Bearer correct-horse-batterz\r\n", "Authorization: Bearer \r\n",
          "Authorization: Basic correct-horse-battery\r\n", "Authorization: Bear\r\n",
          "Authorization: correct-horse-battery\r\n"})
        for (const char* target : {"/metrics", "/api/clients/x", "/nowhere", "/healthz?x=1"})
            EXPECT_TRUE(get(target, wrong).starts_with("HTTP/1.1 401 ")) << wrong << target;
    EXPECT_EQ(asked_, 0);
    EXPECT_TRUE(get("/healthz", "").starts_with("HTTP/1.1 200 "));
    EXPECT_TRUE(get("/metrics", "Authorization: Bearer correct-horse-battery\r\n")
                    .starts_with("HTTP/1.1 200 "));
    server_->set_token("another-one-that-is-new");
    EXPECT_TRUE(get("/metrics", "Authorization: Bearer correct-horse-battery\r\n")
                    .starts_with("HTTP/1.1 401 "));
}

TEST_F(AdminServerTest, SaysWhichAddressItCannotHave) {
    const auto port = os::parse_address(address_)->port();
    const auto second = AdminServer::start("127.0.0.1", port, {stats, session});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(),
              "admin server cannot listen on " + address_ + ": Address already in use");
    const auto nowhere = AdminServer::start("no-such-host.invalid", 0, {stats, session});
    ASSERT_FALSE(nowhere);
    EXPECT_TRUE(
        nowhere.error().starts_with("admin server cannot listen on no-such-host.invalid:0: "))
        << nowhere.error();
}

}  // namespace
}  // namespace godwit::admin
