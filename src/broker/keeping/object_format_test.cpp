#include "broker/keeping/object_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::broker {
namespace {

using ::testing::ElementsAre;

SessionRecord session() {
    return {.realm = {1},
            .version = mqtt::Version::V311,
            .ends_with_connection = true,
            .expiry_s = 7,
            .expires = Instant(std::chrono::hours(3)),
            .client_id = "client",
            .username = "user",
            .will = WillRecord{.due = Instant(std::chrono::hours(2)),
                               .delay_s = 5,
                               .qos = mqtt::Qos::ExactlyOnce,
                               .retain = true,
                               .expiry_s = 9,
                               .topic = "will/topic",
                               .forwarded_properties = {},
                               .payload = as_bytes("gone")},
            .unreleased = {{3}, {7}},
            .owed = {{9}, {4}}};
}

MessageParts parts() {
    return {.realm = {1},
            .topic = "a/b",
            .forwarded_properties = as_bytes(std::string_view("\x03\0\4text", 7)),
            .payload = as_bytes("payload"),
            .qos = mqtt::Qos::AtLeastOnce,
            .retain = true,
            .expires = kNever,
            .publisher = 11,
            .stamp = 12,
            .origin = {2},
            .source = Source{"press-7", "ann"}};
}

template <class Record>
Buffer written(const Record& record) {
    Buffer out;
    append_object(out, record);
    return out;
}

TEST(ObjectFormat, ReadsASessionAsItWasWritten) {
    const Buffer bytes = written(session());
    EXPECT_EQ(kind_of(bytes), ObjectKind::Session);
    const auto read = read_session(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->realm.value, 1);
    EXPECT_EQ(read->version, mqtt::Version::V311);
    EXPECT_TRUE(read->ends_with_connection);
    EXPECT_EQ(read->expiry_s, 7u);
    EXPECT_EQ(read->expires, Instant(std::chrono::hours(3)));
    EXPECT_EQ(read->client_id, "client");
    EXPECT_EQ(read->username, "user");
    ASSERT_TRUE(read->will);
    EXPECT_EQ(read->will->due, Instant(std::chrono::hours(2)));
    EXPECT_EQ(read->will->topic, "will/topic");
    EXPECT_EQ(read->will->expiry_s, 9u);
    EXPECT_EQ(as_text(read->will->payload), "gone");
    EXPECT_THAT(read->unreleased, ElementsAre(PacketId{3}, PacketId{7}));
    EXPECT_THAT(read->owed, ElementsAre(PacketId{9}, PacketId{4}));
}

TEST(ObjectFormat, ReadsAMessageAndItsTakersAsTheyWereWritten) {
    Buffer bytes = written(MessageRecord{
        .number = 5, .waiting_shards = 6, .parts = parts(), .taker_count = 2, .takers = {}});
    append_taker(bytes, {.owner = {8}, .qos = mqtt::Qos::AtLeastOnce, .packet_id = {77}});
    append_taker(bytes, {.owner = {9},
                         .retain = true,
                         .qos = mqtt::Qos::ExactlyOnce,
                         .subscription_ids = {1, 268'435'455},
                         .loan = GroupLoan{{3}, {4}}});
    const auto read = read_message(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->number, 5u);
    EXPECT_EQ(read->waiting_shards, 6u);
    EXPECT_EQ(read->parts.topic, "a/b");
    EXPECT_EQ(as_text(read->parts.payload), "payload");
    EXPECT_EQ(read->parts.forwarded_properties.size(), 7u);
    EXPECT_EQ(read->parts.expires, kNever);
    EXPECT_EQ(read->parts.source, parts().source);
    Bytes takers = read->takers;
    const auto first = read_taker(takers);
    const auto second = read_taker(takers);
    ASSERT_TRUE(first && second);
    EXPECT_TRUE(takers.empty());
    EXPECT_EQ(first->packet_id.value, 77);
    EXPECT_FALSE(first->loan);
    EXPECT_THAT(second->subscription_ids, ElementsAre(1u, 268'435'455u));
    EXPECT_EQ(second->loan->home.value, 3);
}

TEST(ObjectFormat, SaysWhoPublishedWhereThatIsKnown) {
    for (const std::optional<Source>& source :
         {std::optional<Source>(), std::optional(Source{"press-7", std::nullopt}),
          std::optional(Source{"press-7", ""})}) {
        MessageParts kept = parts();
        kept.source = source;
        Buffer bytes;
        append_retained(bytes, kept);
        EXPECT_EQ(read_retained(bytes)->source, source);
    }
}

TEST(ObjectFormat, ReadsNoObjectThatIsCutOffOrTooLong) {
    const auto whole = [](const Buffer& bytes) {
        return read_session(bytes) || read_subscription(bytes) || read_retained(bytes) ||
               read_group(bytes) || read_crossing(bytes) || read_clock(bytes);
    };
    std::vector<Buffer> objects = {
        written(session()),
        written(
            SubscriptionRecord{.session = {1}, .membership = 1, .share = "share", .filter = "a/+"}),
        written(SubscriptionRecord{.session = {1}, .share = {}, .filter = "a/#"}),
        written(GroupRecord{{}, "share", "a/#"}),
        written(ClockRecord{Instant(std::chrono::hours(1)), {1000}, 5}),
        {},
        {}};
    append_retained(objects[5], parts());
    append_crossing(objects[6], {1, 2, 3});
    for (Buffer& bytes : objects) {
        EXPECT_TRUE(whole(bytes)) << kind_name(kind_of(bytes));
        for (size_t size = 0; size < bytes.size(); ++size)
            EXPECT_FALSE(whole(Buffer(bytes.begin(), bytes.begin() + ptrdiff_t(size)))) << size;
        bytes.push_back(0);
        EXPECT_FALSE(whole(bytes));
    }
}

TEST(ObjectFormat, ReadsNoSessionThatMeansNothing) {
    const auto refused = [](auto change) {
        SessionRecord record = session();
        change(record);
        return !read_session(written(record));
    };
    EXPECT_FALSE(refused([](SessionRecord&) {}));
    EXPECT_TRUE(refused([](SessionRecord& r) { r.version = mqtt::Version(6); }));
    EXPECT_TRUE(refused([](SessionRecord& r) { r.client_id = ""; }));
    EXPECT_TRUE(refused([](SessionRecord& r) { r.client_id = "\xff"; }));
    EXPECT_TRUE(refused([](SessionRecord& r) { r.username = "\xff"; }));
    EXPECT_TRUE(refused([](SessionRecord& r) { r.expires = Instant(Duration(-1)); }));
    EXPECT_TRUE(refused([](SessionRecord& r) { r.unreleased = {{0}}; }));
    EXPECT_TRUE(refused([](SessionRecord& r) { r.unreleased = {{7}, {3}}; }));
    EXPECT_TRUE(refused([](SessionRecord& r) { r.owed = {{7}, {3}, {7}}; }));
    EXPECT_TRUE(refused([](SessionRecord& r) { r.will->qos = mqtt::Qos(3); }));
    EXPECT_TRUE(refused([](SessionRecord& r) { r.will->topic = "a/+"; }));
    EXPECT_TRUE(refused([](SessionRecord& r) { r.will->due = Instant::min(); }));
}

TEST(ObjectFormat, ReadsNoMessageThatMeansNothing) {
    const auto refused = [](auto change) {
        MessageParts changed = parts();
        change(changed);
        Buffer bytes;
        append_retained(bytes, changed);
        return !read_retained(bytes);
    };
    EXPECT_FALSE(refused([](MessageParts&) {}));
    EXPECT_TRUE(refused([](MessageParts& p) { p.topic = ""; }));
    EXPECT_TRUE(refused([](MessageParts& p) { p.topic = "a/#"; }));
    EXPECT_TRUE(refused([](MessageParts& p) { p.qos = mqtt::Qos(3); }));
    EXPECT_TRUE(refused([](MessageParts& p) { p.payload = {}; }));
    EXPECT_TRUE(refused([](MessageParts& p) { p.source = Source{"\xff", "ann"}; }));
    EXPECT_TRUE(refused([](MessageParts& p) { p.source = Source{"press-7", "\xff"}; }));
    EXPECT_TRUE(refused([](MessageParts& p) { p.expires = Instant(Duration(-1)); }));
    for (const char* properties : {"\x03", "\x03\xff\xff", "\x7f", "\x23\x01\x01", "\x0b\x01"})
        EXPECT_TRUE(
            refused([&](MessageParts& p) { p.forwarded_properties = as_bytes(properties); }));
}

TEST(ObjectFormat, ReadsNoSubscriptionGroupTakerOrNoteThatMeansNothing) {
    const auto subscription = [](mqtt::SubscriptionOptions options, std::string_view share,
                                 std::string_view filter, uint32_t id) {
        return read_subscription(written(SubscriptionRecord{.session = {1},
                                                            .subscription_id = id,
                                                            .options = options,
                                                            .share = share,
                                                            .filter = filter}))
            .has_value();
    };
    EXPECT_TRUE(subscription({}, {}, "$share/a", 268'435'455));
    EXPECT_FALSE(subscription({}, {}, "a", 268'435'456));
    EXPECT_FALSE(subscription({.qos = mqtt::Qos(3)}, {}, "a", 0));
    EXPECT_FALSE(subscription({}, "share", "a", 0)) << "a membership without its number";
    EXPECT_FALSE(subscription({.retain_handling = mqtt::RetainHandling(3)}, {}, "a", 0));
    EXPECT_FALSE(subscription({}, {}, "a+", 0));
    EXPECT_FALSE(subscription({}, "a/b", "a", 0));
    EXPECT_FALSE(read_group(written(GroupRecord{{}, "", "a"})));
    EXPECT_FALSE(read_group(written(GroupRecord{{}, "a", "#/a"})));
    const auto taker = [](const TakerRecord& record) {
        Buffer bytes;
        append_taker(bytes, record);
        Bytes rest = bytes;
        return read_taker(rest).has_value();
    };
    EXPECT_FALSE(taker({.owner = {1}, .qos = mqtt::Qos(3)}));
    EXPECT_FALSE(taker({.owner = {1}, .qos = mqtt::Qos::AtMostOnce, .packet_id = {1}}));
    EXPECT_FALSE(taker({.owner = {1}, .subscription_ids = {268'435'456}}));
    EXPECT_FALSE(taker({.owner = {1}, .subscription_ids = {0}}));
    const auto note = [](const Note& record) {
        Buffer bytes;
        append_note(bytes, record);
        return read_note(bytes).has_value();
    };
    EXPECT_TRUE(note({.kind = Note::Kind::Confirmed, .shard = {63}}));
    EXPECT_FALSE(note({.kind = Note::Kind::Confirmed, .shard = {64}}));
    EXPECT_FALSE(note({.kind = Note::Kind::Sent, .packet_id = {0}}));
    EXPECT_FALSE(note({.kind = Note::Kind::Owed, .packet_id = {0}}));
}

TEST(ObjectFormat, StartsNoClockSoLateThatDeadlinesEnd) {
    const auto read = read_clock(written(ClockRecord{Instant::max(), {1000}, 5}));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->now, kClockMax);
    EXPECT_FALSE(read_clock(written(ClockRecord{Instant(Duration(-1)), {1000}, 5})));
    EXPECT_FALSE(read_clock(written(ClockRecord{Instant{}, {-1}, 5})));
}

}  // namespace
}  // namespace godwit::broker
