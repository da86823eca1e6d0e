// What a policy allows, on living clients: at CONNECT, PUBLISH, SUBSCRIBE and delivery, and when
// it changes under them. docs/policy.md says what is promised.
#include "conformance/conformance.h"

#include "world/statement.h"

namespace godwit::conformance {
namespace {

using broker::Loss;
using world::CoreOptions;
using world::World;

constexpr auto kQos1 = world::SubscribeOptions{.qos = 1};
constexpr auto kAtLeastOnce = world::PublishOptions{.qos = 1};

struct Way {
    uint16_t shards;
    bool durable;
};

class Policy : public ::testing::TestWithParam<Way> {
protected:
    std::unique_ptr<World> world(std::string_view policy, CoreOptions options = {}) const {
        options.shards = GetParam().shards;
        options.durable = GetParam().durable;
        auto made = std::make_unique<World>(seed(), std::move(options));
        made->core().set_policy(policy);
        return made;
    }
    static ConnectOptions as(std::string user, ConnectOptions options = {}) {
        options.username = std::move(user);
        options.password = "x";
        return options;
    }
    static std::string far(const World& world, std::string_view stem) {
        return world.id_on(uint16_t(GetParam().shards - 1), stem);
    }
};

INSTANTIATE_TEST_SUITE_P(
    Ways, Policy, ::testing::Values(Way{1, false}, Way{2, false}, Way{4, false}, Way{2, true}),
    [](const auto& way) {
        return (way.param.durable ? "Durable" : "Memory") + std::to_string(way.param.shards);
    });

// --- connect ---

TEST_P(Policy, WhoMayNotConnectIsRefusedAndTakesNothingOver) {
    const auto made = world("allow connect user=ann\n");
    auto ann = made->connect("c", as("ann"));
    EXPECT_EQ(ann.connack_reason(), R::Success);
    expect_refused(made->connect("d", as("ben")), R::NotAuthorized);
    expect_refused(made->connect("c", as("ben")), R::NotAuthorized);
    auto old = made->connect("e", as("ben", {.version = Version::V311}));
    EXPECT_EQ(old.connack_reason(), R::NotAuthorized);
    EXPECT_FALSE(ann.closed());
}

// --- publish ---

TEST_P(Policy, LimitsOfQosAndSizeAreKept) {
    const auto made = world("allow connect\nallow publish t qos<=1 payload<=4\nallow read #\n");
    auto sub = made->connect("s").subscribe("#");
    auto pub = made->connect("p");
    pub.publish("t", "1234", kAtLeastOnce);
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::Success);
    pub.publish("t", "12345", kAtLeastOnce);
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::NotAuthorized);
    pub.publish("t", "2", {.qos = 2});
    EXPECT_EQ(pub.ack_reason(Type::Pubrec), R::NotAuthorized);
    EXPECT_EQ(sub.received(), Messages{"1234"});
}

TEST_P(Policy, RetainingIsAllowedApart) {
    const auto made = world("allow connect\nallow publish #\nallow retain kept/#\nallow read #\n");
    auto pub = made->connect("p");
    pub.publish("kept/a", "1", {.qos = 1, .retain = true});
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::NoMatchingSubscribers);
    pub.publish("b", "2", {.qos = 1, .retain = true});
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::NotAuthorized);
    pub.publish("b", "3", kAtLeastOnce);
    EXPECT_EQ(made->connect("s").subscribe("#").received(), Messages{"1"});
}

TEST_P(Policy, AWillIsAPublishToo) {
    const auto made = world("allow connect\nallow read #\nallow publish will/{client}\n");
    auto sub = made->connect("s").subscribe("#");
    made->connect("a", {.will = WillOptions{"will/b", "forged"}}).cut();
    made->connect("b", {.will = WillOptions{.topic = "will/b", .payload = "kept", .retain = true}})
        .cut();
    made->connect("c", {.will = WillOptions{"will/c", "true"}}).cut();
    EXPECT_EQ(sub.received(), Messages{"true"});
}

// --- subscribe and receive ---

