// TLS handshakes on a shard: few begin in a turn, and all come through.
#include "server/openings.h"
#include "os/file.h"
#include "os/signals.h"
#include "os/test_directory.h"
#include "server/broker_process.h"
#include "server/test_peer.h"
#include "transport/test_certificates.h"
#include "transport/wire.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace godwit::server {
namespace {

/// A client over TLS that takes its steps when it is told to.
class TlsPeer {
public:
    TlsPeer(std::string_view address, const transport::TlsContext& context) : stream_(address) {
        Buffer hello;
        wire_ = transport::Wire::client({.tls = &context, .tls_server_name = "localhost"}, hello)
                    .value();
        stream_.send(as_text(hello));
    }
    /// The code of the CONNACK; 255 for anything else.
    int connect(const std::string& client_id) {
        Buffer mqtt;
        while (!wire_->ready())
            if (!step(mqtt)) return 255;
        Buffer raw;
        EXPECT_TRUE(wire_->send(as_bytes(connect_packet(client_id)), raw));
        stream_.send(as_text(raw));
        while (mqtt.size() < 4)
            if (!step(mqtt)) return 255;
        return mqtt[0] == 0x20 ? mqtt[3] : 255;
    }

private:
    bool step(Buffer& mqtt) {
        const std::string more = stream_.read(1);
        Buffer reply;
        if (more.empty() || !wire_->receive(as_bytes(more), mqtt, reply)) return false;
        if (!reply.empty()) stream_.send(as_text(reply));
        return true;
    }

    os::TestStream stream_;
    std::unique_ptr<transport::Wire> wire_;
};

// --- whose turn it is ---

constexpr size_t kPerTurn = Openings::kCostPerTurn / Openings::kTlsCost;

ConnectionId connection(size_t slot) {
    return {uint32_t(slot), 1};
}

TEST(Openings, BeginAtOnceWhileATurnHasRoom) {
    Openings openings;
    openings.begin_turn();
    for (size_t i = 0; i < kPerTurn; ++i)
        EXPECT_TRUE(openings.ask(connection(i), Openings::kTlsCost));
    EXPECT_TRUE(openings.is_idle());
    EXPECT_FALSE(openings.ask(connection(9), Openings::kTlsCost));
    EXPECT_FALSE(openings.is_idle());
    EXPECT_FALSE(openings.next());
    openings.begin_turn();
    EXPECT_EQ(openings.next(), connection(9));
    EXPECT_FALSE(openings.next());
    EXPECT_TRUE(openings.is_idle());
}

TEST(Openings, BeginInTheOrderOfAskingAFewATurn) {
    Openings openings;
    for (size_t i = 0; i < 50; ++i) (void)openings.ask(connection(i), Openings::kTlsCost);
    size_t expected = kPerTurn, turns = 0;
    for (; expected < 50; ++turns) {
        openings.begin_turn();
        EXPECT_FALSE(openings.ask(connection(1000 + turns), Openings::kTlsCost))
            << "past those that wait";
        size_t begun = 0;
        for (; const auto id = expected < 50 ? openings.next() : std::nullopt; ++begun)
            EXPECT_EQ(id->slot, expected++);
        ASSERT_LE(begun, kPerTurn);
        ASSERT_LT(turns, 50u);
    }
    EXPECT_EQ(turns, (50 - kPerTurn + kPerTurn - 1) / kPerTurn);
}

TEST(Openings, AreFullWhenManyWait) {
    Openings openings;
    for (size_t i = 0; i < kPerTurn + Openings::kWaitingMax; ++i) {
        EXPECT_FALSE(openings.is_full());
        (void)openings.ask(connection(i), Openings::kTlsCost);
    }
    EXPECT_TRUE(openings.is_full());
    openings.begin_turn();
    EXPECT_TRUE(openings.next());
    EXPECT_FALSE(openings.is_full());
}

TEST(Openings, BeginMoreOfThoseThatCostLess) {
    Openings openings;
    size_t begun = 0;
    for (size_t i = 0; i < 1000; ++i) begun += openings.ask(connection(i), Openings::kPlainCost);
    EXPECT_EQ(begun, Openings::kCostPerTurn / Openings::kPlainCost);
    openings.begin_turn();
    EXPECT_TRUE(openings.next());
    EXPECT_FALSE(openings.ask(connection(2000), Openings::kTlsCost)) << "past those that wait";
}

// --- a real shard ---

class OpeningsTest : public ::testing::Test {
protected:
    OpeningsTest() {
        os::ignore_sigpipe();
        transport::TestAuthority authority;
        const auto identity = authority.issue({});
        const std::string cert = file("cert.pem", identity.certificate_pem);
        const std::string key = file("key.pem", identity.key_pem);
        auto config =
            config::parse_config({.text = "",
                                  .listen = {"mqtts://127.0.0.1:0?cert=" + cert + "&key=" + key},
                                  .settings = {{"server.shards", "2"}, {"admin.listen", ""}}});
        EXPECT_TRUE(config) << config.error()[0].message;
        auto made = BrokerProcess::make(config->options, *log_);
        EXPECT_TRUE(made) << made.error();
        broker_ = std::move(*made);
        EXPECT_TRUE(broker_->start());
        const std::string text = broker_->listeners_text();
        address_ = text.substr(text.find("127."));
        address_ = address_.substr(0, address_.find_first_of("?/ "));
        client_ = std::make_unique<transport::TlsContext>(
            transport::TlsContext::load(
                {.role = transport::TlsRole::Client, .ca_pem = authority.pem()})
                .value());
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
    std::unique_ptr<transport::TlsContext> client_;
    std::string address_;
};

TEST_F(OpeningsTest, ComeThroughHoweverManyBeginAtOnce) {
    std::vector<std::unique_ptr<TlsPeer>> peers;
    for (int i = 0; i < 300; ++i) peers.push_back(std::make_unique<TlsPeer>(address_, *client_));
    for (size_t i = 0; i < peers.size(); ++i)
        EXPECT_EQ(peers[i]->connect("c" + std::to_string(i)), 0) << i;
}

TEST_F(OpeningsTest, GoOnBehindClientsThatHaveGone) {
    for (int round = 0; round < 3; ++round) {
        std::vector<std::unique_ptr<TlsPeer>> gone;
        for (int i = 0; i < 50; ++i) gone.push_back(std::make_unique<TlsPeer>(address_, *client_));
        TlsPeer stays(address_, *client_);
        gone.clear();
        EXPECT_EQ(stays.connect("stays"), 0);
    }
}

}  // namespace
}  // namespace godwit::server
