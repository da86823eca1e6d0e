#include "bench/layout.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace godwit::bench {
namespace {

/// Every mix of more, fewer and as many publishers, subscribers and topics.
std::vector<Layout> all_kinds() {
    constexpr uint32_t kCounts[] = {1, 2, 3, 7, 12};
    std::vector<Layout> out;
    for (uint32_t i = 0; i < 250; ++i)
        out.push_back({.publishers = kCounts[i % 5],
                       .subscribers = kCounts[i / 5 % 5],
                       .topics = kCounts[i / 25 % 5],
                       .wildcard = i >= 125});
    return out;
}

std::string text(const Layout& l) {
    return std::to_string(l.publishers) + " publishers, " + std::to_string(l.subscribers) +
           " subscribers, " + std::to_string(l.topics) + " topics" + (l.wildcard ? ", all" : "");
}

void expect_no_gaps(const Layout& l, uint32_t p) {
    std::map<uint32_t, uint64_t> next;
    for (uint64_t n = 0; n < 50; ++n) {
        const Layout::Place place = l.place_of(p, n);
        ASSERT_LT(place.stream, l.streams());
        ASSERT_EQ(l.publisher_of(place.stream), p);
        ASSERT_EQ(place.sequence, next[place.stream]++);
        for (const auto& [stream, count] : next) ASSERT_EQ(l.in_stream(stream, n + 1), count);
    }
    EXPECT_EQ(next.size(), l.streams_of_publisher(p));
}

TEST(Layout, StreamsOfAPublisherAreNumberedWithoutGaps) {
    for (const Layout& l : all_kinds()) {
        SCOPED_TRACE(text(l));
        for (uint32_t p = 0; p < l.publishers; ++p) expect_no_gaps(l, p);
    }
}

TEST(Layout, EveryTopicHasAPublisher) {
    for (const Layout& l : all_kinds()) {
        SCOPED_TRACE(text(l));
        std::set<uint32_t> topics;
        for (uint32_t s = 0; s < l.streams(); ++s) topics.insert(l.topic_of(s));
        EXPECT_EQ(topics.size(), l.topics);
    }
}

TEST(Layout, ReceiversAreThoseWhoSubscribe) {
    for (const Layout& l : all_kinds()) {
        SCOPED_TRACE(text(l));
        std::map<uint32_t, uint32_t> takers;
        for (uint32_t r = 0; r < l.subscribers; ++r)
            for (uint32_t k = 0; k < (l.wildcard ? l.topics : l.topics_of_subscriber(r)); ++k)
                ++takers[l.wildcard ? k : l.topic_of_subscriber(r, k)];
        EXPECT_EQ(takers.size(), l.topics);
        for (uint32_t t = 0; t < l.topics; ++t) EXPECT_EQ(l.receivers_of(t), takers[t]) << t;
    }
}

void expect_distinct_indices(const Layout& l, uint32_t r) {
    std::set<uint32_t> indices;
    for (uint32_t s = 0; s < l.streams(); ++s) {
        if (!l.is_received_by(s, r)) continue;
        const uint32_t index = l.index_of(s, r);
        ASSERT_LT(index, l.indices_of_subscriber(r));
        ASSERT_TRUE(indices.insert(index).second);
        ASSERT_EQ(l.stream_at(index, r), s);
    }
    for (uint32_t i = 0; i < l.indices_of_subscriber(r); ++i) {
        const bool is_used = l.stream_at(i, r) < l.streams();
        ASSERT_EQ(is_used, indices.contains(i)) << i;
    }
}

TEST(Layout, IndicesOfASubscriberAreDistinctAndLeadBack) {
    for (const Layout& l : all_kinds()) {
        SCOPED_TRACE(text(l));
        for (uint32_t r = 0; r < l.subscribers; ++r) expect_distinct_indices(l, r);
    }
}

TEST(Layout, OneOfASharedGroupGetsEachMessage) {
    const Layout l{
        .publishers = 5, .subscribers = 9, .topics = 5, .wildcard = true, .shared = true};
    EXPECT_EQ(l.receivers_of(3), 1u);
}

TEST(Layout, WithoutSubscribersNobodyReceives) {
    EXPECT_EQ((Layout{.publishers = 2, .topics = 4}.receivers_of(1)), 0u);
}

}  // namespace
}  // namespace godwit::bench