TEST_P(Policy, ASubscriptionGetsTheHighestQosThatIsAllowed) {
    const auto made = world("allow connect\nallow write,receive #\nallow subscribe a qos<=1\n");
    auto sub = made->connect("s").subscribe({"a", "b"}, {.qos = 2});
    EXPECT_EQ(sub.suback(), (Codes{R::GrantedQos1, R::NotAuthorized}));
    made->connect("p").publish("a", "1", {.qos = 2});
    const auto got = sub.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].qos, Qos::AtLeastOnce);
}

TEST_P(Policy, WhatMayNotBeReceivedIsCutOutOfAWideSubscription) {
    const auto made = world(
        "allow connect\nallow write,subscribe #\nallow receive open/#\ndeny receive open/no\n");
    made->connect("p0").publish("shut/kept", "0", {.retain = true});
    auto sub = made->connect(far(*made, "s")).subscribe("#");
    made->connect("p").publish("shut/a", "1").publish("open/no", "2").publish("open/a", "3");
    EXPECT_EQ(sub.received(), Messages{"3"});
    EXPECT_EQ(made->counters().lost[Loss::NotAuthorized], 3u);
}

TEST_P(Policy, ASharedSubscriptionGetsNoMoreThanOneOfItsOwn) {
    const auto made = world("allow connect\nallow write,subscribe #\nallow receive open/#\n");
    auto sub = made->connect(far(*made, "s")).subscribe("$share/g/#", kQos1);
    auto pub = made->connect("p");
    for (const auto* topic : {"shut/a", "open/a", "shut/b", "open/b"})
        pub.publish(topic, topic, kAtLeastOnce);
    EXPECT_EQ(sub.received(), (Messages{"open/a", "open/b"}));
    EXPECT_EQ(made->counters().lost[Loss::NotAuthorized], 2u);
    EXPECT_EQ(made->counters().group_queued, 0u);
}

TEST_P(Policy, ClaimsOfATokenFillTopics) {
    CoreOptions options{.authenticator = [](const broker::AuthRequest&) {
        return AuthAnswer{.claims = {{"area", "north"}, {"area", "south"}}};
    }};
    options.options.listeners[0].check_password = true;
    const auto made = world("allow connect\nallow write,read area/{claim.area}/#\n", options);
    auto ann = made->connect(far(*made, "c"), as("ann"));
    ann.subscribe({"area/north/#", "area/south/x", "area/west/#", "area/#"});
    EXPECT_EQ(ann.suback(), (Codes{R::Success, R::Success, R::NotAuthorized, R::NotAuthorized}));
    auto nobody = made->connect("d").subscribe("area/north/#");
    EXPECT_EQ(nobody.suback(), Codes{R::NotAuthorized});
}

// --- the policy changes ---

constexpr std::string_view kOpen = "allow connect\nallow write,read #\n";

TEST_P(Policy, AChangeDisconnectsWhoMayNotConnectAnyMore) {
    const auto made = world(kOpen);
    auto ann = made->connect(far(*made, "a"), as("ann"));
    auto ben = made->connect(far(*made, "b"), as("ben"));
    auto old = made->connect(far(*made, "o"), as("ann", {.version = Version::V311}));
    auto lasting_one = made->connect(far(*made, "l"), as("ann", lasting()));
    made->core().set_policy("allow connect user=ben\n");
    expect_disconnect(ann, R::NotAuthorized);
    expect_disconnect(lasting_one, R::NotAuthorized);
    EXPECT_TRUE(old.closes());
    EXPECT_FALSE(ben.closed());
    EXPECT_EQ(made->counters().sessions, 2u) << "ben's, and the one that outlives its connection";
}

