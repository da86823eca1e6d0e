// MQTT 5.0 sections 3.8 to 3.12: SUBSCRIBE, UNSUBSCRIBE, PINGREQ and their answers.
#include "conformance/conformance.h"

namespace godwit::conformance {
namespace {

GW_STATEMENT("MQTT5-3.8.1-1 MQTT5-3.10.1-1", OtherHeaderFlagsAreMalformed) {
    World world(seed());
    for (const char* rest : {"# 0001 () 't' 00", "# 0001 () 't'"}) {
        const bool subscribe = std::string_view(rest).ends_with("00");
        for (const char* flags : {"0", "1", "3", "4", "a", "f"}) {
            auto client = world.connect("c");
            client.push(packet(std::string(subscribe ? "8" : "a") + flags + rest));
            expect_disconnect(client, R::MalformedPacket);
        }
    }
}

GW_STATEMENT("MQTT5-3.8.3-1 MQTT5-3.10.3-1", FiltersAreUtf8) {
    World world(seed());
    for (const char* bytes : {"82 # 0001 () 0002 c328 00", "a2 # 0001 () 0002 c328"}) {
        auto client = world.connect("c");
        client.push(packet(bytes));
        expect_disconnect(client, R::MalformedPacket);
    }
}

GW_STATEMENT("MQTT5-3.8.3-2 MQTT5-3.10.3-2", AtLeastOneFilterIsNeeded) {
    World world(seed());
    for (const char* bytes : {"82 # 0001 ()", "a2 # 0001 ()"}) {
        auto client = world.connect("c");
        client.push(packet(bytes));
        expect_disconnect(client, R::ProtocolError);
    }
    auto client = world.connect("c");
    client.push(packet("82 # 0001 () 't'"));  // options are missing
    expect_disconnect(client, R::MalformedPacket);
}

GW_STATEMENT("MQTT5-3.8.3-3", NoLocalKeepsOwnMessagesAway) {
    World world(seed());
    auto client = world.connect("c").subscribe("t", {.qos = 1, .no_local = true});
    auto other = world.connect("o").subscribe("t", {.qos = 1});
    client.publish("t", "own", {.qos = 1});
    other.publish("t", "other", {.qos = 1});
    EXPECT_EQ(client.received(), Messages{"other"});
    EXPECT_EQ(other.received(), (Messages{"own", "other"}));
}

GW_STATEMENT("MQTT5-3.8.3-3", NoLocalHoldsForRetainedMessagesAndOtherConnectionsOfTheId) {
    World world(seed());
    auto client = world.connect("c", lasting());
    client.publish("t", "own", {.qos = 1, .retain = true});
    client.subscribe("t", {.qos = 1, .no_local = true}).resume();
    client.publish("t", "own again", {.qos = 1}).publish("mark", "");
    EXPECT_EQ(client.received(), Messages{});
}

GW_STATEMENT("MQTT5-3.8.3-3", NoLocalOfOneSubscriptionDoesNotSpeakForAnother) {
    World world(seed());
    auto client = world.connect("c");
    client.subscribe("a/#", {.qos = 1, .no_local = true, .id = 1}).subscribe("a/b", {.id = 2});
    client.publish("a/b", "x", {.qos = 1});
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].subscription_ids, std::vector<uint32_t>{2});
}

GW_STATEMENT("MQTT5-3.8.3-4", NoLocalOnASharedSubscriptionIsAProtocolError) {
    World world(seed());
    auto client = world.connect("c");
    client.subscribe("$share/g/t", {.no_local = true});
    expect_disconnect(client, R::ProtocolError);
}

GW_STATEMENT("MQTT5-3.8.3-5", ReservedOptionBitsAreMalformed) {
    World world(seed());
    for (const char* options : {"40", "80", "c0", "41"}) {
        auto client = world.connect("c");
        client.push(packet("82 # 0001 () 't' " + std::string(options)));
        expect_disconnect(client, R::MalformedPacket);
    }
    for (const char* options : {"03", "30"}) {  // QoS 3, retain handling 3
        auto client = world.connect("c");
        client.push(packet("82 # 0001 () 't' " + std::string(options)));
        EXPECT_TRUE(client.closes());
        EXPECT_TRUE(client.disconnect_reason() == R::MalformedPacket ||
                    client.disconnect_reason() == R::ProtocolError);
    }
}

GW_STATEMENT("MQTT5-3.8.4-1", EverySubscribeIsAnswered) {
    World world(seed());
    auto client = world.connect("c");
    for (int i = 0; i < 5; ++i) client.subscribe("t/" + std::to_string(i));
    EXPECT_EQ(client.count(Type::Suback), 5u);
}

