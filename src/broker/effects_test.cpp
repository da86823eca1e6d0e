#include "broker/effects.h"

#include <gtest/gtest.h>

#include <string>

namespace godwit::broker {
namespace {

constexpr ConnectionId kA{1, 1};
constexpr ConnectionId kB{2, 1};

uint32_t put(Effects& fx, std::string_view text) {
    const auto at = uint32_t(fx.arena.size());
    put_text(fx.arena, text);
    return at;
}

MessageRef with_payload(std::string_view payload) {
    return MessageRef::make({.topic = "t", .payload = as_bytes(payload)});
}

/// What goes out on one connection, pieces joined, messages in brackets.
std::string output(const Effects& fx, const Effects::Dirty& dirty) {
    std::string out;
    for (uint32_t at = dirty.first; at != Effects::kNone; at = fx.writes[at].next) {
        const Effects::Write& write = fx.writes[at];
        out += as_text(Bytes(fx.arena).subspan(write.arena_at, write.arena_bytes));
        if (write.message) out += "[" + std::string(as_text(write.message->payload())) + "]";
    }
    return out;
}

TEST(Effects, AskForNothingAtFirst) {
    const Effects fx;
    EXPECT_TRUE(fx.empty());
}

TEST(Effects, ChainTheWritesOfEachConnectionInOrder) {
    Effects fx;
    Effects::Link a, b;
    fx.write(kA, a, put(fx, "a1"), 2);
    fx.write(kB, b, put(fx, "b1"), 2);
    fx.write(kA, a, put(fx, "a2"), 2);
    fx.write(kB, b, put(fx, "b2"), 2);
    fx.write(kA, a, put(fx, "a3"), 2);
    ASSERT_EQ(fx.dirty.size(), 2u);
    EXPECT_EQ(fx.dirty[0].connection, kA);
    EXPECT_EQ(output(fx, fx.dirty[0]), "a1a2a3");
    EXPECT_EQ(fx.dirty[0].bytes, 6u);
    EXPECT_EQ(fx.dirty[1].connection, kB);
    EXPECT_EQ(output(fx, fx.dirty[1]), "b1b2");
    EXPECT_FALSE(fx.empty());
}

TEST(Effects, CountTheOutputOfATurnPayloadsIncluded) {
    Effects fx;
    Effects::Link a, b;
    fx.write(kA, a, put(fx, "a1"), 2, with_payload("12345"));
    fx.write(kB, b, put(fx, "b1"), 2);
    EXPECT_EQ(fx.output_bytes, 9u);
    fx.clear();
    EXPECT_EQ(fx.output_bytes, 0u);
}

TEST(Effects, MergeNeighboursInTheArena) {
    Effects fx;
    Effects::Link link;
    fx.write(kA, link, put(fx, "one"), 3);
    fx.write(kA, link, put(fx, "two"), 3);
    fx.write(kA, link, put(fx, "head"), 4, with_payload("body"));
    EXPECT_EQ(fx.writes.size(), 1u);
    EXPECT_EQ(output(fx, fx.dirty[0]), "onetwohead[body]");
    EXPECT_EQ(fx.dirty[0].bytes, 14u);
}

TEST(Effects, NeverPutBytesBeforeThePayloadThatPrecedesThem) {
    Effects fx;
    Effects::Link link;
    fx.write(kA, link, put(fx, "head"), 4, with_payload("body"));
    fx.write(kA, link, put(fx, "next"), 4);
    EXPECT_EQ(fx.writes.size(), 2u);
    EXPECT_EQ(output(fx, fx.dirty[0]), "head[body]next");
}

TEST(Effects, LetManyConnectionsSendTheSameBytes) {
    Effects fx;
    Effects::Link a, b;
    const uint32_t at = put(fx, "shared");
    fx.write(kA, a, at, 6);
    fx.write(kB, b, at, 6);
    fx.write(kB, b, at, 6);
    EXPECT_EQ(output(fx, fx.dirty[0]), "shared");
    EXPECT_EQ(output(fx, fx.dirty[1]), "sharedshared");
}

TEST(Effects, BeginEachTurnEmptyAndForgetTheLinksOfTheLast) {
    Effects fx;
    Effects::Link a, b;
    fx.write(kA, a, put(fx, "a"), 1);
    fx.write(kB, b, put(fx, "b"), 1);
    const uint64_t turn = fx.turn();
    fx.clear();
    EXPECT_TRUE(fx.empty());
    EXPECT_TRUE(fx.arena.empty());
    EXPECT_TRUE(fx.writes.empty());
    EXPECT_NE(fx.turn(), turn);
    fx.write(kB, b, put(fx, "B"), 1);  // b's link of the last turn pointed at dirty[1]
    ASSERT_EQ(fx.dirty.size(), 1u);
    EXPECT_EQ(fx.dirty[0].connection, kB);
    EXPECT_EQ(output(fx, fx.dirty[0]), "B");
}

TEST(Effects, KeepTheirMemoryFromTurnToTurn) {
    Effects fx;
    Effects::Link link;
    for (int i = 0; i < 100; ++i) fx.write(kA, link, put(fx, "x"), 1, with_payload("y"));
    const size_t writes = fx.writes.capacity(), arena = fx.arena.capacity();
    fx.clear();
    EXPECT_EQ(fx.writes.capacity(), writes);
    EXPECT_EQ(fx.arena.capacity(), arena);
}

TEST(Effects, HoldTheirMessagesUntilTheyAreCleared) {
    Effects fx;
    Effects::Link link;
    {
        const MessageRef gone = with_payload("still here");
        fx.write(kA, link, 0, 0, gone);
    }
    EXPECT_EQ(output(fx, fx.dirty[0]), "[still here]");
}

TEST(Effects, AreNotEmptyWithAnyOneWish) {
    const auto asked = [](auto&& wish) {
        Effects fx;
        wish(fx);
        return !fx.empty();
    };
    EXPECT_TRUE(asked([](Effects& fx) { fx.closes.push_back({kA}); }));
    EXPECT_TRUE(asked([](Effects& fx) { fx.moves.push_back({kA, {1}, {}}); }));
    EXPECT_TRUE(asked([](Effects& fx) { fx.posts.push_back({{1}, PublishConfirm{1}}); }));
    EXPECT_TRUE(asked([](Effects& fx) { fx.auth_requests.emplace_back(); }));
    EXPECT_TRUE(asked([](Effects& fx) { fx.pauses.push_back(kA); }));
    EXPECT_TRUE(asked([](Effects& fx) { fx.resumes.push_back(kA); }));
    EXPECT_TRUE(asked([](Effects& fx) { fx.events.emplace_back(); }));
}

}  // namespace
}  // namespace godwit::broker
