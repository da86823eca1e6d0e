// Runner and Connection over real sockets, against a broker that follows a script.
#include "client/runner.h"

#include "client/publish_task.h"
#include "client/test_server.h"
#include "os/socket.h"
#include "os/test_directory.h"
#include "transport/test_certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <thread>

namespace godwit::client {
namespace {

using mqtt::Version;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::internal::CaptureStderr;
using testing::internal::GetCapturedStderr;
using namespace std::chrono_literals;

/// The broker's end of one connection. Blocks its thread.
class Peer {
public:
    Peer(os::Fd socket, std::unique_ptr<transport::Wire> wire)
        : socket_(std::move(socket)), wire_(std::move(wire)), poller_(os::Poller::open().value()) {
        EXPECT_TRUE(poller_.add(socket_.get(), 0, os::Interest::Read));
    }

    /// The next packet in short; "end" when the client has closed.
    std::string read() {
        for (;;) {
            const auto status = mqtt::next_frame(mqtt_, mqtt::kPacketBytesMax).value();
            if (status.complete) {
                const std::string line = line_of(status.frame, Version::V5);
                mqtt_.erase(mqtt_.begin(), mqtt_.begin() + status.frame.size);
                return line;
            }
            if (!read_more()) return "end";
        }
    }
    void write(Bytes mqtt) {
        Buffer raw;
        if (wire_) {
            EXPECT_TRUE(wire_->send(mqtt, raw));
        } else {
            put_bytes(raw, mqtt);
        }
        write_raw(raw);
    }
    void accept() {
        EXPECT_THAT(read(), testing::StartsWith("CONNECT"));
        Buffer out;
        mqtt::encode_connack(out, Version::V5, {});
        write(out);
    }

private:
    void write_raw(Bytes raw) {
        while (!raw.empty()) {
            const auto sent = os::write_some(socket_.get(), std::span(&raw, 1));
            ASSERT_TRUE(sent);
            raw = raw.subspan(*sent);
        }
    }
    bool read_more() {
        os::PollEvent event[1];
        while (poller_.wait(std::nullopt, event).empty()) {
        }
        std::array<uint8_t, 4096> room;
        const auto got = os::receive_some(socket_.get(), room);
        if (!got) return false;
        const Bytes raw = Bytes(room).first(*got);
        if (!wire_) return put_bytes(mqtt_, raw), true;
        Buffer reply;
        const bool good = wire_->receive(raw, mqtt_, reply).has_value();
        write_raw(reply);
        return good;
    }

    os::Fd socket_;
    std::unique_ptr<transport::Wire> wire_;
    os::Poller poller_;
    Buffer mqtt_;
};

/// Serves one connection after the other, each with its part of the script.
class ScriptedBroker {
public:
    using Part = std::function<void(Peer&)>;

    explicit ScriptedBroker(std::vector<Part> script, const transport::ServerWireOptions& wire = {})
        : listener_(os::listen_tcp(os::parse_address("127.0.0.1:0").value()).value()),
          thread_([this, script = std::move(script), wire] {
              for (const Part& part : script) {
                  Peer peer(accept(),
                            wire.tls || wire.websocket ? transport::Wire::server(wire) : nullptr);
                  part(peer);
              }
          }) {}
    ~ScriptedBroker() { thread_.join(); }

    Endpoint endpoint() const { return {.host = "127.0.0.1", .port = listener_.address().port()}; }

private:
    os::Fd accept() {
        os::Poller poller = os::Poller::open().value();
        EXPECT_TRUE(poller.add(listener_.fd(), 0, os::Interest::Read));
        os::PollEvent event[1];
        while (poller.wait(std::nullopt, event).empty()) {
        }
        return os::accept_one(listener_.fd()).value().fd;
    }

