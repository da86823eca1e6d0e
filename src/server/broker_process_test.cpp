// One process with two shards, as it is: threads, sockets, mailboxes. What the protocol asks of it
// is in tests/conformance.
#include "server/broker_process.h"

#include "os/file.h"
#include "os/signals.h"
#include "os/test_directory.h"
#include "server/test_peer.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace godwit::server {
namespace {

class BrokerProcessTest : public ::testing::Test {
protected:
    BrokerProcessTest() { os::ignore_sigpipe(); }

    config::Options options(const std::string& toml = "") {
        auto config = config::parse_config(
            {.text = toml,
             .listen = {"mqtt://127.0.0.1:0"},
             .settings = {{"server.shards", "2"}, {"admin.listen", "127.0.0.1:0"}}});
        EXPECT_TRUE(config) << config.error()[0].message;
        return config->options;
    }
    void start(const std::string& toml = "") {
        auto made = BrokerProcess::make(options(toml), *log_);
        ASSERT_TRUE(made) << made.error();
        broker_ = std::move(*made);
        const auto started = broker_->start();
        ASSERT_TRUE(started) << started.error();
        const std::string text = broker_->listeners_text();
        address_ = text.substr(7, text.find(' ') - 7);
    }
    std::unique_ptr<Peer> client(const std::string& id) {
        auto peer = std::make_unique<Peer>(address_, connect_packet(id));
        EXPECT_EQ(peer->connack_code(), 0);
        return peer;
    }
    std::string file(const std::string& name, std::string_view text) {
        const std::string path = directory_.path(name);
        EXPECT_TRUE(os::write_file_atomically(path, as_bytes(text), 0600));
        return path;
    }

