#include "server/crossing.h"

#include "server/test_mail.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <map>
#include <thread>
#include <variant>
#include <vector>

namespace godwit::server {
namespace {

constexpr ShardId kA{0};
constexpr ShardId kB{1};

InjectMessage note(std::string topic, uint64_t number) {
    return {.topic = std::move(topic), .payload = std::to_string(number)};
}

std::vector<uint64_t> drained(Crossing::Ring& ring) {
    std::vector<uint64_t> numbers;
    ring.drain([&](broker::Envelope&& envelope) {
        numbers.push_back(std::get<broker::PublishConfirm>(envelope).upto);
    });
    return numbers;
}

std::vector<uint64_t> counted(uint64_t from, uint64_t to) {
    std::vector<uint64_t> numbers;
    for (uint64_t i = from; i < to; ++i) numbers.push_back(i);
    return numbers;
}

class CrossingTest : public ::testing::Test {
protected:
    std::unique_ptr<Crossing> crossing_ = std::move(Crossing::make(2).value());
};

TEST_F(CrossingTest, HasAMailboxForEachShard) {
    EXPECT_EQ(crossing_->shard_count(), 2);
    EXPECT_NE(&crossing_->mailbox(kA), &crossing_->mailbox(kB));
    EXPECT_NE(&crossing_->ring(kA, kB), &crossing_->ring(kB, kA));
    EXPECT_EQ(&crossing_->ring(kA, kB), &crossing_->ring(kA, kB));
}

TEST_F(CrossingTest, KnowsWhoseNewcomerHasBeenThereLongest) {
    EXPECT_EQ(crossing_->oldest_newcomer(), std::nullopt);
    crossing_->tell_oldest_newcomer(kB, Instant(Duration(7)));
    EXPECT_EQ(crossing_->oldest_newcomer(), kB);
    crossing_->tell_oldest_newcomer(kA, Instant(Duration(5)));
    EXPECT_EQ(crossing_->oldest_newcomer(), kA);
    crossing_->tell_oldest_newcomer(kA, kNever);
    EXPECT_EQ(crossing_->oldest_newcomer(), kB);
}

// --- mailbox ---

TEST_F(CrossingTest, GivesMailInTheOrderOfPosting) {
    Mailbox& mailbox = crossing_->mailbox(kA);
    EXPECT_TRUE(mailbox.empty());
    EXPECT_TRUE(mailbox.take().empty());
    mailbox.post(note("a", 1));
    mailbox.post(StopShard{});
    EXPECT_FALSE(mailbox.empty());
    const auto mail = mailbox.take();
    ASSERT_EQ(mail.size(), 2u);
    EXPECT_EQ(std::get<InjectMessage>(mail[0]).topic, "a");
    EXPECT_TRUE(std::holds_alternative<StopShard>(mail[1]));
    EXPECT_TRUE(mailbox.empty());
}

TEST_F(CrossingTest, TakesMailOfManyThreadsAndKeepsTheOrderOfEach) {
    constexpr uint64_t kThreads = 4, kEach = 500;
    Mailbox& mailbox = crossing_->mailbox(kB);
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            for (uint64_t i = 0; i < kEach; ++i) mailbox.post(note(std::to_string(t), i));
        });
    std::map<std::string, uint64_t> next;
    for (uint64_t got = 0; got < kThreads * kEach;) {
        const auto mail = wait_for_mail(mailbox);
        ASSERT_FALSE(mail.empty());
        got += mail.size();
        for (const Control& each : mail) {
            const auto& in = std::get<InjectMessage>(each);
            EXPECT_EQ(in.payload, std::to_string(next[in.topic]++));
        }
    }
    for (std::thread& each : threads) each.join();
    EXPECT_EQ(next.size(), kThreads);
    EXPECT_TRUE(mailbox.empty());
}

TEST_F(CrossingTest, ClosesASocketThatIsNeverTakenOutOfTheMailbox) {
    MovedConnection moved{.socket = {}, .bytes = {1, 2}};
    moved.socket.fd.reset(::dup(STDERR_FILENO));
    const int fd = moved.socket.fd.get();
    crossing_->mailbox(kA).post(std::move(moved));
    crossing_.reset();
    EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
}

// --- connections, with own file tables ---

class TablesCrossingTest : public ::testing::Test {
protected:
    /// One that is told by its bytes.
    static MovedConnection connection(uint8_t mark) {
        MovedConnection moved{.socket = {}, .bytes = {mark}};
        moved.socket.fd.reset(::dup(STDERR_FILENO));
        return moved;
    }

    std::unique_ptr<Crossing> crossing_ =
        std::move(Crossing::make(2, Crossing::FileTables::Own).value());
    Outgoing outgoing_{*crossing_, kA};
};

TEST_F(TablesCrossingTest, CarriesAConnectionAtTheEndOfTheTurn) {
    outgoing_.move(kB, connection(7));
    EXPECT_FALSE(crossing_->receive(kB));
    EXPECT_FALSE(outgoing_.publish());
    const auto moved = crossing_->receive(kB);
    ASSERT_TRUE(moved);
    EXPECT_EQ(moved->bytes, Buffer{7});
    EXPECT_TRUE(moved->socket.fd);
    EXPECT_FALSE(crossing_->receive(kB));
    EXPECT_FALSE(crossing_->receive(kA));
}

