// MQTT 5.0 sections 3.15 and 4.12: AUTH, enhanced authentication, re-authentication. The mechanism
// is the test's own: "ask" wants one more answer, "no" is refused, anything else is welcome.
#include "conformance/conformance.h"

namespace godwit::conformance {
namespace {

world::CoreOptions with_methods() {
    return {.options = {.auth_methods = {"M", "N"}},
            .authenticator = [](const broker::AuthRequest& request) {
                if (request.auth_data == "ask")
                    return AuthAnswer{R::ContinueAuthentication, "challenge"};
                if (request.auth_data == "no") return AuthAnswer{R::NotAuthorized};
                if (request.auth_data == "wrong") return AuthAnswer{R::BadUserNameOrPassword};
                return AuthAnswer{R::Success, "welcome"};
            }};
}

ConnectOptions asking(std::string data, std::string method = "M") {
    return {.auth_method = std::move(method), .auth_data = std::move(data)};
}

GW_STATEMENT("MQTT5-4.12.0-1", UnknownMethodIsRefused) {
    World world(seed());
    expect_refused(world.connect("c", asking("x", "no such method")), R::BadAuthenticationMethod);
}

GW_STATEMENT_CORE("MQTT5-4.12.0-2 MQTT5-4.12.0-5 MQTT5-3.15.2-1", LoginTakesAsManyStepsAsItNeeds) {
    World world(seed(), with_methods());
    auto client = world.connect("c", asking("ask"));
    EXPECT_EQ(client.types(), Types{Type::Auth});
    for (int step = 0; step < 3; ++step) {
        const auto auth = client.last(Type::Auth)->auth();
        EXPECT_EQ(auth.reason, R::ContinueAuthentication);
        EXPECT_EQ(auth.method, "M");
        EXPECT_EQ(as_text(auth.data), "challenge");
        client.auth(R::ContinueAuthentication, "M", step < 2 ? "ask" : "answer");
    }
    EXPECT_EQ(client.connack_reason(), R::Success);
    EXPECT_EQ(client.connack().auth_method, "M");
    EXPECT_EQ(as_text(client.connack().auth_data), "welcome");
    EXPECT_EQ(client.count(Type::Auth), 3u);
}

GW_STATEMENT_CORE("MQTT5-4.12.0-5", ConnackRepeatsTheMethodAfterASingleStep) {
    World world(seed(), with_methods());
    auto client = world.connect("c", asking("fine", "N"));
    EXPECT_EQ(client.connack().auth_method, "N");
}

GW_STATEMENT_CORE("MQTT5-4.12.0-3", ClientsAuthDuringLoginMustContinue) {
    World world(seed(), with_methods());
    for (const R reason : {R::ReAuthenticate, R::Success}) {
        auto client = world.connect("c", asking("ask"));
        client.auth(reason, "M", "answer");
        EXPECT_TRUE(client.closes());
        EXPECT_EQ(client.count(Type::Connack), 0u);
    }
}

GW_STATEMENT_CORE("MQTT5-4.12.0-4 MQTT5-3.1.4-2", LoginIsRefusedAtAnyStep) {
    World world(seed(), with_methods());
    expect_refused(world.connect("a", asking("no")), R::NotAuthorized);
    auto client = world.connect("b", asking("ask"));
    client.auth(R::ContinueAuthentication, "M", "no");
    EXPECT_TRUE(client.closes());
    EXPECT_EQ(client.types(), (Types{Type::Auth, Type::Connack}));
    EXPECT_EQ(client.connack_reason(), R::NotAuthorized);
}

GW_STATEMENT("MQTT5-4.12.0-6", NoAuthGoesToAClientWithoutAMethod) {
    World world(seed());
    auto client = world.connect("c").subscribe("t").publish("t", "x", {.qos = 2}).ping();
    EXPECT_EQ(client.count(Type::Auth), 0u);
    EXPECT_EQ(client.connack().auth_method, std::nullopt);
}

GW_STATEMENT("MQTT5-4.12.0-7", NoAuthComesFromAClientWithoutAMethod) {
    World world(seed());
    for (const R reason : {R::ContinueAuthentication, R::ReAuthenticate}) {
        auto client = world.connect("c");
        client.auth(reason, "M");
        expect_disconnect(client, R::ProtocolError);
    }
}

GW_STATEMENT_CORE("MQTT5-3.1.2-30", OnlyAuthAndDisconnectComeBeforeConnack) {
    World world(seed(), with_methods());
    for (const char* bytes : {"c0 00", "30 # 't' ()", "82 # 0001 () 't' 00", "40 # 0001"}) {
        auto client = world.connect("c", asking("ask"));
        client.push(packet(bytes));
        EXPECT_TRUE(client.closes());
        EXPECT_EQ(client.types(), Types{Type::Auth});
    }
    auto leaves = world.connect("c", asking("ask")).disconnect();
    EXPECT_TRUE(leaves.closed());
    EXPECT_EQ(leaves.types(), Types{Type::Auth});
}

GW_STATEMENT_CORE("MQTT5-4.12.0-2 MQTT5-4.12.1-1 MQTT5-3.15.2-1", ReauthenticationGoesOnMeanwhile) {
    World world(seed(), with_methods());
    auto client = world.connect("c", asking("x")).subscribe("t", {.qos = 1});
    client.auth(R::ReAuthenticate, "M", "ask");
    EXPECT_EQ(client.last(Type::Auth)->auth().reason, R::ContinueAuthentication);
    client.publish("t", "meanwhile", {.qos = 1});
    EXPECT_EQ(client.received(), Messages{"meanwhile"});
    client.auth(R::ContinueAuthentication, "M", "answer");
    EXPECT_EQ(client.last(Type::Auth)->auth().reason, R::Success);
    EXPECT_EQ(client.last(Type::Auth)->auth().method, "M");
    client.auth(R::ReAuthenticate, "M", "again");
    EXPECT_EQ(client.count(Type::Auth), 3u);
    EXPECT_FALSE(client.closed());
}

GW_STATEMENT_CORE("MQTT5-4.12.1-1", ReauthenticationKeepsTheMethod) {
    World world(seed(), with_methods());
    auto client = world.connect("c", asking("x"));
    client.auth(R::ReAuthenticate, "N", "x");
    expect_disconnect(client, R::ProtocolError);
}

GW_STATEMENT_CORE("MQTT5-4.12.1-2", FailedReauthenticationCloses) {
    World world(seed(), with_methods());
    auto watcher = world.connect("w").subscribe("will");
    ConnectOptions options = asking("x");
    options.will = WillOptions{.topic = "will", .payload = "gone"};
    auto client = world.connect("c", options);
    client.auth(R::ReAuthenticate, "M", "no");
    expect_disconnect(client, R::NotAuthorized);
    EXPECT_EQ(watcher.received(), Messages{"gone"});
}

GW_STATEMENT_CORE("MQTT5-4.12.1-2 MQTT5-3.14.2-1", FailureIsToldInAWordThatDisconnectHas) {
    World world(seed(), with_methods());
    auto client = world.connect("c", asking("x"));
    client.auth(R::ReAuthenticate, "M", "wrong");  // bad_user_name_or_password is CONNACK's own
    expect_disconnect(client, R::NotAuthorized);
}

GW_STATEMENT("MQTT5-3.15.1-1", OtherFlagsOfAuthAreMalformed) {
    World world(seed());
    for (const char* bytes : {"f1 # 18 ( 15 'M' )", "f2 # 18 ( 15 'M' )", "ff 00"}) {
        auto client = world.connect("c");
        client.push(packet(bytes));
        expect_disconnect(client, R::MalformedPacket);
    }
}

GW_STATEMENT_CORE("MQTT5-3.15.2-1", AuthCodesThatAreNotListedAreRefused) {
    World world(seed(), with_methods());
    for (const char* code : {"01", "80", "1a"}) {
        auto client = world.connect("c", asking("x"));
        client.push(packet("f0 # " + std::string(code) + " ( 15 'M' )"));
        expect_disconnect(client, R::ProtocolError);
    }
}

GW_STATEMENT_CORE("MQTT5-3.15.2-2 MQTT5-3.15.2-3", AuthFitsTheClientsPacketSize) {
    World world(seed(), with_methods());  // whose clients check the size of whatever comes
    ConnectOptions options = asking("ask");
    options.packet_bytes_max = 60;
    auto client = world.connect("c", options);
    EXPECT_EQ(client.last(Type::Auth)->auth().reason_string, "");
    client.auth(R::ContinueAuthentication, "M", "answer");
    EXPECT_EQ(client.connack_reason(), R::Success);
}

GW_STATEMENT_CORE("MQTT5-3.1.2-24", ChallengeThatCannotFitEndsTheLogin) {
    World world(seed(), {.options = {.auth_methods = {"M"}},
                         .authenticator = [](const broker::AuthRequest&) {
                             return AuthAnswer{R::ContinueAuthentication, std::string(100, 'x')};
                         }});
    ConnectOptions options = asking("ask");
    options.packet_bytes_max = 60;
    auto client = world.connect("c", options);
    EXPECT_TRUE(client.closed());
    EXPECT_EQ(client.count(Type::Auth), 0u);
}

}  // namespace
}  // namespace godwit::conformance