    os::TestDirectory directory_;
    std::unique_ptr<os::LogWriter> log_ =
        std::move(os::LogWriter::open({.path = directory_.path("log")}).value());
    std::unique_ptr<BrokerProcess> broker_;
    std::string address_;
};

// --- asking ---

TEST_F(BrokerProcessTest, TellsAboutASessionWhateverItsShard) {
    using Fault = admin::AdminSources::Fault;
    start();
    std::vector<std::unique_ptr<Peer>> peers;
    for (int i = 0; i < 8; ++i) {
        const std::string id = "c" + std::to_string(i);
        EXPECT_EQ(broker_->session("default", id).error(), Fault::Unknown);
        peers.push_back(client(id));
        const auto report = broker_->session("default", id);
        ASSERT_TRUE(report) << id;
        EXPECT_TRUE(report->online);
    }
    EXPECT_EQ(broker_->session("another", "c0").error(), Fault::Unknown);
    broker_->stop();
    EXPECT_EQ(broker_->session("default", "c0").error(), Fault::NoAnswer);
}

// --- messages ---

TEST_F(BrokerProcessTest, CarriesMessagesBetweenClientsOfAllShardsInOrder) {
    constexpr int kClients = 8, kMessages = 40;
    start();
    std::vector<std::unique_ptr<Peer>> subscribers, publishers;
    for (int i = 0; i < kClients; ++i) {
        subscribers.push_back(client("sub" + std::to_string(i)));
        subscribers.back()->stream().send(subscribe_packet("t/#", 0));
        EXPECT_EQ(subscribers.back()->next().first, 0x90);
        publishers.push_back(client("pub" + std::to_string(i)));
    }
    for (int n = 0; n < kMessages; ++n)
        for (int i = 0; i < kClients; ++i)
            publishers[size_t(i)]->stream().send(
                publish_packet("t/" + std::to_string(i), std::to_string(n), uint16_t(n + 1)));
    for (auto& each : publishers)
        for (int n = 0; n < kMessages; ++n) {
            const auto [first, body] = each->next();
            ASSERT_EQ(first, 0x40);
            ASSERT_EQ(body, (std::string{'\0', char(n + 1)}));
        }
    for (auto& each : subscribers) {
        std::map<std::string, int> next;
        for (int n = 0; n < kMessages * kClients; ++n) {
            const auto [first, body] = each->next();
            ASSERT_EQ(first, 0x30);
            ASSERT_EQ(body.substr(5), std::to_string(next[body.substr(2, 3)]++));
        }
        EXPECT_EQ(next.size(), size_t(kClients));
    }
}

TEST_F(BrokerProcessTest, CarriesAPayloadThatNoSocketTakesAtOnce) {
    start();
    const auto reader = client("reader"), other = client("reader-of-another-shard-perhaps");
    const auto writer = client("writer");
    for (const auto* each : {&reader, &other}) {
        (*each)->stream().send(subscribe_packet("big", 0));
        EXPECT_EQ((*each)->next().first, 0x90);
    }
    std::string payload;
    for (uint32_t i = 0; payload.size() < 6'000'000; ++i) payload += std::to_string(i) + ",";
    writer->stream().send(publish_packet("big", payload, 1));
    EXPECT_EQ(writer->next().first, 0x40);
    EXPECT_TRUE(reader->next().second == text16("big") + payload);
    EXPECT_TRUE(other->next().second == text16("big") + payload);
}

TEST_F(BrokerProcessTest, EndsTheOlderOfTwoConnectionsOfOneClient) {
    start();
    const auto older = client("same");
    const auto younger = client("same");
    EXPECT_EQ(older->next().first, 0);
    younger->stream().send(packet(0xc0, ""));
    EXPECT_EQ(younger->next().first, 0xd0);
}

TEST_F(BrokerProcessTest, TellsItsOwnMessagesToSubscribers) {
    start();
    const auto reader = client("reader");
    reader->stream().send(subscribe_packet("$SYS/#", 0));
    EXPECT_EQ(reader->next().first, 0x90);
    broker_->inject({"$SYS/broker/version", "v"});
    const auto [first, body] = reader->next();
    EXPECT_EQ(first, 0x30);
    EXPECT_EQ(body, text16("$SYS/broker/version") + "v");
}

// --- life ---

TEST_F(BrokerProcessTest, NamesItsListenersWithTheirRealPorts) {
    start();
    const std::string text = broker_->listeners_text();
    EXPECT_TRUE(text.starts_with("mqtt://127.0.0.1:")) << text;
    EXPECT_NE(text.find(" admin=http://127.0.0.1:"), std::string::npos) << text;
    EXPECT_EQ(text.find(":0"), std::string::npos) << text;
}

TEST_F(BrokerProcessTest, EndsEveryConnectionWhenItStops) {
    start();
    std::vector<std::unique_ptr<Peer>> clients;
    for (int i = 0; i < 6; ++i) clients.push_back(client("c" + std::to_string(i)));
    // MQTT 5.0, which is told why.
    Peer modern(address_,
                packet(0x10, text16("MQTT") + std::string("\x05\x02\0\0\0", 5) + text16("five")));
    EXPECT_EQ(modern.next().first, 0x20);
    std::thread stopper([&] { broker_->stop(); });
    for (auto& each : clients) EXPECT_EQ(each->next().first, 0);
    const auto [first, body] = modern.next();
    EXPECT_EQ(first, 0xe0);
    ASSERT_FALSE(body.empty());
    EXPECT_EQ(uint8_t(body[0]), 0x8b);
    clients.clear();
    stopper.join();
    broker_->stop();  // once more is harmless
}

TEST_F(BrokerProcessTest, StopsThoughAClientNeverEndsItsSide) {
    start();
    const auto silent = client("silent");
    broker_->stop();
    EXPECT_EQ(silent->next().first, 0);
}

TEST_F(BrokerProcessTest, MayBeDroppedWithoutEverStarting) {
    auto made = BrokerProcess::make(options(), *log_);
    ASSERT_TRUE(made);
}

TEST_F(BrokerProcessTest, LetsGoOfItsPortWhenItEnds) {
    start();
    const std::string first = address_;
    broker_.reset();
    auto again = options();
    again.listeners[0].url.port = os::parse_address(first)->port();
    EXPECT_TRUE(BrokerProcess::make(again, *log_));
}

// --- what it tells ---

TEST_F(BrokerProcessTest, CountsOverAllShards) {
    start();
    std::vector<std::unique_ptr<Peer>> clients;
    for (int i = 0; i < 6; ++i) clients.push_back(client("c" + std::to_string(i)));
    // The counters of a shard are told once a turn; the pong shows that the CONNECT's is over.
    for (auto& each : clients) {
        each->stream().send(packet(0xc0, ""));
        EXPECT_EQ(each->next().first, 0xd0);
    }
    const admin::BrokerStats stats = broker_->stats();
    EXPECT_EQ(stats.shards.size(), 2u);
    EXPECT_EQ(stats.total().sessions_online, 6u);
    EXPECT_FALSE(stats.version.empty());
    ASSERT_EQ(stats.listeners.size(), 1u);
    EXPECT_EQ(stats.listeners[0].connections, 6u);
    EXPECT_GE(stats.now, stats.started);
}

TEST_F(BrokerProcessTest, ServesItsMetrics) {
    start();
    const std::string text = broker_->listeners_text();
    os::TestStream http(text.substr(text.find("http://") + 7));
    http.send("GET /metrics HTTP/1.0\r\n\r\n");
    const std::string answer = http.read_to_end();
    EXPECT_NE(answer.find("\ngodwit_sessions{shard=\"1\"} 0\n"), std::string::npos) << answer;
}

// --- refusals ---

TEST_F(BrokerProcessTest, SaysWhichAddressItCannotHave) {
    start();
    auto second = options();
    second.listeners[0].url.port = os::parse_address(address_)->port();
    const auto made = BrokerProcess::make(second, *log_);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error(),
              "cannot listen on mqtt://" + address_ + ": bind: Address already in use");
}

