// The broker with a file table for each shard (server.file_tables): more clients than one table may
// hold files, and all that connections do across shards.
#include "os/file.h"
#include "os/file_table.h"
#include "os/signals.h"
#include "os/test_directory.h"
#include "os/test_limit.h"
#include "server/broker_process.h"
#include "server/test_peer.h"

#include <gtest/gtest.h>

#include <barrier>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#ifdef __SANITIZE_THREAD__
// ThreadSanitizer takes the same number in two tables for the same file: opening one beside the use
// of the other is no race. Who opened it must not be forgotten, or it is not recognized.
extern "C" const char* __tsan_default_options() {
    return "history_size=7";
}
extern "C" const char* __tsan_default_suppressions() {
    return "race:godwit::os::Fd::reset\n"
           "race:godwit::os::FdChannel::receive\n"
           "race:godwit::os::FdChannel::open\n"
           "race:godwit::os::Poller::open\n"
           "race:godwit::os::accept_one\n"
           "race:godwit::os::connect_tcp\n"
           "race:godwit::os::read_whole_file\n";
}
#endif

namespace godwit::server {
namespace {

constexpr size_t kLimit = 256;
constexpr size_t kThreads = 3;
constexpr size_t kEach = 100;  // clients of a thread; a TestStream has two files
static_assert(kThreads * kEach > kLimit && 2 * kEach < kLimit);

std::string name_of(size_t thread, size_t client) {
    return std::to_string(thread % kThreads) + "-" + std::to_string(client);
}

class FileTablesTest : public ::testing::Test {
protected:
    FileTablesTest() { os::ignore_sigpipe(); }

    void start(uint32_t shards) {
        auto config = config::parse_config({.text = "",
                                            .listen = {"mqtt://127.0.0.1:0"},
                                            .settings = {{"server.shards", std::to_string(shards)},
                                                         {"server.file_tables", "true"},
                                                         {"server.data", directory_.path("data")},
                                                         {"admin.listen", ""}}});
        ASSERT_TRUE(config) << config.error()[0].message;
        auto made = BrokerProcess::make(config->options, *log_);
        ASSERT_TRUE(made) << made.error();
        broker_ = std::move(*made);
        const auto started = broker_->start();
        ASSERT_TRUE(started) << started.error();
        address_ = broker_->listeners_text().substr(7);
    }
    /// A client, counted where its thread counts its files.
    std::unique_ptr<Peer> client(const std::string& id) const {
        auto peer = std::make_unique<Peer>(address_, connect_packet(id));
        EXPECT_EQ(peer->connack_code(), 0) << id;
        return peer;
    }
    /// Runs visit(0), visit(1), ... at once, each in a thread with a table of its own.
    template <class Visit>
    static void in_threads(size_t count, Visit&& visit) {
        std::vector<std::thread> threads;
        for (size_t i = 0; i < count; ++i)
            threads.emplace_back([&visit, i] {
                ASSERT_TRUE(os::take_own_file_table({}));
                visit(i);
            });
        for (std::thread& each : threads) each.join();
    }
    /// Connects more clients than a small table has room for, and says CONNECT for each.
    std::vector<os::Fd> crowd(size_t thread) const {
        std::vector<os::Fd> connected;
        const auto address = os::parse_address(address_).value();
        for (size_t i = 0; i < 50; ++i) {
            connected.push_back(os::connect_tcp(address).value());
            const std::string text = connect_packet(name_of(thread, i));
            const Bytes piece = as_bytes(text);
            (void)os::write_some(connected.back().get(), {&piece, 1});
        }
        return connected;
    }
    void wait_until_full() {
        while (log_text().find("out of file descriptors") == std::string::npos)
            std::this_thread::yield();
    }
    std::string log_text() {
        log_->flush(std::chrono::seconds(5));
        return os::read_whole_file(directory_.path("log"), 1 << 20).value();
    }