TEST_P(Policy, AChangeEndsSubscriptionsThatAreNotAllowedAnyMore) {
    const auto made = world(kOpen);
    auto sub = made->connect(far(*made, "s")).subscribe({"a/#", "b/#", "$share/g/a/x"}, kQos1);
    EXPECT_EQ(made->counters().subscriptions, 3u);
    made->core().set_policy("allow connect\nallow write,receive #\nallow subscribe b/#\n");
    auto pub = made->connect("p");
    pub.publish("a/x", "1", kAtLeastOnce);
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::NoMatchingSubscribers) << "the routes are gone too";
    pub.publish("b/x", "2", kAtLeastOnce);
    EXPECT_EQ(sub.received(), Messages{"2"});
    EXPECT_EQ(made->counters().subscriptions, 1u);
    EXPECT_EQ(made->counters().shared_subscriptions, 0u);
    EXPECT_EQ(sub.unsubscribe({"a/#", "b/#"}).unsuback(),
              (Codes{R::NoSubscriptionExisted, R::Success}));
}

TEST_P(Policy, AChangeEndsSubscriptionsOfSessionsThatAreAway) {
    const auto made = world(kOpen);
    auto sub = made->connect(far(*made, "s"), as("ann", lasting())).subscribe({"a", "b"}, kQos1);
    sub.disconnect();
    made->core().set_policy("allow connect\nallow write,receive #\nallow subscribe b user=ann\n");
    made->connect("p").publish("a", "1", kAtLeastOnce).publish("b", "2", kAtLeastOnce);
    EXPECT_EQ(sub.resume().received(), Messages{"2"});
    EXPECT_EQ(made->counters().lost[Loss::NotAuthorized], 0u) << "nobody took it";
}

TEST_P(Policy, AChangeHoldsForWhatWaitsInQueues) {
    const auto made = world(kOpen);
    auto sub = made->connect(far(*made, "s"), lasting()).subscribe("#", {.qos = 2});
    sub.disconnect();
    auto pub = made->connect("p");
    for (const uint8_t qos : {1, 2})
        for (const auto* topic : {"a", "b"})
            pub.publish(topic, topic + std::to_string(qos), {.qos = qos});
    made->core().set_policy("allow connect\nallow write,subscribe #\nallow receive b\n");
    EXPECT_EQ(sub.resume().received(), (Messages{"b1", "b2"}));
    EXPECT_EQ(made->counters().lost[Loss::NotAuthorized], 2u);
    EXPECT_EQ(made->counters().inflight, 0u);
    EXPECT_EQ(made->counters().queued, 0u);
}

TEST_P(Policy, AChangeHoldsForWhatIsSentAgain) {
    const auto made = world(kOpen);
    auto sub = made->connect(far(*made, "s"), by_hand(lasting())).subscribe("#", kQos1);
    made->connect("p").publish("a", "1", kAtLeastOnce).publish("b", "2", kAtLeastOnce);
    EXPECT_EQ(sub.received(), (Messages{"1", "2"}));
    sub.cut();
    made->core().set_policy("allow connect\nallow write,subscribe #\nallow receive b\n");
    EXPECT_EQ(sub.resume().received(), Messages{"2"});
}

TEST_P(Policy, AChangeHoldsForRetainedMessages) {
    const auto made = world(kOpen);
    made->connect("p").publish("a", "1", {.retain = true}).publish("b", "2", {.retain = true});
    auto sub = made->connect(far(*made, "s"));
    made->core().set_policy("allow connect\nallow write,subscribe #\nallow receive b\n");
    EXPECT_EQ(sub.subscribe("#").received(), Messages{"2"});
}

TEST_P(Policy, WhoLosesItsRightToPublishIsNotHeardByRetainedMessagesEither) {
    const auto made = world(kOpen);
    for (const char* user : {"ann", "ben"})
        made->connect(std::string("of ") + user, as(user))
            .publish(user, user, {.qos = 1, .retain = true})
            .disconnect();
    made->connect("of nobody").publish("nobody", "3", {.qos = 1, .retain = true});
    if (GetParam().durable) made->restart();
    made->core().set_policy("allow connect\nallow read #\nallow write # user=ben\n");
    EXPECT_EQ(made->connect("s").subscribe("#").received(), Messages{"ben"});
    EXPECT_EQ(made->counters().lost[Loss::NotAuthorized], 2u);
    made->core().set_policy("allow connect\nallow read,publish #\nallow retain # user=ann\n");
    EXPECT_EQ(made->connect("t").subscribe("#").received(), Messages{"ann"})
        << "ben may not retain";
    made->core().set_policy(kOpen);
    Messages all = made->connect("u").subscribe("#").received();
    std::ranges::sort(all);
    EXPECT_EQ(all, (Messages{"3", "ann", "ben"})) << "they are there still";
}