GW_STATEMENT("MQTT5-3.8.4-3", SameFilterReplacesTheSubscription) {
    World world(seed());
    auto client = world.connect("c");
    client.subscribe("t", {.qos = 0, .retain_as_published = true, .id = 1});
    client.subscribe("t", {.qos = 2, .id = 2});
    client.publish("t", "x", {.qos = 2, .retain = true});
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].qos, Qos::ExactlyOnce);
    EXPECT_EQ(got[0].subscription_ids, std::vector<uint32_t>{2});
    EXPECT_FALSE(got[0].retain);
    client.unsubscribe("t").publish("t", "y");
    EXPECT_EQ(client.received(), Messages{});
}

GW_STATEMENT("MQTT5-3.8.4-4", SubscribingAgainSendsRetainedAndLosesNothing) {
    World world(seed());
    auto publisher = world.connect("p");
    publisher.publish("t", "kept", {.qos = 1, .retain = true});
    auto client = world.connect("c").subscribe("t", {.qos = 1});
    Buffer subscribe = packet("82 # 0063 () 't' 01");
    client.push(subscribe);  // and in the middle of it, more messages
    for (int i = 0; i < 20; ++i) publisher.publish("t", std::to_string(i), {.qos = 1});
    auto got = client.received();
    EXPECT_EQ(std::count(got.begin(), got.end(), "kept"), 2);
    std::erase(got, "kept");
    Messages all;
    for (int i = 0; i < 20; ++i) all.push_back(std::to_string(i));
    EXPECT_EQ(got, all);
}

GW_STATEMENT("MQTT5-3.8.4-5 MQTT5-3.8.4-6 MQTT5-3.9.3-1 MQTT5-3.8.4-7",
             SeveralFiltersGetOneSubackWithACodeEach) {
    World world(seed());
    auto client = world.connect("c");
    client.push(packet("82 # 0001 () 'a' 02 'b' 00 'c' 01 'a' 01"));
    EXPECT_EQ(client.suback(), (Codes{R::GrantedQos2, R::Success, R::GrantedQos1, R::GrantedQos1}));
    EXPECT_EQ(client.count(Type::Suback), 1u);
    client.publish("a", "1", {.qos = 2}).publish("b", "2", {.qos = 2});
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 2u);
    EXPECT_EQ(got[0].qos, Qos::AtLeastOnce);  // the last of the two counts
    EXPECT_EQ(got[1].qos, Qos::AtMostOnce);
}

GW_STATEMENT_CORE("MQTT5-3.8.4-7 MQTT5-3.9.3-1 MQTT5-3.9.3-2 MQTT5-3.11.3-2",
                  RefusedFiltersGetAFailureCodeInTheirPlace) {
    World world(seed(), {.options = {.limits = {.topic_levels_max = 3, .subscriptions_max = 2}}});
    world.core().set_acl("pattern readwrite open/#\npattern deny closed/#\n");
    auto client = world.connect("c");
    client.subscribe({"open/1", "closed/1", "open/2/3/4", "open/2", "open/3"}, {.qos = 1});
    EXPECT_EQ(client.suback(), (Codes{R::GrantedQos1, R::NotAuthorized, R::TopicFilterInvalid,
                                      R::GrantedQos1, R::QuotaExceeded}));
    for (const R code : client.suback())
        EXPECT_TRUE(mqtt::is_listed(code, Type::Suback, mqtt::Sender::Server));
    client.subscribe("open/1", {.qos = 0});  // a replacement needs no more room
    EXPECT_EQ(client.suback(), Codes{R::Success});
    client.unsubscribe({"closed/1", "open/1", "open/1"});
    EXPECT_EQ(client.unsuback(),
              (Codes{R::NoSubscriptionExisted, R::Success, R::NoSubscriptionExisted}));
}

GW_STATEMENT("MQTT5-3.8.4-8 MQTT5-3.8.4-7", DeliveredQosIsTheLesserOfTheTwo) {
    World world(seed());
    auto publisher = world.connect("p");
    for (const uint8_t granted : {0, 1, 2}) {
        auto client = world.connect("c").subscribe("t", {.qos = granted});
        EXPECT_EQ(client.suback(), Codes{R(granted)});
        for (const uint8_t published : {0, 1, 2}) {
            publisher.publish("t", "x", {.qos = published});
            const auto got = client.publishes();
            ASSERT_EQ(got.size(), 1u);
            EXPECT_EQ(got[0].qos, Qos(std::min(granted, published)));
        }
        client.disconnect();
    }
}