    os::TestDirectory directory_;
    std::unique_ptr<os::LogWriter> log_ =
        std::move(os::LogWriter::open({.path = directory_.path("log")}).value());
    std::unique_ptr<BrokerProcess> broker_;
    std::string address_;
};

/// What came but for the acknowledgement that came before or after it.
std::string message_of(Peer& peer) {
    std::string message;
    for (int acknowledged = 0; message.empty() || acknowledged == 0;) {
        const auto [first, body] = peer.next();
        if (first == 0) return "the connection ended";
        if (first == 0x40) ++acknowledged;
        if (first == 0x30) message = body;
    }
    return message;
}

TEST_F(FileTablesTest, HoldMoreClientsThanOneTableMayAndCarryTheirMessages) {
    const os::TestFileLimit limit(kLimit);
    start(4);
    std::barrier all_subscribed{std::ptrdiff_t(kThreads)};
    in_threads(kThreads, [&](size_t thread) {
        std::vector<std::unique_ptr<Peer>> peers;
        for (size_t i = 0; i < kEach; ++i) {
            peers.push_back(client(name_of(thread, i)));
            peers[i]->stream().send(subscribe_packet("to/" + name_of(thread, i), 0));
            EXPECT_EQ(peers[i]->next().first, 0x90);
        }
        all_subscribed.arrive_and_wait();
        for (size_t i = 0; i < kEach; ++i)
            peers[i]->stream().send(publish_packet("to/" + name_of(thread + 1, i), "hello", 1));
        for (size_t i = 0; i < kEach; ++i)
            EXPECT_EQ(message_of(*peers[i]), text16("to/" + name_of(thread, i)) + "hello");
        all_subscribed.arrive_and_wait();
    });
    EXPECT_EQ(broker_->stats().shards.size(), 4u);
    broker_.reset();
    EXPECT_EQ(log_text().find("out of file descriptors"), std::string::npos);
}

TEST_F(FileTablesTest, EndTheOlderConnectionOfAClientWhereverTheYoungerCameIn) {
    start(4);
    for (int i = 0; i < 40; ++i) {
        const std::string id = "same" + std::to_string(i % 4);
        const auto older = client(id);
        const auto younger = client(id);
        EXPECT_EQ(older->next().first, 0);
        younger->stream().send(packet(0xc0, ""));
        EXPECT_EQ(younger->next().first, 0xd0);
    }
}

TEST_F(FileTablesTest, EndTheirConnectionsWhenTheBrokerStops) {
    start(4);
    std::vector<std::unique_ptr<Peer>> peers;
    for (int i = 0; i < 20; ++i) peers.push_back(client("c" + std::to_string(i)));
    std::thread stopper([&] { broker_->stop(); });
    for (auto& each : peers) EXPECT_EQ(each->next().first, 0);
    stopper.join();
}

TEST_F(FileTablesTest, SayWhenTheyAreFullAndGoOnWhenClientsLeave) {
    const os::TestFileLimit limit(64);
    start(2);
    in_threads(4, [&](size_t thread) {
        const auto connected = crowd(thread);
        wait_until_full();
    });
    // The shard it belongs to may not have heard yet that its clients are gone, and turn it away.
    std::unique_ptr<Peer> after;
    do after = std::make_unique<Peer>(address_, connect_packet("after"));
    while (after->connack_code() != 0);
    after->stream().send(packet(0xc0, ""));
    EXPECT_EQ(after->next().first, 0xd0);
}

TEST_F(FileTablesTest, StopWhileTheyAreFull) {
    const os::TestFileLimit limit(64);
    start(2);
    std::barrier full{5}, stopped{5};
    std::thread stopper([&] {
        full.arrive_and_wait();
        broker_->stop();
        stopped.arrive_and_wait();
    });
    in_threads(4, [&](size_t thread) {
        const auto connected = crowd(thread);
        wait_until_full();
        full.arrive_and_wait();
        stopped.arrive_and_wait();
    });
    stopper.join();
}

}  // namespace
}  // namespace godwit::server