    os::Listener listener_;
    std::thread thread_;
};

struct Outcome {
    int status;
    std::string told;
};

Outcome publish(RunnerOptions options, mqtt::Qos qos, uint32_t count = 1) {
    const Reporter reporter("test", false, false);
    PublishTask task({.message = {.topic = "t", .payload = "p", .qos = qos}, .count = count},
                     LineSource(-1, 1), reporter);
    CaptureStderr();
    const int status = Runner(std::move(options), reporter).run(task);
    return {status, GetCapturedStderr()};
}

/// Answers a PUBLISH of QoS 1 and sees the client leave.
void take_one(Peer& peer, std::vector<std::string>& seen) {
    peer.accept();
    seen.push_back(peer.read());
    Buffer puback;
    mqtt::encode_puback(puback, Version::V5, {.packet_id = {1}});
    peer.write(puback);
    seen.push_back(peer.read());
}

const std::vector<std::string> kOneMessage = {"PUBLISH 1 q1 t=p", "DISCONNECT success"};

TEST(Runner, ConnectsPublishesAndLeavesInOrder) {
    std::vector<std::string> seen;
    {
        ScriptedBroker broker({[&](Peer& peer) { take_one(peer, seen); }});
        EXPECT_EQ(publish({.endpoint = broker.endpoint()}, mqtt::Qos::AtLeastOnce).status, 0);
    }
    EXPECT_EQ(seen, kOneMessage);
}

TEST(Runner, LosesNothingOfABurstAtQos0) {
    uint32_t count = 0;
    {
        ScriptedBroker broker({[&](Peer& peer) {
            peer.accept();
            while (peer.read() == "PUBLISH 0 q0 t=p") ++count;
        }});
        EXPECT_EQ(publish({.endpoint = broker.endpoint()}, mqtt::Qos::AtMostOnce, 5000).status, 0);
    }
    EXPECT_EQ(count, 5000u);
}

TEST(Runner, SpeaksTlsAndWebSocketTogether) {
    transport::TestAuthority authority;
    const auto own = authority.issue({.alternative_names = "DNS:broker.test"});
    const auto context = transport::TlsContext::load(
        {.certificate_pem = own.certificate_pem, .private_key_pem = own.key_pem});
    ASSERT_TRUE(context) << context.error();
    std::vector<std::string> seen;
    {
        ScriptedBroker broker({[&](Peer& peer) { take_one(peer, seen); }},
                              {.tls = &*context, .websocket = true, .websocket_path = "/here"});
        Endpoint endpoint = broker.endpoint();
        endpoint.tls = endpoint.websocket = true;
        endpoint.websocket_path = "/here";
        endpoint.tls_server_name = "broker.test";
        auto trust = transport::TlsContext::load({.role = transport::TlsRole::Client,
                                                  .ca_pem = authority.pem(),
                                                  .peer_verify = transport::PeerVerify::Required});
        const auto outcome =
            publish({.endpoint = endpoint, .tls = std::move(*trust)}, mqtt::Qos::AtLeastOnce);
        EXPECT_EQ(outcome.status, 0) << outcome.told;
    }
    EXPECT_EQ(seen, kOneMessage);
}

TEST(Runner, ConnectsAgainAfterALoss) {
    std::vector<std::string> seen;
    {
        ScriptedBroker broker({[](Peer& peer) {
                                   peer.accept();
                                   peer.read();  // and closes without an answer
                               },
                               [&](Peer& peer) { take_one(peer, seen); }});
        const auto outcome =
            publish({.endpoint = broker.endpoint(), .reconnect = true, .backoff_first = 1ms},
                    mqtt::Qos::AtLeastOnce);
        EXPECT_EQ(outcome.status, 0);
        EXPECT_THAT(outcome.told, HasSubstr("trying again"));
    }
    EXPECT_EQ(seen, kOneMessage);
}

TEST(Runner, WithoutLeaveToReconnectALossIsAFailure) {
    ScriptedBroker broker({[](Peer& peer) {
        peer.accept();
        peer.read();
    }});
    const auto outcome = publish({.endpoint = broker.endpoint()}, mqtt::Qos::AtLeastOnce);
    EXPECT_EQ(outcome.status, kStatusFailed);
    EXPECT_THAT(outcome.told, HasSubstr("closed the connection"));
}

TEST(Runner, ARefusalIsNotTriedAgain) {
    ScriptedBroker broker({[](Peer& peer) {
        peer.read();
        Buffer out;
        mqtt::encode_connack(out, Version::V5, {.reason = mqtt::ReasonCode::BadUserNameOrPassword});
        peer.write(out);
    }});
    const auto outcome =
        publish({.endpoint = broker.endpoint(), .reconnect = true}, mqtt::Qos::AtMostOnce);
    EXPECT_EQ(outcome.status, kStatusFailed);
    EXPECT_THAT(outcome.told, HasSubstr("bad user name or password; check"));
}

TEST(Runner, TellsWhatTheBrokerSaidAtTheVeryEnd) {
    ScriptedBroker broker({[](Peer& peer) {
        peer.accept();
        peer.read();
        Buffer out;
        mqtt::encode_disconnect(out, Version::V5, {.reason = mqtt::ReasonCode::QuotaExceeded});
        peer.write(out);
    }});
    const auto outcome = publish({.endpoint = broker.endpoint()}, mqtt::Qos::AtMostOnce);
    EXPECT_EQ(outcome.status, kStatusFailed);
    EXPECT_THAT(outcome.told, HasSubstr("quota exceeded"));
}

TEST(Runner, EndsWhenItsTimeIsOver) {
    ScriptedBroker broker({[](Peer& peer) { EXPECT_EQ((peer.read(), peer.read()), "end"); }});
    const auto outcome =
        publish({.endpoint = broker.endpoint(), .time_over = 20ms}, mqtt::Qos::AtMostOnce);
    EXPECT_EQ(outcome.status, kStatusTimedOut);
    EXPECT_THAT(outcome.told, HasSubstr("timed out"));
}

TEST(Runner, TellsThatNobodyListens) {
    uint16_t port = 0;
    {
        const auto gone = os::listen_tcp(os::parse_address("127.0.0.1:0").value());
        port = gone->address().port();
    }
    const auto tcp =
        publish({.endpoint = {.host = "127.0.0.1", .port = port}}, mqtt::Qos::AtMostOnce);
    EXPECT_EQ(tcp.status, kStatusFailed);
    EXPECT_THAT(tcp.told, HasSubstr("connection refused by 127.0.0.1:"));
    os::TestDirectory directory;
    const auto unix_socket =
        publish({.endpoint = {.unix_path = directory.path("none")}}, mqtt::Qos::AtMostOnce);
    EXPECT_EQ(unix_socket.status, kStatusFailed);
    EXPECT_THAT(unix_socket.told, HasSubstr("is the broker running?"));
}

TEST(Runner, GuessesThatTheServerWantedTls) {
    ScriptedBroker broker({[](Peer& peer) { peer.read(); }});
    const auto outcome = publish({.endpoint = broker.endpoint()}, mqtt::Qos::AtMostOnce);
    EXPECT_EQ(outcome.status, kStatusFailed);
    EXPECT_THAT(outcome.told, HasSubstr("does it expect TLS"));
}

}  // namespace
}  // namespace godwit::client
