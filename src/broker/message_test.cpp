#include "broker/message.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace godwit::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Instant at(Duration since_start) {
    return Instant(since_start);
}

MessageRef expiring(Instant when) {
    return MessageRef::make({.topic = "t", .expires = when});
}

TEST(Message, CopiesWhatItIsMadeOf) {
    std::string topic = "plant/7";
    Buffer properties{1, 2, 3};
    std::string payload("p\0q", 3);
    const MessageRef message = MessageRef::make({.realm = {3},
                                                 .topic = topic,
                                                 .forwarded_properties = properties,
                                                 .payload = as_bytes(payload),
                                                 .qos = mqtt::Qos::ExactlyOnce,
                                                 .retain = true,
                                                 .expires = at(seconds(9)),
                                                 .publisher = 77,
                                                 .stamp = 88});
    topic.assign("xxxxxxx");
    properties.assign(3, 9);
    payload.assign("zzz");
    EXPECT_EQ(message->realm(), RealmId{3});
    EXPECT_EQ(message->topic(), "plant/7");
    EXPECT_EQ(as_text(message->payload()), std::string_view("p\0q", 3));
    EXPECT_EQ(
        Buffer(message->forwarded_properties().begin(), message->forwarded_properties().end()),
        (Buffer{1, 2, 3}));
    EXPECT_EQ(message->qos(), mqtt::Qos::ExactlyOnce);
    EXPECT_TRUE(message->retain());
    EXPECT_EQ(message->expires(), at(seconds(9)));
    EXPECT_EQ(message->publisher(), 77u);
    EXPECT_EQ(message->stamp(), 88u);
    EXPECT_EQ(message->size_bytes(), sizeof(Message) + 7 + 3 + 3);
}

TEST(Message, NamesItsPublisherWhereThatIsAsked) {
    for (const std::optional<Source>& source :
         {std::optional<Source>(), std::optional(Source{"press-7", std::nullopt}),
          std::optional(Source{"press-7", ""}), std::optional(Source{"press-7", "ann"})}) {
        const MessageParts parts{.topic = "t", .payload = as_bytes("p"), .source = source};
        const MessageRef message = MessageRef::make(parts);
        EXPECT_EQ(message->source(), source);
        EXPECT_EQ(as_text(message->payload()), "p");
        EXPECT_EQ(message->size_bytes(), parts.size_bytes());
        EXPECT_EQ(MessageRef::make(message->parts())->source(), source);
    }
}

TEST(Message, MayBeEmptyButForItsTopic) {
    const MessageRef message = MessageRef::make({.topic = "t"});
    EXPECT_TRUE(message->payload().empty());
    EXPECT_TRUE(message->forwarded_properties().empty());
    EXPECT_FALSE(message->retain());
    EXPECT_FALSE(message->expired(kNever - Duration(1)));
    EXPECT_EQ(message->expiry_left_s(at(seconds(5))), std::nullopt);
}

TEST(Message, ExpiresAtItsInstant) {
    const MessageRef message = expiring(at(seconds(10)));
    EXPECT_FALSE(message->expired(at(seconds(10) - Duration(1))));
    EXPECT_TRUE(message->expired(at(seconds(10))));
    EXPECT_TRUE(message->expired(at(seconds(11))));
}

TEST(Message, CountsItsExpiryDownAndRoundsUp) {
    const MessageRef message = expiring(at(seconds(10)));
    EXPECT_EQ(message->expiry_left_s(at(seconds(0))), 10u);
    EXPECT_EQ(message->expiry_left_s(at(milliseconds(1))), 10u);
    EXPECT_EQ(message->expiry_left_s(at(milliseconds(999))), 10u);
    EXPECT_EQ(message->expiry_left_s(at(seconds(1))), 9u);
    EXPECT_EQ(message->expiry_left_s(at(milliseconds(8999))), 2u);
}

TEST(Message, ForwardsAnExpiryOfAtLeastOneSecond) {
    const MessageRef message = expiring(at(seconds(10)));
    EXPECT_EQ(message->expiry_left_s(at(milliseconds(9999))), 1u);
    EXPECT_EQ(message->expiry_left_s(at(seconds(10))), 1u);
    EXPECT_EQ(message->expiry_left_s(at(seconds(20))), 1u);
}

TEST(Message, CountsDownTheLongestExpiryThereIs) {
    const MessageRef message = expiring(at(seconds(0xffff'ffffll)));
    EXPECT_EQ(message->expiry_left_s(at(seconds(0))), 0xffff'ffffu);
}

TEST(MessageRef, OutlivesTheOneItWasCopiedFrom) {
    MessageRef copy;
    EXPECT_FALSE(copy);
    {
        const MessageRef first = MessageRef::make({.topic = "t", .payload = as_bytes("x")});
        copy = first;
        EXPECT_TRUE(copy == first);
    }
    EXPECT_EQ(as_text(copy->payload()), "x");
}

TEST(MessageRef, OfThoseThatTakeEachOthersMemoryEachIsWhatItWasMadeOf) {
    Random random(5);
    std::vector<std::pair<MessageRef, std::string>> held;
    for (int step = 0; step < 20'000; ++step) {
        const size_t bytes = random.below(8) == 0 ? random.below(3000) : 60 + random.below(40);
        std::string payload(bytes, char('a' + random.below(26)));
        auto message = MessageRef::make({.topic = "t", .payload = as_bytes(payload)});
        if (random.below(3) == 0) held.emplace_back(std::move(message), std::move(payload));
        while (held.size() > 20 || (!held.empty() && random.below(4) == 0)) {
            std::swap(held[random.below(held.size())], held.back());
            held.pop_back();
        }
        for (const auto& [kept, expected] : held) ASSERT_EQ(as_text(kept->payload()), expected);
    }
}

TEST(MessageRef, MovesWithoutCounting) {
    MessageRef first = MessageRef::make({.topic = "t"});
    const Message* where = &*first;
    MessageRef second = std::move(first);
    EXPECT_EQ(&*second, where);
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): empty by contract
    MessageRef& same = second;
    second = same;
    EXPECT_EQ(&*second, where);
}

TEST(MessageRef, ComparesTheMessageAndNotItsContent) {
    const MessageRef a = MessageRef::make({.topic = "t"});
    const MessageRef b = MessageRef::make({.topic = "t"});
    EXPECT_FALSE(a == b);
    EXPECT_TRUE(MessageRef() == MessageRef());
}

// The sanitizers see a count that went wrong: freed twice, used after it, or leaked.
TEST(PostedMessage, IsCountedByManyThreadsAtOnce) {
    std::vector<std::thread> threads;
    {
        const MessageRef own = MessageRef::make({.topic = "t", .payload = as_bytes("payload")});
        const MessageRef of_before = own;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([mine = PostedMessage(own)] {
                std::vector<MessageRef> held;
                for (int round = 0; round < 2000; ++round) {
                    held.push_back(mine);
                    if (round % 3 == 0) held.clear();
                }
                EXPECT_EQ(as_text(mine->payload()), "payload");
            });
    }
    for (std::thread& each : threads) each.join();
}

}  // namespace
}  // namespace godwit::broker
