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

}  // namespace
}  // namespace godwit::conformance
