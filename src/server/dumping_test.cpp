#include "server/dumping.h"

#include "base/json.h"
#include "broker/testing/small_broker.h"
#include "broker/testing/store_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::server {
namespace {

using broker::testing::shard_folders;
using broker::testing::SmallBroker;
using mqtt::Qos;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class Dumping : public ::testing::Test {
protected:
    Dumping() { EXPECT_TRUE(broker_.open()); }
    size_t connect(std::string_view client_id) {
        return broker_.connect(
            {.clean_start = false, .client_id = client_id, .session_expiry_s = 3600});
    }
    void publish(size_t client, std::string_view topic, std::string_view payload,
                 bool retain = false) {
        broker_.publish(
            client, {.qos = Qos::AtLeastOnce, .retain = retain, .topic = topic, .packet_id = {7}},
            payload);
        broker_.settle();
    }
    std::vector<std::string> lines(const DumpOptions& options = {}) {
        broker_.kill();
        std::vector<std::string> out;
        const auto dumped =
            dump(broker_.disk, shard_folders(1), options, [&](std::string_view line) {
                EXPECT_TRUE(is_json(line)) << line;
                EXPECT_TRUE(line.ends_with('\n'));
                out.emplace_back(line.substr(0, line.size() - 1));
                return true;
            });
        EXPECT_TRUE(dumped && !dumped->is_damaged && dumped->lines == out.size());
        return out;
    }
    SmallBroker broker_{1};
};

TEST_F(Dumping, ShowsASessionAndWhatItIsOwedInOrder) {
    const size_t reader = connect("reader");
    broker_.subscribe(reader, "a/#", Qos::AtLeastOnce, 5);
    broker_.settle();
    broker_.clients[reader].answers = false;
    const size_t writer = connect("writer");
    publish(writer, "a/1", "first");
    broker_.cut(reader);
    publish(writer, "a/2", "second");
    publish(writer, "a/3", std::string("\xff\0", 2));
    EXPECT_THAT(
        lines({.retained = false, .client_id = "reader"}),
        ElementsAre(
            R"({"type":"session","client_id":"reader","protocol":"5.0","expiry_s":3600,"online":false,)"
            R"("expires_in_s":3600,"unreleased":[],"pubrel_owed":[],"inflight":[1],"queued":2,)"
            R"("subscriptions":[{"filter":"a/#","qos":1,"no_local":false,"retain_as_published":false,)"
            R"("retain_handling":0,"id":5}]})",
            R"({"type":"message","client_id":"reader","topic":"a/1","qos":1,"retain":false,"mid":1,)"
            R"("payloadlen":5,"payload":"first"})",
            R"({"type":"message","client_id":"reader","topic":"a/2","qos":1,"retain":false,)"
            R"("payloadlen":6,"payload":"second"})",
            R"({"type":"message","client_id":"reader","topic":"a/3","qos":1,"retain":false,)"
            R"("payloadlen":2,"payload_base64":"/wA="})"));
}

TEST_F(Dumping, ShowsWillsAndPacketIdsThatAreNotFree) {
    const mqtt::Will will{.topic = "will", .payload = as_bytes("gone"), .delay_s = 60};
    const size_t client = broker_.connect({.clean_start = false,
                                           .client_id = "c",
                                           .will = will,
                                           .username = "user",
                                           .session_expiry_s = 3600});
    broker_.clients[client].answers = false;
    broker_.publish(client, {.qos = Qos::ExactlyOnce, .topic = "a", .packet_id = {9}}, "x");
    broker_.settle();
    EXPECT_THAT(
        lines(),
        ElementsAre(AllOf(
            HasSubstr(
                R"("username":"user","expiry_s":3600,"online":true,"will":{"topic":"will","qos":0,)"
                R"("retain":false,"delay_s":60,"payloadlen":4,"payload":"gone"})"),
            HasSubstr(R"("unreleased":[9],"pubrel_owed":[],"inflight":[],"queued":0)"))));
}

TEST_F(Dumping, ShowsGroupsAndRetainedMessages) {
    const size_t member = connect("member");
    broker_.subscribe(member, "$share/s/a", Qos::AtLeastOnce);
    broker_.settle();
    broker_.cut(member);
    publish(connect("writer"), "a", "x", true);
    EXPECT_THAT(
        lines(),
        ElementsAre(
            HasSubstr(R"("subscriptions":[{"share":"s","filter":"a",)"),
            HasSubstr(R"("client_id":"writer")"),
            R"({"type":"group","share":"s","filter":"a","queued":1})",
            R"({"type":"message","share":"s","filter":"a","topic":"a","qos":1,"retain":false,"payloadlen":1,)"
            R"("payload":"x"})",
            R"({"type":"retained","topic":"a","qos":1,"payloadlen":1,"payload":"x"})"));
}

TEST_F(Dumping, ShowsOnlyWhatIsAskedFor) {
    const size_t reader = connect("reader");
    broker_.subscribe(reader, "a", Qos::AtLeastOnce);
    broker_.settle();
    broker_.cut(reader);
    publish(connect("writer"), "a", "x", true);
    EXPECT_THAT(lines({.queues = false, .retained = false}),
                AllOf(SizeIs(2), Each(StartsWith(R"({"type":"session")"))));
    EXPECT_THAT(lines({.sessions = false, .retained = false}),
                ElementsAre(StartsWith(R"({"type":"message","client_id":"reader")")));
    EXPECT_THAT(lines({.sessions = false, .queues = false}),
                ElementsAre(StartsWith(R"({"type":"retained")")));
    EXPECT_THAT(lines({.client_id = "nobody"}), IsEmpty());
}

TEST_F(Dumping, EndsWhenNobodyListens) {
    connect("one");
    connect("two");
    broker_.kill();
    int calls = 0;
    const auto dumped =
        dump(broker_.disk, shard_folders(1), {}, [&](std::string_view) { return ++calls < 1; });
    ASSERT_TRUE(dumped);
    EXPECT_EQ(calls, 1);
}

TEST_F(Dumping, ShowsWhatIsSoundOfADamagedStore) {
    for (const char* each : {"one", "two", "three"}) connect(each);
    broker_.kill();
    const auto before =
        dump(broker_.disk, shard_folders(1), {}, [](std::string_view) { return true; });
    ASSERT_TRUE(before);
    EXPECT_EQ(before->lines, 3u);
    broker_.disk.rot("shard-0/segment-00000001", 4096 + 60, 4096 + 61, 1);
    const auto after =
        dump(broker_.disk, shard_folders(1), {}, [](std::string_view) { return true; });
    ASSERT_TRUE(after);
    EXPECT_TRUE(after->is_damaged);
    EXPECT_EQ(after->lines, 2u);
}

}  // namespace
}  // namespace godwit::server
