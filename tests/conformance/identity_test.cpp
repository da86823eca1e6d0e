// Who the authenticator says that a client is, and until when. MQTT has no statements about tokens;
// what a refusal and an end look like on the wire is MQTT 5.0 sections 3.2 and 3.14.
#include "conformance/conformance.h"

namespace godwit::conformance {
namespace {

using world::CoreOptions;
using world::World;

/// Whoever shows a password is who the authenticator says.
CoreOptions telling(AuthAnswer answer, bool allow_anonymous = true) {
    CoreOptions options{.authenticator = [=](const broker::AuthRequest&) { return answer; }};
    options.options.listeners[0].check_password = true;
    options.options.listeners[0].allow_anonymous = allow_anonymous;
    options.options.auth_methods = {"M"};
    return options;
}

ConnectOptions with_password(ConnectOptions options = {}) {
    options.username = "";
    options.password = "token";
    return options;
}

TEST(Identity, ATokenThatExpiresEndsTheConnection) {
    for (const uint16_t keep_alive_s : {0, 30, 600}) {
        World world(seed(), telling({.lasts = seconds(100)}));
        auto watcher = world.connect("w", {.keepalive_s = 0}).subscribe("will");
        ConnectOptions options = with_password({.keepalive_s = keep_alive_s});
        options.will = WillOptions{.topic = "will", .payload = "gone"};
        auto client = world.connect("c", options);
        for (int i = 0; i < 11; ++i) {
            world.advance(seconds(9));
            EXPECT_FALSE(client.ping().closed());
        }
        world.advance(seconds(1));
        expect_disconnect(client, R::NotAuthorized);
        EXPECT_EQ(watcher.received(), Messages{"gone"});
        EXPECT_EQ(world.core().counters().keepalive_timeouts, 0u);
    }
}

TEST(Identity, ATokenThatExpiresEndsAnOldConnectionWithoutAWord) {
    World world(seed(), telling({.lasts = seconds(5)}));
    auto client = world.connect("c", with_password({.version = Version::V311}));
    EXPECT_EQ(client.connack_reason(), R::Success);
    world.advance(seconds(5));
    EXPECT_TRUE(client.closes());
    EXPECT_EQ(client.types(), Types{Type::Connack});
}

TEST(Identity, SilenceStillEndsAConnectionWithAToken) {
    World world(seed(), telling({.lasts = seconds(100)}));
    auto client = world.connect("c", with_password({.keepalive_s = 10}));
    world.advance(seconds(15));
    expect_disconnect(client, R::KeepAliveTimeout);
}

TEST(Identity, ATokenThatHasExpiredMeanwhileEndsTheConnectionAtOnce) {
    World world(seed(), telling({.lasts = seconds(0)}));
    auto client = world.connect("c", with_password());
    world.advance(seconds(0));
    expect_disconnect(client, R::NotAuthorized);
}

TEST(Identity, WithoutATokenNothingExpires) {
    World world(seed(), telling({}));
    auto client = world.connect("c", with_password({.keepalive_s = 0}));
    world.advance(std::chrono::hours(1000));
    EXPECT_FALSE(client.closed());
}

TEST(Identity, ANewConnectionHasItsOwnToken) {
    World world(seed(), telling({.lasts = seconds(100)}));
    auto first = world.connect("c", with_password({.keepalive_s = 0}));
    world.advance(seconds(60));
    auto second = world.connect("c", with_password({.keepalive_s = 0}));
    expect_disconnect(first, R::SessionTakenOver);
    world.advance(seconds(60));
    EXPECT_FALSE(second.closed()) << "the first token is nobody's any more";
    world.advance(seconds(40));
    expect_disconnect(second, R::NotAuthorized);
}

TEST(Identity, ReauthenticationProlongsIt) {
    World world(seed(), telling({.lasts = seconds(100)}));
    auto client = world.connect("c", {.keepalive_s = 0, .auth_method = "M"});
    world.advance(seconds(60));
    client.auth(R::ReAuthenticate, "M", "x");
    world.advance(seconds(60));
    EXPECT_FALSE(client.closed());
    world.advance(seconds(40));
    expect_disconnect(client, R::NotAuthorized);
}

TEST(Identity, ReauthenticationKeepsTheUser) {
    auto user = std::make_shared<std::string>("ann");
    CoreOptions options = telling({});
    options.authenticator = [user](const broker::AuthRequest&) {
        return AuthAnswer{.username = *user};
    };
    World world(seed(), options);
    auto client = world.connect("c", {.auth_method = "M"});
    client.auth(R::ReAuthenticate, "M", "x");
    EXPECT_EQ(client.last(Type::Auth)->auth().reason, R::Success);
    *user = "ben";
    client.auth(R::ReAuthenticate, "M", "x");
    expect_disconnect(client, R::NotAuthorized);
}

TEST(Identity, TheUserIsWhomTheAuthenticatorNames) {
    for (const bool durable : {false, true}) {
        CoreOptions options = telling({.claims = {{"area", "north"}}, .username = "ann"});
        options.durable = durable;
        World world(seed(), std::move(options));
        world.core().set_policy("allow connect user=ann\nallow write,read {user}/{claim.area}/#\n");
        auto client = world.connect("c", with_password()).subscribe("ann/north/#");
        EXPECT_EQ(client.connack_reason(), R::Success);
        client.publish("ann/north/x", "1");
        EXPECT_EQ(client.received(), Messages{"1"});
        expect_refused(world.connect("d"), R::NotAuthorized);
        world.core().change_users({"ann"});
        expect_disconnect(client, R::NotAuthorized);
    }
}

TEST(Identity, APasswordWithoutUserNameIsShownToTheAuthenticator) {
    World world(seed(), telling({.username = "ann"}, false));
    auto client = world.connect("c", {.password = "token"});
    EXPECT_EQ(client.connack_reason(), R::Success);
    expect_refused(world.connect("d"), R::NotAuthorized);
    World strict(seed(), telling({.reason = R::BadUserNameOrPassword}));
    expect_refused(strict.connect("c", {.password = "token"}), R::BadUserNameOrPassword);
    EXPECT_EQ(strict.connect("d").connack_reason(), R::Success) << "anonymous";
}

// --- a certificate that says who it is ---

/// Every client shows a certificate of this name to a listener that goes by it.
CoreOptions certified(std::string name, bool check_password = false, AuthAnswer answer = {}) {
    CoreOptions options{.authenticator = [=](const broker::AuthRequest&) { return answer; }};
    options.certificate = std::move(name);
    options.options.listeners[0].certificate_username = true;
    options.options.listeners[0].allow_anonymous = false;
    options.options.listeners[0].check_password = check_password;
    options.options.auth_methods = {"M"};
    return options;
}

TEST(Identity, ACertificateIsAUserNameThatThePolicySees) {
    for (const uint16_t shards : {1, 4}) {
        CoreOptions options = certified("pump-7", true);
        options.shards = shards;
        World world(seed(), options);
        world.core().set_policy("allow connect user=pump-7\nallow write plant/{user}/#\n");
        for (const char* id : {"a", "b", "c"}) {
            auto client = world.connect(id);
            EXPECT_EQ(client.connack_reason(), R::Success);
            EXPECT_EQ(
                client.publish("plant/pump-7/x", "1", {.qos = 1}).last(Type::Puback)->ack().reason,
                R::NoMatchingSubscribers);
            client.publish("plant/pump-8/x", "1", {.qos = 1});
            EXPECT_EQ(client.last(Type::Puback)->ack().reason, R::NotAuthorized);
        }
        EXPECT_TRUE(world.core().auth_requests.empty()) << "nobody is asked about a password";
    }
}

TEST(Identity, AUserNameBesideACertificateIsTheSameOrEmpty) {
    World world(seed(), certified("pump-7"));
    for (const auto& [username, reason] : {std::pair{"", R::Success},
                                           {"pump-7", R::Success},
                                           {"pump-8", R::BadUserNameOrPassword},
                                           {"PUMP-7", R::BadUserNameOrPassword}}) {
        ConnectOptions options;
        options.username = username;
        EXPECT_EQ(world.connect("c", options).connack_reason(), reason) << username;
    }
}

TEST(Identity, APasswordBesideACertificateIsCheckedForItsUser) {
    ConnectOptions options;
    options.password = "secret";
    World right(seed(), certified("pump-7", true));
    EXPECT_EQ(right.connect("c", options).connack_reason(), R::Success);
    ASSERT_EQ(right.core().auth_requests.size(), 1u);
    EXPECT_EQ(right.core().auth_requests[0].username, "pump-7");
    EXPECT_TRUE(right.core().auth_requests[0].has_username);
    right.core().set_policy("allow connect user!=pump-7\n");
    EXPECT_EQ(right.connect("c", options).connack_reason(), R::NotAuthorized)
        << "the verdict about the password leaves the name";

    World wrong(seed(), certified("pump-7", true, {.reason = R::BadUserNameOrPassword}));
    EXPECT_EQ(wrong.connect("c", options).connack_reason(), R::BadUserNameOrPassword);
}

TEST(Identity, ACertificateGoesWithNoAuthenticationMethod) {
    World world(seed(), certified("pump-7"));
    EXPECT_EQ(world.connect("c", {.auth_method = "M"}).connack_reason(),
              R::BadAuthenticationMethod);
    EXPECT_TRUE(world.core().auth_requests.empty());
}

TEST(Identity, ANameThatCannotBeAUserNameIsRefused) {
    for (const std::string& name : {std::string(65536, 'x'), std::string("pump\xff")}) {
        World world(seed(), certified(name));
        EXPECT_EQ(world.connect("c").connack_reason(), R::NotAuthorized);
    }
    World longest(seed(), certified(std::string(65535, 'x')));
    EXPECT_EQ(longest.connect("c").connack_reason(), R::Success);
}

TEST(Identity, WithoutACertificateAClientIsAsOnEveryListener) {
    World world(seed(), certified("", true));
    EXPECT_EQ(world.connect("c").connack_reason(), R::NotAuthorized);
    ConnectOptions options;
    options.username = "ann";
    options.password = "secret";
    EXPECT_EQ(world.connect("c", options).connack_reason(), R::Success);
}

TEST(Identity, WhereTheListenerDoesNotGoByCertificatesTheNameIsNoUser) {
    CoreOptions options = certified("pump-7");
    options.options.listeners[0].certificate_username = false;
    World world(seed(), options);
    EXPECT_EQ(world.connect("c").connack_reason(), R::NotAuthorized);
}

// --- what is told of a login ---

/// "connected ann password", of the last event with this name.
std::string told(World& world, std::string_view name) {
    std::string last;
    for (const broker::Event& event : world.core().events)
        if (event.name == name) last = event.name + (" " + event.user) + " " + event.method;
    return last;
}

TEST(Identity, ALoginIsToldWithItsUserAndWhatItWasAcceptedBy) {
    const auto login = [](const CoreOptions& options, const ConnectOptions& connect) {
        World world(seed(), options);
        (void)world.connect("c", connect);
        return told(world, "connected");
    };
    ConnectOptions ann;
    ann.username = "ann";
    ann.password = "secret";
    EXPECT_EQ(login(telling({}), {}), "connected  none");
    EXPECT_EQ(login(telling({}), ann), "connected ann password");
    EXPECT_EQ(login(telling({.username = "eva", .method = "token"}), with_password()),
              "connected eva token");
    EXPECT_EQ(login(telling({.username = "eva"}), {.auth_method = "M"}), "connected eva M");
    EXPECT_EQ(login(certified("pump-7"), {}), "connected pump-7 certificate");
    ann.username = "pump-7";
    EXPECT_EQ(login(certified("pump-7", true), ann), "connected pump-7 certificate+password");
}

TEST(Identity, ARefusalIsToldWithTheUserWhoIsClaimed) {
    World world(seed(), telling({.reason = R::BadUserNameOrPassword}));
    ConnectOptions ann;
    ann.username = "ann";
    ann.password = "secret";
    (void)world.connect("c", ann);
    EXPECT_EQ(told(world, "refused"), "refused ann ");
    ann.will = WillOptions{.topic = "no/#"};
    (void)world.connect("d", ann);
    EXPECT_EQ(told(world, "refused"), "refused ann ") << "also before anybody is asked";
}

TEST(Identity, WhoIsDisconnectedIsToldWithHisUser) {
    World world(seed(), telling({.lasts = seconds(5)}));
    ConnectOptions ann;
    ann.username = "ann";
    ann.password = "secret";
    auto client = world.connect("c", ann);
    world.advance(seconds(5));
    expect_disconnect(client, R::NotAuthorized);
    EXPECT_EQ(told(world, "disconnected"), "disconnected ann ");
}

TEST(Identity, AReauthenticationIsTold) {
    World world(seed(), telling({.username = "ann"}));
    auto client = world.connect("c", {.auth_method = "M"});
    EXPECT_EQ(told(world, "reauthenticated"), "");
    client.auth(R::ReAuthenticate, "M", "x");
    EXPECT_EQ(told(world, "reauthenticated"), "reauthenticated ann M");
}

}  // namespace
}  // namespace godwit::conformance