TEST_F(TablesCrossingTest, KeepsTheOrderOfConnectionsThatFindTheChannelFull) {
    constexpr size_t kAll = 1000;
    for (size_t i = 0; i < kAll; ++i) outgoing_.move(kB, connection(uint8_t(i)));
    EXPECT_TRUE(outgoing_.publish());  // behind
    for (size_t i = 0; i < kAll; ++i) {
        auto moved = crossing_->receive(kB);
        if (!moved) {
            outgoing_.publish();
            moved = crossing_->receive(kB);
        }
        ASSERT_TRUE(moved) << i;
        EXPECT_EQ(moved->bytes, Buffer{uint8_t(i)});
        EXPECT_TRUE(moved->socket.fd);
    }
    EXPECT_FALSE(outgoing_.publish());
}

TEST_F(TablesCrossingTest, ClosesAConnectionThatIsNeverTaken) {
    outgoing_.move(kB, connection(1));
    outgoing_.publish();
    crossing_.reset();  // the sanitizer sees a leak
}

// --- rings ---

TEST(Crossing, HasSmallerRingsWhereThereAreMany) {
    EXPECT_EQ(Crossing::ring_entries(1), 4096u);
    EXPECT_EQ(Crossing::ring_entries(2), 4096u);
    EXPECT_EQ(Crossing::ring_entries(4), 1024u);
    EXPECT_EQ(Crossing::ring_entries(6), 256u);
}

TEST_F(CrossingTest, ShowsNothingBeforeTheTurnIsPublished) {
    Outgoing outgoing(*crossing_, kA);
    outgoing.post(kB, broker::PublishConfirm{7});
    EXPECT_TRUE(crossing_->ring(kA, kB).empty());
    EXPECT_FALSE(outgoing.publish());
    EXPECT_EQ(drained(crossing_->ring(kA, kB)), (std::vector<uint64_t>{7}));
    EXPECT_TRUE(crossing_->ring(kB, kA).empty());
}

TEST_F(CrossingTest, WakesTheTargetOnceThereIsSomething) {
    auto poller = os::Poller::open().value();
    os::Waker& waker = crossing_->mailbox(kB).waker();
    ASSERT_TRUE(poller.add(waker.fd(), 0, os::Interest::Read));
    std::array<os::PollEvent, 1> room;
    Outgoing outgoing(*crossing_, kA);
    waker.prepare_sleep();
    outgoing.publish();
    EXPECT_TRUE(poller.wait(Duration::zero(), room).empty());
    outgoing.post(kB, broker::PublishConfirm{1});
    outgoing.publish();
    EXPECT_EQ(poller.wait(Duration::zero(), room).size(), 1u);
}

TEST_F(CrossingTest, KeepsTheOrderOfWhatFindsTheRingFull) {
    constexpr uint64_t kRoom = Crossing::ring_entries(2), kAll = 3 * kRoom + 100;
    Outgoing outgoing(*crossing_, kA);
    for (uint64_t i = 0; i < kRoom + 100; ++i) outgoing.post(kB, broker::PublishConfirm{i});
    EXPECT_TRUE(outgoing.publish());  // behind
    EXPECT_TRUE(outgoing.publish());  // still
    std::vector<uint64_t> seen = drained(crossing_->ring(kA, kB));
    EXPECT_EQ(seen.size(), kRoom);
    // The ring has room again, but what waits goes first.
    for (uint64_t i = kRoom + 100; i < kAll; ++i) outgoing.post(kB, broker::PublishConfirm{i});
    bool behind = true;
    for (int round = 0; behind && round < 10; ++round) {
        behind = outgoing.publish();
        for (const uint64_t each : drained(crossing_->ring(kA, kB))) seen.push_back(each);
    }
    EXPECT_FALSE(behind);
    EXPECT_EQ(seen, counted(0, kAll));
}

TEST_F(CrossingTest, CarriesEnvelopesBetweenTwoThreadsInOrder) {
    constexpr uint64_t kAll = 20'000;
    std::thread sender([&] {
        Outgoing outgoing(*crossing_, kA);
        for (uint64_t i = 0; i < kAll; ++i) {
            outgoing.post(kB, broker::PublishConfirm{i});
            if (i % 64 == 0) outgoing.publish();
        }
        while (outgoing.publish()) std::this_thread::yield();
    });
    std::vector<uint64_t> seen;
    while (seen.size() < kAll) {
        const auto more = drained(crossing_->ring(kA, kB));
        if (more.empty()) std::this_thread::yield();
        seen.insert(seen.end(), more.begin(), more.end());
    }
    sender.join();
    EXPECT_EQ(seen, counted(0, kAll));
}

TEST_F(CrossingTest, SharesOneMessageBetweenShards) {
    Outgoing outgoing(*crossing_, kA);
    auto message = broker::MessageRef::make({.topic = "t", .payload = as_bytes("shared")});
    outgoing.post(kB, broker::PublishEnvelope{.message = message});
    outgoing.publish();
    std::thread other([&] {
        crossing_->ring(kA, kB).drain([](broker::Envelope&& envelope) {
            const auto& in = std::get<broker::PublishEnvelope>(envelope);
            EXPECT_EQ(as_text(in.message->payload()), "shared");
        });
    });
    message = {};
    other.join();
}

}  // namespace
}  // namespace godwit::server