TEST_F(BrokerProcessTest, SaysWhichFileItCannotRead) {
    for (const std::string key : {"password_file", "acl_file"}) {
        const std::string path = directory_.path("none");
        const auto made =
            BrokerProcess::make(options("[auth]\n" + key + " = \"" + path + "\"\n"), *log_);
        ASSERT_FALSE(made) << key;
        EXPECT_EQ(made.error(), path + ": open: No such file or directory");
    }
}

TEST_F(BrokerProcessTest, TakesNoMoreConnectionsThanAListenerMayHave) {
    auto wishes = options();
    wishes.listeners[0].connections_max = 1;
    auto made = BrokerProcess::make(wishes, *log_);
    ASSERT_TRUE(made);
    broker_ = std::move(*made);
    ASSERT_TRUE(broker_->start());
    const std::string text = broker_->listeners_text();
    address_ = text.substr(7, text.find(' ') - 7);
    const auto first = client("first");
    EXPECT_EQ(Peer(address_, "").next().first, 0);
    first->stream().send(packet(0xc0, ""));
    EXPECT_EQ(first->next().first, 0xd0);
}

// --- who may come in, and reload ---

// Users as mosquitto_passwd before 2.0 wrote them; the passwords are "wonder" and "changed".
constexpr const char* kWonder =
    "alice:$6$MDEyMzQ1Njc4OWFi$3EPLyPlt3v7XTXhnIv6ux6f2QvgvJEjoMULBm9ngqmRvqAfVMw9qKygLcIeFwARv1"
    "atsQM9OFbSAosTHKq1nJg==\n";
constexpr const char* kChanged =
    "alice:$6$MDEyMzQ1Njc4OWFi$l2rFb0zwrYc7RSgBazKfDmAGXSbF+nuvcFVkwQpIPvVOjKuj6Vn3wvv/x7gWb3W1u"
    "e4CXwYrVZo6sEgjcr3nGQ==\n";

TEST_F(BrokerProcessTest, AsksForThePasswordAndReadsTheFileAgainOnReload) {
    const std::string toml = "[auth]\npassword_file = \"" + file("users", kWonder) + "\"\n";
    start(toml);
    const auto login = [&](const std::string& password) {
        return Peer(address_, connect_packet("c", "alice", password)).connack_code();
    };
    EXPECT_EQ(login("wonder"), 0);
    EXPECT_EQ(login("changed"), 4);
    EXPECT_EQ(Peer(address_, connect_packet("c")).connack_code(), 5);
    file("users", kChanged);
    broker_->reload(options(toml));
    EXPECT_EQ(login("wonder"), 4);
    EXPECT_EQ(login("changed"), 0);
}

TEST_F(BrokerProcessTest, KeepsTheOldPasswordsWhereTheNewFileIsFaulty) {
    const std::string toml = "[auth]\npassword_file = \"" + file("users", kWonder) + "\"\n";
    start(toml);
    file("users", "no user at all\n");
    broker_->reload(options(toml));
    EXPECT_EQ(Peer(address_, connect_packet("c", "alice", "wonder")).connack_code(), 0);
    log_->flush(std::chrono::seconds(5));
    const std::string log = os::read_whole_file(directory_.path("log"), 1 << 20).value();
    EXPECT_NE(log.find("event=reload_failed"), std::string::npos) << log;
    EXPECT_NE(log.find("users:1: "), std::string::npos) << log;
}

TEST_F(BrokerProcessTest, AppliesNewAccessRulesToClientsThatAreThere) {
    const std::string toml = "[auth]\nacl_file = \"" + file("acl", "topic readwrite a\n") + "\"\n";
    start(toml);
    const auto peer = client("c");
    peer->stream().send(subscribe_packet("b", 0));
    EXPECT_EQ(uint8_t(peer->next().second.back()), 0x80);
    file("acl", "topic readwrite b\n");
    broker_->reload(options(toml));
    // Control mail of a shard is taken in order, so its own message comes after the new rules; the
    // client may live on the other shard, which has had them at the same time.
    for (int code = 0x80; code == 0x80;) {
        peer->stream().send(subscribe_packet("b", 0));
        code = uint8_t(peer->next().second.back());
    }
    peer->stream().send(subscribe_packet("a", 0));
    EXPECT_EQ(uint8_t(peer->next().second.back()), 0x80);
}

}  // namespace
}  // namespace godwit::server
