#include "server/callout_cache.h"

#include <gtest/gtest.h>

namespace godwit::server {
namespace {

using Kind = auth::CalloutAnswer::Kind;
using std::chrono::seconds;

constexpr Instant kStart{seconds(1000)};

CalloutReply allow(std::string site = "north") {
    return {.kind = Kind::Allow, .claims = {{"site", std::move(site)}}, .realm = {}};
}

TEST(CalloutCache, AnAnswerHoldsUntilItsTimeAndNoLonger) {
    CalloutCache cache;
    EXPECT_EQ(cache.find("a", kStart), nullptr);
    cache.keep("a", allow(), kStart + seconds(10));
    const CalloutReply* kept = cache.find("a", kStart + seconds(9));
    ASSERT_NE(kept, nullptr);
    EXPECT_EQ(kept->kind, Kind::Allow);
    EXPECT_EQ(kept->claims[0].value, "north");
    EXPECT_EQ(cache.find("a", kStart + seconds(10)), nullptr);
    EXPECT_EQ(cache.find("b", kStart), nullptr);
}

TEST(CalloutCache, NothingIsUsedBeyondWhatItSaysItself) {
    CalloutCache cache;
    CalloutReply short_lived = allow();
    short_lived.expires = kStart + seconds(2);
    cache.keep("a", short_lived, kStart + seconds(10));
    EXPECT_NE(cache.find("a", kStart + seconds(1)), nullptr);
    EXPECT_EQ(cache.find("a", kStart + seconds(2)), nullptr);
}

TEST(CalloutCache, TheYoungerAnswerStands) {
    CalloutCache cache;
    cache.keep("a", allow("north"), kStart + seconds(10));
    cache.keep("a", allow("south"), kStart + seconds(20));
    EXPECT_EQ(cache.size(), 1u);
    EXPECT_EQ(cache.find("a", kStart + seconds(15))->claims[0].value, "south");
}

TEST(CalloutCache, ForgetsAll) {
    CalloutCache cache;
    cache.keep("a", allow(), kStart + seconds(10));
    cache.clear();
    EXPECT_EQ(cache.find("a", kStart), nullptr);
}

TEST(CalloutCache, TheOldestMakesRoomForTheNewest) {
    CalloutCache cache;
    const std::string large(8 * 1024, 'x');
    const size_t enough = CalloutCache::kBytesMax / large.size() + 1;
    for (size_t i = 0; i < enough; ++i)
        cache.keep(std::to_string(i), allow(large), kStart + seconds(10));
    EXPECT_LT(cache.size(), enough);
    EXPECT_GT(cache.size(), enough * 8 / 10);
    EXPECT_EQ(cache.find("0", kStart), nullptr);
    EXPECT_NE(cache.find(std::to_string(enough - 1), kStart), nullptr);
}

TEST(CalloutCache, AnAnswerThatIsRenewedTakesNobodysPlace) {
    CalloutCache cache;
    cache.keep("other", allow(), kStart + seconds(10));
    for (int i = 0; i < 1000; ++i) cache.keep("again", allow(), kStart + seconds(10));
    EXPECT_NE(cache.find("again", kStart), nullptr);
    EXPECT_NE(cache.find("other", kStart), nullptr);
    EXPECT_EQ(cache.size(), 2u);
}

}  // namespace
}  // namespace godwit::server
