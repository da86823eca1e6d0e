// TLS handshakes on a shard: few are under way, the others have their turn first, and all come
// through.
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

using namespace std::chrono_literals;
using Kind = Openings::Kind;

constexpr Instant kStart = Instant(1000s);

ConnectionId connection(size_t slot) {
    return {uint32_t(slot), 1};
}

/// How many begin within one turn that has time for all.
size_t begin_all(Openings& openings, Instant now, Kind kind = Kind::Tls) {
    size_t count = 0;
    for (openings.begin_turn(now); openings.next(kind); ++count) {
    }
    return count;
}

/// So many ask, and begin; the others wait.
void fill(Openings& openings, size_t asking) {
    openings.begin_turn(kStart);
    for (size_t i = 0; i < asking; ++i) (void)openings.ask(connection(i), Kind::Tls);
    begin_all(openings, kStart);
}

TEST(Openings, OfTlsWaitForTheEndOfTheTurnAndBeginInTheOrderOfAsking) {
    constexpr size_t kAll = Openings::kTlsUnderWayMax;
    Openings openings;
    openings.begin_turn(kStart);
    for (size_t i = 0; i < kAll; ++i) EXPECT_FALSE(openings.ask(connection(i), Kind::Tls));
    EXPECT_EQ(openings.next_deadline(), kStart) << "a turn that had no time for them";
    for (size_t i = 0; i < kAll; ++i) EXPECT_EQ(openings.next(Kind::Tls), connection(i));
    EXPECT_TRUE(openings.is_idle());
    EXPECT_FALSE(openings.next(Kind::Tls));
}

TEST(Openings, AreFullWhenManyWait) {
    Openings openings;
    openings.begin_turn(kStart);
    for (size_t i = 0; i < Openings::kWaitingMax; ++i) {
        EXPECT_FALSE(openings.is_full(Kind::Tls));
        (void)openings.ask(connection(i), Kind::Tls);
    }
    EXPECT_TRUE(openings.is_full(Kind::Tls));
    EXPECT_FALSE(openings.is_full(Kind::Plain));
    EXPECT_TRUE(openings.next(Kind::Tls));
    EXPECT_FALSE(openings.is_full(Kind::Tls));
}

TEST(Openings, OfThoseThatCostLessMoreBeginAndTheyPassTls) {
    Openings openings;
    fill(openings, Openings::kTlsUnderWayMax + 10);
    openings.begin_turn(kStart);
    size_t begun = 0;
    for (size_t i = 0; i < 1000; ++i) begun += openings.ask(connection(1000 + i), Kind::Plain);
    EXPECT_EQ(begun, Openings::kPlainPerTurn);
    EXPECT_EQ(begin_all(openings, kStart, Kind::Plain), Openings::kPlainPerTurn);
}

TEST(Openings, OfTlsGoOnOnlyAFewAtATime) {
    Openings openings;
    fill(openings, Openings::kTlsUnderWayMax + 3);
    EXPECT_EQ(begin_all(openings, kStart), 0u);
    openings.end(connection(5), true);
    openings.end(connection(5), true);
    EXPECT_EQ(begin_all(openings, kStart), 1u) << "one came through, and counts once";
    openings.end(connection(6), false);
    EXPECT_EQ(begin_all(openings, kStart), 1u) << "one has gone";
    openings.end(connection(9000), false);
    EXPECT_EQ(begin_all(openings, kStart), 0u) << "one that never was";
}

TEST(Openings, ThatDoNotComeThroughHoldNobodyUpForLong) {
    Openings openings;
    EXPECT_EQ(openings.next_deadline(), kNever);
    fill(openings, Openings::kTlsUnderWayMax + 1);
    const Instant later = openings.next_deadline();
    EXPECT_EQ(later, kStart + Openings::kPatienceMax);
    EXPECT_EQ(begin_all(openings, later - 1ns), 0u);
    EXPECT_EQ(begin_all(openings, later), 1u);
    EXPECT_EQ(openings.next_deadline(), kNever);
}

