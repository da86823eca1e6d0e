// Realms: who is in which, and that nothing crosses. MQTT has no statements about them.
#include "broker/realms.h"
#include "conformance/conformance.h"

namespace godwit::conformance {
namespace {

using broker::RealmBy;
using world::AuthAnswer;
using world::CoreOptions;
using world::World;

/// Four shards, so that most clients live elsewhere than where they come in and, where the
/// authenticator names their realm, elsewhere than where they are judged.
CoreOptions realms(RealmBy by, world::Authenticator authenticator = {}) {
    CoreOptions options{.shards = 4, .authenticator = std::move(authenticator)};
    options.options.realms = {{"default"}, {"acme"}, {"umbra"}};
    options.options.listeners[0].realm_by = by;
    options.options.listeners[0].check_password = options.authenticator != nullptr;
    return options;
}

ConnectOptions as(std::string user) {
    return {.username = std::move(user), .password = "p"};
}

/// The client is who it says.
AuthAnswer believe(const broker::AuthRequest& request) {
    return {.username = request.username};
}

std::string refused_why(World& world) {
    for (const broker::Event& each : world.core().events)
        if (std::string_view(each.name) == "refused") return each.detail;
    return "";
}

TEST(Realms, GetTheNumbersOfAStore) {
    broker::BrokerOptions options;
    options.realms = {{"default"}, {"acme"}, {"umbra"}};
    options.listeners = {{.realm = 2}, {.realm = 0}, {.realm = 1}};
    broker::renumber_realms(options, {"umbra", "gone", "default", "acme"});
    EXPECT_EQ(options.listeners[0].realm, 0);
    EXPECT_EQ(options.listeners[1].realm, 2);
    EXPECT_EQ(options.listeners[2].realm, 3);
    EXPECT_EQ(broker::find_realm(options, "umbra"), RealmId{0});
    EXPECT_EQ(broker::find_realm(options, "gone"), std::nullopt) << "nobody can be in it";
}

/// Clients of one id in three realms: each has its own session, messages and retained message.
TEST(Realms, NothingCrosses) {
    World world(seed(), realms(RealmBy::User, believe));
    for (const char* id : {"c", "d", "e", "f"}) {
        std::vector<Client> clients;
        for (const char* user : {"ann", "ann@acme", "ann@umbra"})
            clients.push_back(world.connect(id, as(user)).subscribe("t/#"));
        for (Client& each : clients) EXPECT_FALSE(each.closed()) << id;
        clients[1].publish("t/live", "acme");
        clients[2].publish("t/kept", "umbra", {.retain = true});
        EXPECT_EQ(clients[0].received(), Messages{});
        EXPECT_EQ(clients[1].received(), Messages{"acme"});
        EXPECT_EQ(clients[2].received(), Messages{"umbra"});
        auto late = world.connect("late", as("ben@acme")).subscribe("t/#");
        EXPECT_EQ(late.received(), Messages{});
        clients[2].publish("t/kept", "", {.retain = true});
    }
}

TEST(Realms, ASessionIsFoundInItsRealmAlone) {
    World world(seed(), realms(RealmBy::User, believe));
    ConnectOptions durable = as("ann@acme");
    durable.clean_start = false;
    durable.expiry_s = 1000;
    world.connect("c", durable).subscribe("t", {.qos = 1}).disconnect();
    ConnectOptions elsewhere = durable;
    elsewhere.username = "ann@umbra";
    EXPECT_FALSE(world.connect("c", elsewhere).session_present());
    EXPECT_TRUE(world.connect("c", durable).session_present());
}

TEST(Realms, TheUserNameNamesOne) {
    World world(seed(), realms(RealmBy::User, believe));
    EXPECT_EQ(world.connect("c", as("ann@x@acme")).connack_reason(), R::Success);
    EXPECT_EQ(world.core().auth_requests.back().realm_chosen, "acme");
    EXPECT_EQ(world.connect("c", as("ann")).connack_reason(), R::Success);
    EXPECT_EQ(world.core().auth_requests.back().realm_chosen, "");
    EXPECT_EQ(world.connect("c", as("ann@default")).connack_reason(), R::Success);
    world.core().events.clear();
    const size_t asked = world.core().auth_requests.size();
    EXPECT_EQ(world.connect("c", as("ann@nowhere")).connack_reason(), R::NotAuthorized);
    EXPECT_EQ(refused_why(world), "there is no realm \"nowhere\"");
    EXPECT_EQ(world.connect("c", as("ann@Acme")).connack_reason(), R::NotAuthorized);
    EXPECT_EQ(world.connect("c", as("ann@")).connack_reason(), R::Success) << "it names none";
    EXPECT_EQ(world.core().auth_requests.size(), asked + 1) << "nobody is asked about the others";
}

TEST(Realms, TheServerNameNamesOne) {
    World world(seed(), realms(RealmBy::ServerName, [](const broker::AuthRequest& request) {
                    return AuthAnswer{.username = request.username + "@" + request.realm_chosen};
                }));
    auto at = [&](std::string name) {
        world.core().server_name = std::move(name);
        return world.connect("c", as("ann"));
    };
    auto acme = at("ACME.mqtt.example").subscribe("t");
    auto umbra = at("umbra").subscribe("t");
    umbra.publish("t", "umbra");
    EXPECT_EQ(umbra.received(), Messages{"umbra"});
    EXPECT_EQ(acme.received(), Messages{});
    EXPECT_FALSE(acme.closed()) << "one client id, two realms";
    world.core().events.clear();
    EXPECT_EQ(at("mqtt.example").connack_reason(), R::NotAuthorized);
    EXPECT_EQ(refused_why(world), "there is no realm \"mqtt\"");
}

TEST(Realms, WithoutAServerNameItIsTheListeners) {
    World world(seed(), realms(RealmBy::ServerName, believe));
    EXPECT_EQ(world.connect("c", as("ann")).connack_reason(), R::Success);
    EXPECT_EQ(world.core().auth_requests.back().realm_chosen, "");
}

// Users of one realm must not come into another by asking TLS for its name.
TEST(Realms, WhoIsNotOfTheRealmIsNotLetIntoIt) {
    World world(seed(), realms(RealmBy::ServerName, believe));
    world.core().server_name = "acme.example";
    for (const char* user : {"ann", "ann@umbra", "ann@example"}) {
        world.core().events.clear();
        EXPECT_EQ(world.connect("c", as(user)).connack_reason(), R::NotAuthorized) << user;
        EXPECT_FALSE(refused_why(world).empty());
    }
    EXPECT_EQ(world.connect("c", as("ann@acme")).connack_reason(), R::Success);
}

TEST(Realms, AUserOfARealmIsNotLetIntoTheListenersOther) {
    World world(seed(), realms(RealmBy::Listener, believe));
    EXPECT_EQ(world.connect("c", as("ann@acme")).connack_reason(), R::NotAuthorized);
    EXPECT_EQ(world.connect("c", as("ann@default")).connack_reason(), R::Success);
    EXPECT_EQ(world.connect("c", as("ann@example.com")).connack_reason(), R::Success)
        << "no realm of that name: just a name";
}

// The authenticator knows better: the client goes on where its session lives, and is judged once.
TEST(Realms, TheAuthenticatorNamesOne) {
    World world(seed(), realms(RealmBy::Listener, [](const broker::AuthRequest& request) {
                    return AuthAnswer{.claims = {{"site", "north"}},
                                      .username = "ann",
                                      .lasts = seconds(100),
                                      .realm = request.username};
                }));
    world.core().set_policy("allow connect\nallow write,read {realm}/{claim.site}/#\n");
    size_t asked = 0;
    for (int i = 0; i < 12; ++i) {
        const std::string id = "c" + std::to_string(i);
        auto acme = world.connect(id, as("acme")).subscribe("acme/north/t");
        auto umbra = world.connect(id, as("umbra")).subscribe("umbra/north/t");
        asked += 2;
        acme.publish("acme/north/t", "a");
        EXPECT_EQ(acme.received(), Messages{"a"});
        EXPECT_EQ(umbra.received(), Messages{});
        EXPECT_EQ(world.core().auth_requests.size(), asked);
        EXPECT_FALSE(acme.closed());
    }
    auto timed = world.connect("timed", as("acme"));
    world.advance(seconds(100));
    expect_disconnect(timed, R::NotAuthorized);
}

// The user is the one of the certificate, wherever the client goes on.
TEST(Realms, ACertificateStaysWhoeverNamesTheRealm) {
    CoreOptions options = realms(
        RealmBy::Listener, [](const broker::AuthRequest&) { return AuthAnswer{.realm = "acme"}; });
    options.certificate = "pump-7";
    options.options.listeners[0].certificate_username = true;
    World world(seed(), options);
    for (int i = 0; i < 12; ++i) {
        ConnectOptions shown;
        shown.password = "p";
        EXPECT_EQ(world.connect("c" + std::to_string(i), shown).connack_reason(), R::Success);
        const auto& told = world.core().events;
        const auto login = std::ranges::find_if(told, [](const broker::Event& each) {
            return std::string_view(each.name) == "connected";
        });
        ASSERT_NE(login, told.end());
        EXPECT_EQ(login->user, "pump-7") << i;
        EXPECT_EQ(login->method, "certificate+password") << i;
        world.core().events.clear();
    }
}

TEST(Realms, ACertificatesNameNamesOneAsAUserNameDoes) {
    CoreOptions options = realms(RealmBy::User);
    options.options.listeners[0].certificate_username = true;
    options.certificate = "pump-7@acme";
    World world(seed(), options);
    world.core().set_policy("allow connect realm=acme user=pump-7@acme\n");
    for (int i = 0; i < 12; ++i)
        EXPECT_EQ(world.connect("c" + std::to_string(i)).connack_reason(), R::Success) << i;
}

// What the client sent behind its CONNECT goes with it, and is handled once.
TEST(Realms, WhatIsSentMeanwhileGoesWithTheClient) {
    World world(seed(), realms(RealmBy::Listener, [](const broker::AuthRequest&) {
                    return AuthAnswer{.realm = "acme"};
                }));
    for (int i = 0; i < 12; ++i) {
        auto client = world.dial();
        Buffer bytes = world::connect_packet("c" + std::to_string(i), as("ann"));
        put_bytes(bytes, packet("82 # 00 01 () 't' 00"));
        put_bytes(bytes, world::publish_packet(Version::V5, "t", "hello", {}));
        client.raw(bytes);
        EXPECT_EQ(client.received(), Messages{"hello"}) << i;
    }
}

TEST(Realms, WhatTheAuthenticatorNamesMustExistAndFit) {
    std::string realm;
    World world(seed(), realms(RealmBy::User, [&](const broker::AuthRequest&) {
                    return AuthAnswer{.realm = realm};
                }));
    const auto reason = [&](std::string named, std::string user) {
        realm = std::move(named);
        world.core().events.clear();
        return world.connect("c", as(std::move(user))).connack_reason();
    };
    EXPECT_EQ(reason("nowhere", "ann"), R::NotAuthorized);
    EXPECT_EQ(refused_why(world), "there is no realm \"nowhere\"");
    EXPECT_EQ(reason("umbra", "ann@acme"), R::NotAuthorized);
    EXPECT_EQ(reason("default", "ann@acme"), R::NotAuthorized);
    EXPECT_EQ(reason("acme", "ann@acme"), R::Success);
    EXPECT_EQ(reason("umbra", "ann"), R::Success);
}

TEST(Realms, AnAssignedClientIdIsOfTheRealmThatTheClientIsIn) {
    World world(seed(), realms(RealmBy::Listener, [](const broker::AuthRequest&) {
                    return AuthAnswer{.realm = "acme"};
                }));
    for (int i = 0; i < 8; ++i) {
        auto client = world.connect("", as("ann")).subscribe("t");
        client.publish("t", "hello");
        EXPECT_EQ(client.received(), Messages{"hello"});
    }
}

}  // namespace
}  // namespace godwit::conformance