GW_STATEMENT("MQTT5-3.8.4-8", RetainedMessagesFollowTheGrantedQos) {
    World world(seed());
    world.connect("p").publish("t", "x", {.qos = 2, .retain = true});
    for (const uint8_t granted : {0, 1, 2}) {
        auto client = world.connect("c" + std::to_string(granted));
        client.subscribe("t", {.qos = granted});
        const auto got = client.publishes();
        ASSERT_EQ(got.size(), 1u);
        EXPECT_EQ(got[0].qos, Qos(granted));
    }
}

GW_STATEMENT("MQTT5-3.9.2-1 MQTT5-3.9.2-2 MQTT5-3.11.2-1 MQTT5-3.11.2-2",
             SubackAndUnsubackFitTheClientsPacketSize) {
    World world(seed());  // whose clients check the size of whatever comes
    auto client = world.connect("c", {.packet_bytes_max = 40});
    client.subscribe({"a", "b", "$share/g/a"}).unsubscribe({"a", "x"});
    EXPECT_LE(client.last(Type::Suback)->size(), 8u);
    EXPECT_LE(client.last(Type::Unsuback)->size(), 7u);
}

GW_STATEMENT("MQTT5-3.1.2-24", SubackThatCannotFitEndsTheConnection) {
    World world(seed());
    auto client = world.connect("c", {.packet_bytes_max = 40});
    Buffer body = packet("0001 00");
    for (int i = 0; i < 50; ++i) put_bytes(body, packet("'t' 00"));
    Buffer subscribe{0x82};
    mqtt::put_varint(subscribe, uint32_t(body.size()));
    put_bytes(subscribe, body);
    client.push(subscribe);
    expect_disconnect(client, R::PacketTooLarge);
}

GW_STATEMENT("MQTT5-3.10.4-1", UnsubscribeComparesCharacterByCharacter) {
    World world(seed());
    auto client = world.connect("c").subscribe({"a/+", "a/b"});
    client.unsubscribe({"a/#", "A/b", "a/b/", "+/b", "$share/g/a/b"});
    EXPECT_EQ(client.unsuback(), Codes(5, R::NoSubscriptionExisted));
    client.publish("a/b", "1");
    EXPECT_EQ(client.received(), Messages{"1"});
    client.unsubscribe("a/b").publish("a/b", "2");
    EXPECT_EQ(client.received(), Messages{"2"});  // by a/+
    client.unsubscribe("a/+").publish("a/b", "3");
    EXPECT_EQ(client.received(), Messages{});
}

GW_STATEMENT("MQTT5-3.10.4-2", NothingNewIsDeliveredAfterUnsuback) {
    World world(seed());
    auto client = world.connect("c").subscribe("t", {.qos = 1});
    auto publisher = world.connect("p").publish("t", "1", {.qos = 1});
    client.unsubscribe("t");
    publisher.publish("t", "2", {.qos = 1});
    EXPECT_EQ(client.received(), Messages{"1"});
}

GW_STATEMENT("MQTT5-3.10.4-3", DeliveryThatHasBegunIsCompleted) {
    World world(seed());
    auto client = world.connect("c", by_hand(lasting())).subscribe("t", {.qos = 2});
    auto publisher = world.connect("p");
    publisher.publish("t", "1", {.qos = 1}).publish("t", "2", {.qos = 2});
    EXPECT_EQ(client.received(), (Messages{"1", "2"}));
    client.unsubscribe("t").resume();
    const auto again = client.publishes();
    ASSERT_EQ(again.size(), 2u);
    EXPECT_TRUE(again[0].dup);
    client.pubrec(2);
    EXPECT_EQ(client.count(Type::Pubrel), 1u);
}

GW_STATEMENT("MQTT5-3.10.4-4 MQTT5-3.10.4-5", UnsubscribeIsAnsweredThoughNothingMatched) {
    World world(seed());
    auto client = world.connect("c").unsubscribe("never");
    EXPECT_EQ(client.unsuback(), Codes{R::NoSubscriptionExisted});
}

GW_STATEMENT("MQTT5-3.10.4-6 MQTT5-3.11.3-1 MQTT5-3.11.3-2", OneUnsubackForSeveralFilters) {
    World world(seed());
    auto client = world.connect("c").subscribe({"a", "b", "$share/g/c"});
    client.unsubscribe({"x", "a", "$share/g/c", "a"});
    EXPECT_EQ(client.unsuback(),
              (Codes{R::NoSubscriptionExisted, R::Success, R::Success, R::NoSubscriptionExisted}));
    EXPECT_EQ(client.count(Type::Unsuback), 1u);
    client.publish("a", "1").publish("b", "2").publish("c", "3");
    EXPECT_EQ(client.received(), Messages{"2"});
}