TEST(Openings, ThatGoAgainHaveHeldOthersUpUnlessTheyGoAtOnce) {
    constexpr size_t kAll = Openings::kTlsUnderWayMax;
    Openings openings;
    fill(openings, kAll + 1);
    openings.end(connection(0), false);
    EXPECT_EQ(begin_all(openings, kStart), 1u);
    fill(openings, 1);
    EXPECT_EQ(openings.next_deadline(), kStart + Openings::kPatienceMax) << "it went at once";
    openings.begin_turn(kStart + Openings::kPatienceMax / 4);
    openings.end(connection(1), false);
    EXPECT_EQ(begin_all(openings, kStart), 1u);
    fill(openings, 1);
    EXPECT_EQ(openings.next_deadline(), kStart + Openings::kPatienceMax / 2) << "it held a place";
}

TEST(Openings, HaveLessTimeTheMoreOfThemNeverComeThrough) {
    Openings openings;
    constexpr size_t kSilent = 100'000, kPerTurn = 2;
    size_t asked = 0, begun = 0;
    Instant now = kStart;
    for (; begun < kSilent; now += 100us) {
        openings.begin_turn(now);
        while (asked < kSilent && !openings.is_full(Kind::Tls))
            (void)openings.ask(connection(asked++), Kind::Tls);
        for (size_t i = 0; i < kPerTurn && openings.next(Kind::Tls); ++i) ++begun;
        ASSERT_LT(now, kStart + 10s);
    }
    // The first ones have all of it, half of it, ...
    EXPECT_LT(now - kStart, 2 * Openings::kPatienceMax + kSilent / kPerTurn * 100us);
    // ... and who comes through gives the next ones their time back.
    openings.begin_turn(now += 1s);
    for (size_t i = 0; i < 200; ++i) {
        (void)openings.ask(connection(i), Kind::Tls);
        ASSERT_EQ(openings.next(Kind::Tls), connection(i));
        openings.end(connection(i), true);
    }
    fill(openings, Openings::kTlsUnderWayMax + 1);
    EXPECT_EQ(openings.next_deadline(), kStart + Openings::kPatienceMax);
}

TEST(Openings, OfTlsBeginAfterAsMuchTimeAsTheStepsBeforeTook) {
    Openings openings;
    fill(openings, Openings::kTlsUnderWayMax + 3);
    const Instant half = kStart + 50us;
    openings.pause_tls(50us, half);
    openings.end(connection(0), true);
    openings.end(connection(1), true);
    EXPECT_EQ(openings.next_deadline(), half + 50us);
    EXPECT_EQ(begin_all(openings, half + 49us), 0u);
    EXPECT_TRUE(openings.ask(connection(9000), Kind::Plain)) << "those that cost less do not pause";
    EXPECT_EQ(begin_all(openings, half + 50us), 2u);
    openings.pause_tls(50us, half + 100us);
    openings.pause_tls(30us, half + 130us);  // of those under way, while the others pause
    openings.end(connection(2), true);
    EXPECT_EQ(openings.next_deadline(), half + 180us);
}

TEST(Openings, ThatTakeStepsAllTheTimeDoNotKeepOthersOfTlsOut) {
    Openings openings;
    fill(openings, Openings::kTlsUnderWayMax + 100);
    const Instant end = kStart + 100ms;
    size_t begun = 0;
    for (Instant now = kStart; now < end; now += 100us) {
        openings.end(connection(begun), true);
        begun += begin_all(openings, now);
        openings.pause_tls(100us, now + 100us);
    }
    EXPECT_EQ(begun, size_t(100ms / Openings::kPauseMax));
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
        for (int i = 0; i < 200; ++i) gone.push_back(std::make_unique<TlsPeer>(address_, *client_));
        TlsPeer stays(address_, *client_);
        gone.clear();
        EXPECT_EQ(stays.connect("stays"), 0);
    }
}

TEST_F(OpeningsTest, GoOnBesideClientsThatStopHalfway) {
    std::vector<std::unique_ptr<TlsPeer>> silent;
    for (size_t i = 0; i < 4 * Openings::kTlsUnderWayMax; ++i)
        silent.push_back(std::make_unique<TlsPeer>(address_, *client_));
    TlsPeer speaks(address_, *client_);
    EXPECT_EQ(speaks.connect("speaks"), 0);
}

}  // namespace
}  // namespace godwit::server