TEST_P(Policy, ARetainedWillIsItsClients) {
    const auto made = world(kOpen);
    const WillOptions will{.topic = "w", .payload = "gone", .retain = true};
    made->connect("m", as("ann", {.will = will})).cut();
    EXPECT_EQ(made->connect("s").subscribe("#").received(), Messages{"gone"});
    made->core().set_policy("allow connect\nallow read #\nallow write # user=ben\n");
    EXPECT_EQ(made->connect("t").subscribe("#").received(), Messages{});
}

TEST_P(Policy, WhatOnlyATokenAllowedToRetainStays) {
    const auto made = world("allow connect\nallow read,write #\n");
    made->connect("p", as("ann")).publish("a", "1", {.qos = 1, .retain = true});
    made->core().set_policy("allow connect\nallow read #\nallow write # claim.area=north\n");
    EXPECT_EQ(made->connect("s").subscribe("#").received(), Messages{"1"}) << "it may have had one";
}

TEST_P(Policy, NoPolicyAllowsEverythingAgain) {
    const auto made = world("deny connect\n");
    expect_refused(made->connect("c"), R::NotAuthorized);
    made->core().set_acl(std::nullopt);
    EXPECT_EQ(made->connect("c").subscribe("#").suback(), Codes{R::Success});
}

TEST_P(Policy, WhoComesBackAsSomebodyElseKeepsNoSubscriptionOfTheFirst) {
    const auto made = world("allow connect\nallow write,receive #\nallow subscribe {user}/#\n");
    auto sub = made->connect(far(*made, "s"), as("ann", lasting())).subscribe("ann/#", kQos1);
    sub.disconnect();
    sub.reconnect(as("ben", next_time(lasting())));
    EXPECT_TRUE(sub.session_present());
    made->connect("p").publish("ann/x", "1");
    EXPECT_EQ(sub.received(), Messages{});
    EXPECT_EQ(made->counters().subscriptions, 0u);
}

TEST_P(Policy, WhatOnlyATokenSaysIsAskedWhenTheClientIsBack) {
    if (!GetParam().durable) return;
    CoreOptions options{.authenticator = [](const broker::AuthRequest& request) {
        if (request.username != "ann") return AuthAnswer{};
        return AuthAnswer{.claims = {{"area", "north"}}};
    }};
    options.options.listeners[0].check_password = true;
    const auto made =
        world("allow connect\nallow write #\nallow read area/{claim.area}/#\n", options);
    auto sub =
        made->connect(far(*made, "s"), as("ann", lasting())).subscribe("area/north/#", kQos1);
    sub.disconnect();
    made->restart();
    made->connect("p").publish("area/north/x", "kept", kAtLeastOnce);
    EXPECT_EQ(sub.resume().received(), Messages{"kept"}) << "it was not known who it is";
}

// --- users change ---

TEST_P(Policy, UsersThatAreGoneAreDisconnectedWhereTheyLoggedIn) {
    CoreOptions options{.authenticator = [](const broker::AuthRequest&) { return AuthAnswer{}; }};
    options.options.listeners = {{.check_password = true}, {}};
    const auto made = world(kOpen, options);
    auto ann = made->connect(far(*made, "a"), as("ann"));
    auto ben = made->connect(far(*made, "b"), as("ben"));
    auto claimed = made->connect(far(*made, "c"), as("ann", {.listener = 1}));
    made->core().change_users({"cara", "ann"});
    expect_disconnect(ann, R::NotAuthorized);
    EXPECT_FALSE(ben.closed());
    EXPECT_FALSE(claimed.closed()) << "that listener checks no passwords";
}

}  // namespace
}  // namespace godwit::conformance