GW_STATEMENT("MQTT5-3.12.4-1", PingIsAnswered) {
    World world(seed());
    auto client = world.connect("c").ping().ping();
    EXPECT_EQ(client.count(Type::Pingresp), 2u);
}

// --- 4.7: topic names and filters ---

GW_STATEMENT("MQTT5-4.7.1-1 MQTT5-4.7.1-2", MisplacedWildcardIsRefused) {
    World world(seed());
    for (const char* filter : {"a#", "#/a", "a/#/b", "##", "a+", "+a", "a/b+/c", "++"}) {
        for (const bool unsubscribe : {false, true}) {
            auto client = world.connect("c");
            if (unsubscribe)
                client.unsubscribe(filter);
            else
                client.subscribe(filter);
            EXPECT_TRUE(client.closes()) << filter;
            EXPECT_TRUE(client.disconnect_reason() == R::MalformedPacket ||
                        client.disconnect_reason() == R::TopicFilterInvalid);
        }
    }
}

GW_STATEMENT("MQTT5-4.7.1-1 MQTT5-4.7.1-2", WildcardsMatchWholeLevels) {
    World world(seed());
    const auto topics = [&](std::string_view filter) {
        auto client = world.connect("c").subscribe(filter);
        for (const char* topic :
             {"sport", "sport/", "sport/tennis", "sport/tennis/1", "/sport", "x"})
            client.publish(topic, topic);
        return client.received();
    };
    EXPECT_EQ(topics("sport/#"), (Messages{"sport", "sport/", "sport/tennis", "sport/tennis/1"}));
    EXPECT_EQ(topics("sport/+"), (Messages{"sport/", "sport/tennis"}));
    EXPECT_EQ(topics("+"), (Messages{"sport", "x"}));
    EXPECT_EQ(topics("+/+"), (Messages{"sport/", "sport/tennis", "/sport"}));
    EXPECT_EQ(topics("/+"), Messages{"/sport"});
    EXPECT_EQ(topics("sport/+/+"), Messages{"sport/tennis/1"});
    EXPECT_EQ(topics("#").size(), 6u);
}

GW_STATEMENT("MQTT5-4.7.2-1", WildcardFilterSkipsDollarTopics) {
    World world(seed());
    auto client = world.connect("c").subscribe({"#", "+/x", "+/+"});
    auto meant = world.connect("m").subscribe({"$internal/#", "$other/+"}, {.qos = 1});
    client.publish("$internal/x", "1").publish("$other/x", "2", {.retain = true});
    client.publish("plain/x", "3");
    EXPECT_EQ(client.received(), Messages{"3"});  // "3" shows that "1" could have come
    EXPECT_EQ(meant.received(), (Messages{"1", "2"}));
    auto late = world.connect("late").subscribe("+/x");
    late.publish("mark/x", "mark");
    EXPECT_EQ(late.received(), Messages{"mark"});
}

GW_STATEMENT("MQTT5-4.7.3-1", EmptyTopicsAndFiltersAreRefused) {
    World world(seed());
    auto publisher = world.connect("p").publish("", "x");
    expect_disconnect(publisher, R::ProtocolError);
    auto subscriber = world.connect("s");
    subscriber.subscribe("");
    EXPECT_TRUE(subscriber.closes());
    auto leaver = world.connect("u");
    leaver.unsubscribe("");
    EXPECT_TRUE(leaver.closes());
}

GW_STATEMENT("MQTT5-4.7.3-2", NullCharacterInATopicOrFilterIsMalformed) {
    World world(seed());
    for (const char* bytes :
         {"30 # 0001 00 ()", "82 # 0001 () 0003 610062 00", "a2 # 0001 () 0003 610062"}) {
        auto client = world.connect("c");
        client.push(packet(bytes));
        expect_disconnect(client, R::MalformedPacket);
    }
}

GW_STATEMENT("MQTT5-4.7.3-3", LongestTopicIsDelivered) {
    World world(seed());
    const std::string topic(65535, 't');
    auto client = world.connect("c").subscribe(topic, {.qos = 1});
    client.publish(topic, "x", {.qos = 1});
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].topic, topic);
}

GW_STATEMENT("MQTT5-4.7.3-4", MatchingNormalizesNothing) {
    World world(seed());
    // e with acute accent in one character and in two; case; empty levels
    auto client = world.connect("c").subscribe({"\xc3\xa9", "a//b", "X"});
    client.publish("e\xcc\x81", "1").publish("a/b", "2").publish("x", "3").publish("a//b/", "4");
    client.publish("\xc3\xa9", "5").publish("a//b", "6").publish("X", "7");
    EXPECT_EQ(client.received(), (Messages{"5", "6", "7"}));
}

}  // namespace
}  // namespace godwit::conformance
