#include "config/testing/parse.h"

#include <gmock/gmock.h>

namespace godwit::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using transport::PeerVerify;

std::vector<std::string> urls(const Config& config) {
    std::vector<std::string> texts;
    for (const ListenerOptions& listener : config.options.listeners)
        texts.push_back(to_text(listener.url));
    return texts;
}

// --- defaults ---

TEST(Config, WithoutAnythingItListensOnLoopbackOnly) {
    const Config config = accepted("");
    EXPECT_THAT(urls(config), ElementsAre("mqtt://127.0.0.1:1883", "ws://127.0.0.1:8083/mqtt"));
    for (const auto& listener : config.options.listeners) {
        EXPECT_TRUE(is_loopback(listener.url.host));
        EXPECT_TRUE(listener.anonymous_allowed);
    }
    ASSERT_TRUE(config.options.admin.address);
    EXPECT_TRUE(is_loopback(config.options.admin.address->host));
    EXPECT_EQ(config.options.admin.address->port, 8080);
    EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(Config, PayloadsOf10MiBPassByDefault) {
    EXPECT_EQ(accepted("").options.broker.limits.packet_bytes_max, 32u * 1024 * 1024);
}

// --- the file ---

TEST(Config, ReadsKeysOfEveryTypeAndSection) {
    const Options options = accepted(R"(
[server]
shards = 4
log_level = "debug"
log_format = "json"
log_file = "/var/log/godwit.log"
sys_interval_s = 0
[admin]
listen = ""
[auth]
password_file = "/etc/godwit/passwords"
acl_file = "/etc/godwit/acl"
[limits]
connect_timeout_s = 3
receive_maximum = 20
queue_qos0 = true
[mqtt]
server_reference = "other.example.org"
)")
                                .options;
    EXPECT_EQ(options.server.shard_count, 4u);
    EXPECT_EQ(options.server.log_level, LogLevel::Debug);
    EXPECT_EQ(options.server.log_format, LogFormat::Json);
    EXPECT_EQ(options.server.log_file, "/var/log/godwit.log");
    EXPECT_EQ(options.server.sys_interval_s, 0u);
    EXPECT_FALSE(options.admin.address);
    EXPECT_EQ(options.auth.password_file, "/etc/godwit/passwords");
    EXPECT_EQ(options.auth.acl_file, "/etc/godwit/acl");
    EXPECT_EQ(options.broker.limits.connect_timeout, std::chrono::seconds(3));
    EXPECT_EQ(options.broker.limits.receive_maximum, 20);
    EXPECT_TRUE(options.broker.limits.queue_qos0);
    EXPECT_EQ(options.broker.server_reference, "other.example.org");
}

TEST(Config, AccessIsSaidInOneFile) {
    EXPECT_EQ(accepted("[auth]\npolicy_file = \"/p\"\n").options.auth.policy_file, "/p");
    const auto errors = faults("[auth]\npolicy_file = \"/p\"\nacl_file = \"/a\"\n");
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_NE(errors[0].find("keep one of them"), std::string::npos) << errors[0];
}

TEST(Config, ReadsListenersInTheirOrder) {
    const Config config = accepted(R"(
[[listener]]
url = "mqtt://127.0.0.1:1884"
realm = "plant-7"
proxy_protocol = true
connections_max = 100
[[listener]]
url = "unix:/run/godwit.sock"
[[listener]]
url = "wss://[::1]:443/ws?cert=/c.pem&key=/k.pem"
realm = "plant-7"
allow_anonymous = false
)");
    EXPECT_THAT(urls(config), ElementsAre("mqtt://127.0.0.1:1884", "unix:/run/godwit.sock",
                                          "wss://[::1]:443/ws"));
    const auto& listeners = config.options.listeners;
    EXPECT_EQ(listeners[0].realm, "plant-7");
    EXPECT_TRUE(listeners[0].proxy_protocol);
    EXPECT_EQ(listeners[0].connections_max, 100u);
    EXPECT_EQ(listeners[2].url.cert, "/c.pem");
    EXPECT_FALSE(listeners[2].anonymous_allowed);
}

TEST(Config, TheBrokerGetsRealmsAndPoliciesByNumber) {
    const auto broker = accepted(R"(
[auth]
password_file = "/p"
[[listener]]
url = "mqtt://127.0.0.1:1"
realm = "b"
[[listener]]
url = "mqtt://127.0.0.1:2"
allow_anonymous = true
[[listener]]
url = "mqtt://127.0.0.1:3"
realm = "b"
)")
                            .options.broker;
    ASSERT_EQ(broker.realms.size(), 2u);
    EXPECT_EQ(broker.realms[0].name, "default");
    EXPECT_EQ(broker.realms[1].name, "b");
    ASSERT_EQ(broker.listeners.size(), 3u);
    EXPECT_EQ(broker.listeners[0].realm, 1);
    EXPECT_EQ(broker.listeners[1].realm, 0);
    EXPECT_EQ(broker.listeners[2].realm, 1);
    EXPECT_FALSE(broker.listeners[0].allow_anonymous);
    EXPECT_TRUE(broker.listeners[1].allow_anonymous);
    EXPECT_TRUE(broker.listeners[0].check_password);
    EXPECT_EQ(broker.listeners[0].name, "mqtt://127.0.0.1:1");
}

TEST(Config, TomlThatIsNoneIsOneFaultWithItsLine) {
    const auto lines = faults("[server]\nshards = 4\nshards = 5\n[limits\n");
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_THAT(lines[0], testing::StartsWith("f:3: "));
}

TEST(Config, ATableHeaderWithoutAKeyIsAFaultAndNoCrash) {
    for (const auto* text : {"[=", "[[=]]", "[[[a]]]", "[.a]", "[a.]", "[", "[[", "[\xff]", "[#"}) {
        const auto lines = faults(text);
        ASSERT_EQ(lines.size(), 1u) << text;
        EXPECT_THAT(lines[0], testing::StartsWith("f:1: "));
    }
}

TEST(Config, NoCharacterOutsideOfQuotesIsMoreThanAFault) {
    for (uint32_t c = 0xf000; c < 0x10000; ++c) {
        const char utf8[] = {char(0xe0 | c >> 12), char(0x80 | (c >> 6 & 0x3f)),
                             char(0x80 | (c & 0x3f)), 0};
        Sources sources;
        const std::string text = "[server]\n" + std::string(utf8) + "shards = 1\n";
        sources.text = text;
        const auto config = parse_config(sources);
        EXPECT_TRUE(config || config.error().size() == 1) << std::hex << c;
    }
}

TEST(Config, AnUnknownKeyIsNamedWithItsLineAndTheNearestOne) {
    EXPECT_THAT(faults("[server]\n\nshard = 4\n"),
                ElementsAre("f:3: server.shard: there is no such key; did you mean shards?"));
    EXPECT_THAT(faults("[limits]\nrecieve_maximum = 4\n"),
                ElementsAre("f:2: limits.recieve_maximum: there is no such key; "
                            "did you mean receive_maximum?"));
    EXPECT_THAT(faults("[[listener]]\nport = 1\nurl = 'mqtt://127.0.0.1'\n"),
                ElementsAre("f:2: listener.port: there is no such key"));
    EXPECT_THAT(faults("[server]\npassword_file = 'x'\n"),
                ElementsAre("f:2: server.password_file: there is no such key; "
                            "password_file belongs to [auth]"));
}

TEST(Config, AnUnknownSectionIsNamedWithTheNearestOne) {
    EXPECT_THAT(faults("\n[limit]\nshards = 4\n"),
                ElementsAre("f:2: limit: there is no such section; did you mean [limits]?"));
    EXPECT_THAT(
        faults("[[listeners]]\nurl = 'x'\n"),
        ElementsAre("f:1: listeners: there is no such section; did you mean [[listener]]?"));
    EXPECT_THAT(faults("[bananas]\n"), ElementsAre("f:1: bananas: there is no such section"));
}

TEST(Config, BracketsHaveToFit) {
    EXPECT_THAT(faults("[listener]\nurl = 'mqtt://127.0.0.1'\n"),
                ElementsAre("f:1: listener: the section is a list, in double brackets; "
                            "write [[listener]]"));
    EXPECT_THAT(faults("[[server]]\nshards = 1\n"),
                ElementsAre("f:1: server: the section stands there once, in single brackets; "
                            "write [server]"));
}

TEST(Config, AKeyOutsideOfSectionsIsRefused) {
    EXPECT_THAT(faults("shards = 4\n"), ElementsAre("f:1: shards: the key is in no section; "
                                                    "every key stands below a [section]"));
    EXPECT_THAT(faults("listener = 'mqtt://127.0.0.1'\n"),
                ElementsAre("f:1: listener: the key is in no section; write [[listener]]"));
    EXPECT_THAT(faults("listener = []\n"),
                ElementsAre("f:1: listener: the key is in no section; write [[listener]]"));
}

TEST(Config, AWrongTypeIsRefused) {
    EXPECT_THAT(faults("[server]\nshards = '4'\n"),
                ElementsAre("f:2: server.shards: this is text in quotes; it takes an integer"));
    EXPECT_THAT(faults("[server]\nshards = 4.0\n"),
                ElementsAre("f:2: server.shards: this is a number with a fraction; "
                            "it takes an integer"));
    EXPECT_THAT(faults("[server]\nlog_level = 1\n"),
                ElementsAre("f:2: server.log_level: this is an integer; it takes text in quotes"));
    EXPECT_THAT(faults("[limits]\nqueue_qos0 = 1\n"),
                ElementsAre("f:2: limits.queue_qos0: this is an integer; it takes true or false"));
    EXPECT_THAT(faults("[server.log_file]\na = 1\n"),
                ElementsAre("f:1: server.log_file: this is a table; it takes text in quotes"));
    EXPECT_THAT(faults("[server]\nlog_file = ['a']\n"),
                ElementsAre("f:2: server.log_file: this is an array; it takes text in quotes"));
    EXPECT_THAT(faults("[server]\nlog_file = 2020-01-01\n"),
                ElementsAre("f:2: server.log_file: this is a date or time; "
                            "it takes text in quotes"));
}

TEST(Config, AValueOutOfRangeIsRefusedWithTheRange) {
    EXPECT_THAT(faults("[limits]\nreceive_maximum = 0\n"),
                ElementsAre("f:2: limits.receive_maximum: 0 is out of range; "
                            "it goes from 1 to 65535 messages"));
    EXPECT_THAT(faults("[limits]\nreceive_maximum = 65536\n"),
                ElementsAre("f:2: limits.receive_maximum: 65536 is out of range; "
                            "it goes from 1 to 65535 messages"));
    EXPECT_THAT(faults("[limits]\npacket_bytes_max = -1\n"),
                ElementsAre(HasSubstr("-1 is out of range")));
    EXPECT_THAT(faults("[server]\nlog_level = 'loud'\n"),
                ElementsAre("f:2: server.log_level: \"loud\" is not known here; "
                            "it is one of \"debug\", \"info\", \"warning\", \"error\""));
    EXPECT_THAT(faults("[server]\nlog_file = \"a\\u0000b\"\n"),
                ElementsAre("f:2: server.log_file: the text holds a zero byte"));
}

TEST(Config, EveryFaultIsReportedInTheOrderOfLines) {
    EXPECT_THAT(faults("[server]\nshards = 'x'\nbananas = 1\n[admin]\nlisten = 1\n"),
                ElementsAre(HasSubstr("f:2: server.shards"), HasSubstr("f:3: server.bananas"),
                            HasSubstr("f:5: admin.listen")));
}

// --- environment and command line ---

TEST(Config, VariablesWinOverTheFile) {
    Sources sources;
    sources.text =
        "[limits]\nreceive_maximum = 7\nqueue_qos0 = false\n[server]\nlog_level='info'\n";
    sources.environment = {{"GODWIT_LIMITS_RECEIVE_MAXIMUM", "9"},
                           {"GODWIT_LIMITS_QUEUE_QOS0", "true"},
                           {"GODWIT_SERVER_LOG_LEVEL", "error"},
                           {"GODWIT_AUTH_ALLOW_ANONYMOUS", "true"},
                           {"HOME", "/root"}};
    const Config config = accepted(sources);
    EXPECT_EQ(config.options.broker.limits.receive_maximum, 9);
    EXPECT_TRUE(config.options.broker.limits.queue_qos0);
    EXPECT_EQ(config.options.server.log_level, LogLevel::Error);
    EXPECT_EQ(config.options.auth.allow_anonymous, true);
    EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(Config, ABadVariableIsRefusedByItsName) {
    const std::tuple<const char*, const char*, const char*> kBad[] = {
        {"GODWIT_LIMITS_RECEIVE_MAXIMUM", "many",
         "GODWIT_LIMITS_RECEIVE_MAXIMUM: \"many\" is not an integer; it goes from 1 to 65535 "
         "messages"},
        {"GODWIT_LIMITS_RECEIVE_MAXIMUM", "0",
         "GODWIT_LIMITS_RECEIVE_MAXIMUM: 0 is out of range; it goes from 1 to 65535 messages"},
        {"GODWIT_LIMITS_RECEIVE_MAXIMUM", "99999999999999999999",
         "GODWIT_LIMITS_RECEIVE_MAXIMUM: \"99999999999999999999\" is not an integer; it goes from "
         "1 "
         "to 65535 messages"},
        {"GODWIT_LIMITS_QUEUE_QOS0", "yes",
         "GODWIT_LIMITS_QUEUE_QOS0: \"yes\" is neither true nor false"},
        {"GODWIT_SERVER_SHARD", "1",
         "GODWIT_SERVER_SHARD: there is no such key; did you mean shards?"},
        {"GODWIT_SERVER_LOG_FORMAT", "xml",
         "GODWIT_SERVER_LOG_FORMAT: \"xml\" is not known here; it is one of \"logfmt\", \"json\""},
        {"GODWIT_LISTENER_URL", " ", "GODWIT_LISTENER_URL: there is no URL"},
    };
    for (const auto& [name, value, line] : kBad) {
        Sources sources;
        sources.environment = {{name, value}};
        EXPECT_THAT(faults(sources), ElementsAre(line));
    }
}

TEST(Config, AVariableOfNoSectionIsAWarning) {
    Sources sources;
    sources.environment = {{"GODWIT_LIMIT_RECEIVE_MAXIMUM", "1"}, {"GODWIT_", "x"}};
    const Config config = accepted(sources);
    ASSERT_EQ(config.warnings.size(), 2u);
    EXPECT_EQ(to_text(config.warnings[1], "f"),
              "GODWIT_LIMIT_RECEIVE_MAXIMUM: the variable belongs to no section and is not used; "
              "did you mean [limits]?");
}

TEST(Config, AVariableReplacesTheListenersAndOthersSetAKeyOnEach) {
    Sources sources;
    sources.text = "[[listener]]\nurl = 'mqtt://127.0.0.1:1'\n";
    sources.environment = {{"GODWIT_LISTENER_URL", " mqtt://0.0.0.0  ws://0.0.0.0/x "},
                           {"GODWIT_LISTENER_ALLOW_ANONYMOUS", "true"}};
    const Config config = accepted(sources);
    EXPECT_THAT(urls(config), ElementsAre("mqtt://0.0.0.0:1883", "ws://0.0.0.0:8083/x"));
    EXPECT_TRUE(config.options.listeners[1].anonymous_allowed);
}

TEST(Config, TheCommandLineWinsOverVariables) {
    Sources sources;
    sources.text = "[[listener]]\nurl = 'mqtt://127.0.0.1:1'\n";
    sources.environment = {{"GODWIT_LISTENER_URL", "mqtt://127.0.0.1:2"},
                           {"GODWIT_SERVER_SHARDS", "2"}};
    sources.listen = {"mqtt://127.0.0.1:3", "unix:/tmp/x"};
    sources.settings = {{"server.shards", "3"}, {"server.log_level", "warning"}};
    const Config config = accepted(sources);
    EXPECT_THAT(urls(config), ElementsAre("mqtt://127.0.0.1:3", "unix:/tmp/x"));
    EXPECT_EQ(config.options.server.shard_count, 3u);
    EXPECT_EQ(config.options.server.log_level, LogLevel::Warning);
}

TEST(Config, ABadOptionOfTheCommandLineIsRefused) {
    Sources sources;
    sources.settings = {{"server.shards", "many"}, {"nonsense", "1"}, {"", ""}};
    EXPECT_THAT(
        faults(sources),
        ElementsAre("server.shards: \"many\" is not an integer; it goes from 0 to 64 threads",
                    "nonsense: there is no such key", "there is no such key"));
    Sources bad_url;
    bad_url.listen = {"tcp://h"};
    EXPECT_THAT(faults(bad_url),
                ElementsAre(HasSubstr("--listen: url \"tcp://h\": it begins with")));
}

// --- what does not fit together ---

TEST(Config, AListenerNeedsAGoodUrl) {
    EXPECT_THAT(faults("[[listener]]\nrealm = 'x'\n"),
                ElementsAre(HasSubstr("f:1: listener: the listener has no url")));
    EXPECT_THAT(
        faults("[[listener]]\n\nurl = 'mqtt://127.0.0.1:x'\n"),
        ElementsAre("f:3: listener: url \"mqtt://127.0.0.1:x\": the port 'x' is not a number "
                    "from 0 to 65535"));
}

TEST(Config, AnExposedListenerWithoutAuthenticationIsRefused) {
    for (const auto* url :
         {"mqtt://0.0.0.0", "mqtt://[::]", "ws://192.0.2.1", "mqtt://example.org",
          "mqtts://0.0.0.0?cert=c&key=k", "mqtts://0.0.0.0?cert=c&key=k&ca=a&verify=optional"}) {
        const auto lines = faults("[[listener]]\nurl = '" + std::string(url) + "'\n");
        ASSERT_EQ(lines.size(), 1u) << url;
        EXPECT_THAT(lines[0], HasSubstr("f:2: listener: "));
        EXPECT_THAT(lines[0], HasSubstr("can be reached from other machines"));
        EXPECT_THAT(lines[0], HasSubstr("allow_anonymous = true"));
    }
}

TEST(Config, AnExposedListenerIsAcceptedWithAPasswordFile) {
    const Config config =
        accepted("[auth]\npassword_file = '/p'\n[[listener]]\nurl = 'mqtt://0.0.0.0'\n");
    EXPECT_FALSE(config.options.listeners[0].anonymous_allowed);
    EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(Config, AnExposedListenerIsAcceptedWithRequiredCertificates) {
    const Config config = accepted(
        "[[listener]]\nurl = 'mqtts://0.0.0.0'\ncert='c'\nkey='k'\nca='a'\nverify='required'\n");
    EXPECT_TRUE(config.options.listeners[0].anonymous_allowed) << "the certificate says who it is";
    EXPECT_EQ(config.options.listeners[0].url.verify, PeerVerify::Required);
    EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(Config, AnExposedListenerIsAcceptedWithAWarningWhenItIsWritten) {
    for (const auto* text :
         {"[[listener]]\nurl = 'mqtt://0.0.0.0'\nallow_anonymous = true\n",
          "[auth]\nallow_anonymous = true\n[[listener]]\nurl = 'mqtt://0.0.0.0'\n"})
        EXPECT_THAT(
            warnings(text),
            ElementsAre(HasSubstr("anybody who can reach mqtt://0.0.0.0:1883 may connect")));
}

TEST(Config, TheListenersWordOnAnonymousClientsWins) {
    const Config config = accepted(
        "[auth]\nallow_anonymous = true\npassword_file = '/p'\n"
        "[[listener]]\nurl = 'mqtt://0.0.0.0'\nallow_anonymous = false\n"
        "[[listener]]\nurl = 'mqtt://127.0.0.1'\n");
    EXPECT_FALSE(config.options.listeners[0].anonymous_allowed);
    EXPECT_TRUE(config.options.listeners[1].anonymous_allowed);
}

TEST(Config, WithAPasswordFileLoopbackIsClosedToAnonymousClientsToo) {
    const Config config = accepted("[auth]\npassword_file = '/p'\n");
    for (const auto& listener : config.options.listeners) EXPECT_FALSE(listener.anonymous_allowed);
}

TEST(Config, AListenerThatNobodyCanUseIsAWarning) {
    EXPECT_THAT(warnings("[[listener]]\nurl = 'mqtt://0.0.0.0'\nallow_anonymous = false\n"),
                ElementsAre(HasSubstr("nobody can connect to mqtt://0.0.0.0:1883")));
}

TEST(Config, TlsNeedsItsFiles) {
    EXPECT_THAT(faults("[[listener]]\nurl = 'mqtts://127.0.0.1'\ncert = 'c'\n"),
                ElementsAre(HasSubstr("mqtts://127.0.0.1:8883 needs cert and key")));
    EXPECT_THAT(faults("[[listener]]\nurl = 'wss://127.0.0.1?cert=c&key=k&verify=required'\n"),
                ElementsAre(HasSubstr("verify needs ca")));
    EXPECT_THAT(warnings("[[listener]]\nurl = 'wss://127.0.0.1?cert=c&key=k&ca=a'\n"),
                ElementsAre(HasSubstr("ca is not used without verify")));
}

TEST(Config, TlsKeysAndUrlAreJoinedUnlessTheyDiffer) {
    const Config config = accepted(
        "[[listener]]\nurl = 'mqtts://127.0.0.1?cert=c&verify=none'\nkey = 'k'\ncert = 'c'\n");
    EXPECT_EQ(config.options.listeners[0].url.cert, "c");
    EXPECT_EQ(config.options.listeners[0].url.key, "k");
    EXPECT_THAT(faults("[[listener]]\nurl = 'mqtts://127.0.0.1?cert=c&key=k'\ncert = 'd'\n"),
                ElementsAre(HasSubstr("cert is one file in the URL and another as a key")));
    EXPECT_THAT(faults("[[listener]]\nurl = 'mqtts://127.0.0.1?cert=c&key=k&ca=a&verify=none'\n"
                       "verify = 'required'\n"),
                ElementsAre(HasSubstr("verify is one thing in the URL and another as a key")));
}

TEST(Config, TlsKeysMeanNothingWithoutTls) {
    EXPECT_THAT(
        faults("[[listener]]\nurl = 'mqtt://127.0.0.1'\ncert = 'c'\nverify = 'none'\n"),
        ElementsAre(HasSubstr("mqtt://127.0.0.1:1883 has no TLS, so cert means nothing here"),
                    HasSubstr("so verify means nothing here")));
}

TEST(Config, TwoListenersCannotShareAnAddress) {
    EXPECT_THAT(faults("[[listener]]\nurl = 'mqtt://127.0.0.1'\n"
                       "[[listener]]\nurl = 'ws://127.0.0.1:1883'\n"),
                ElementsAre("f:4: listener: two listeners share one address: mqtt://127.0.0.1:1883 "
                            "and ws://127.0.0.1:1883/mqtt"));
    EXPECT_THAT(faults("[[listener]]\nurl = 'mqtt://127.0.0.1:8080'\n"),
                ElementsAre(HasSubstr("has the address of admin.listen")));
    accepted("[[listener]]\nurl='mqtt://127.0.0.1:0'\n[[listener]]\nurl='mqtt://127.0.0.1:0'\n");
}

TEST(Config, TheAdminPortNeedsAnAddressAndBeyondLoopbackAToken) {
    EXPECT_THAT(faults("[admin]\nlisten = '8080'\n"),
                ElementsAre(HasSubstr("f:2: admin.listen: \"8080\": ")));
    EXPECT_THAT(faults("[admin]\nlisten = '0.0.0.0:8080'\n"),
                ElementsAre(HasSubstr("f:2: admin.listen: the admin port can be reached from other "
                                      "machines, and anybody could ask it")));
    EXPECT_THAT(warnings("[admin]\nlisten = '0.0.0.0:8080'\ntoken_file = '/etc/token'\n"),
                ElementsAre());
}

TEST(Config, TheStoreIsSafeUnlessToldOtherwise) {
    EXPECT_EQ(accepted("").options.store.durability, store::Durability::Fsync);
    EXPECT_EQ(accepted("[store]\ndurability = 'os'\n").options.store.durability,
              store::Durability::Os);
    EXPECT_THAT(faults("[store]\ndurability = 'disk'\n"),
                ElementsAre(HasSubstr("f:2: store.durability: ")));
}

TEST(Config, WarningsDoNotNameALineThatSomethingElseOverruled) {
    Sources sources;
    sources.text = "[limits]\nqueue_bytes_max = 2048\n";
    sources.environment = {{"GODWIT_LIMITS_QUEUE_BYTES_MAX", "1024"}};
    const Config config = accepted(sources);
    ASSERT_EQ(config.warnings.size(), 1u);
    EXPECT_EQ(config.warnings[0].line, 0u);
}

// --- tokens ---

TEST(Config, TokensAreALoginAsPasswordsAre) {
    const Config config =
        accepted("[[listener]]\nurl = \"mqtt://0.0.0.0:1\"\n[auth]\njwt_keys_file = \"keys\"\n");
    EXPECT_FALSE(config.options.broker.listeners[0].allow_anonymous);
    EXPECT_TRUE(config.options.broker.listeners[0].check_password);
    EXPECT_EQ(config.options.auth.jwt_username_claim, "sub");
    EXPECT_TRUE(config.options.auth.jwt_expiry_required);
    EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(Config, UsersOfTheControlStoreAreALoginAsPasswordsAre) {
    const Config config = accepted(
        "[server]\ndata = \"d\"\n[[listener]]\nurl = \"mqtt://0.0.0.0:1\"\n[auth]\nusers = true\n");
    EXPECT_FALSE(config.options.broker.listeners[0].allow_anonymous);
    EXPECT_TRUE(config.options.broker.listeners[0].check_password);
    EXPECT_THAT(config.options.broker.auth_methods, ElementsAre("SCRAM-SHA-256"));
    EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(Config, UsersNeedTheDataDirectoryTheyAreIn) {
    EXPECT_THAT(faults("[auth]\nusers = true\n"),
                ElementsAre(HasSubstr("f:2: auth.users: the users are in the data directory")));
}

TEST(Config, CertificatesAsUserNamesNeedCertificates) {
    EXPECT_THAT(faults("[[listener]]\nurl = 'mqtt://127.0.0.1'\ncertificate_username = true\n"),
                ElementsAre(HasSubstr("so certificate_username means nothing here")));
    EXPECT_THAT(faults("[[listener]]\nurl = 'mqtts://127.0.0.1?cert=c&key=k'\n"
                       "certificate_username = true\n"),
                ElementsAre(HasSubstr("certificate_username needs verify")));
}

TEST(Config, WhereCertificatesAreUserNamesNobodyIsAnonymousUnlessItIsWritten) {
    for (const char* verify : {"required", "optional"}) {
        const std::string text = std::string("[[listener]]\nurl = 'mqtts://0.0.0.0:1?verify=") +
                                 verify + "&cert=c&key=k&ca=a'\ncertificate_username = true\n";
        const Config config = accepted(text);
        EXPECT_THAT(config.warnings, IsEmpty());
        EXPECT_TRUE(config.options.broker.listeners[0].certificate_username);
        EXPECT_FALSE(config.options.broker.listeners[0].allow_anonymous);
        EXPECT_TRUE(accepted(text + "allow_anonymous = true\n")
                        .options.broker.listeners[0]
                        .allow_anonymous);
    }
}

TEST(Config, RulesForTokensNeedKeys) {
    for (const char* rule : {"jwt_issuer = \"i\"", "jwt_audience = \"a\"",
                             "jwt_username_claim = \"u\"", "jwt_expiry_required = false"}) {
        const std::string text = std::string("[auth]\n") + rule + "\n";
        EXPECT_THAT(faults(text),
                    ElementsAre(HasSubstr("without keys no token is taken at all; set auth.jwt")))
            << rule;
        (void)accepted(text + "jwt_secret_file = \"s\"\n");
    }
}

TEST(Config, TokensMustNameTheirUser) {
    EXPECT_THAT(faults("[auth]\njwt_keys_file = \"k\"\njwt_username_claim = \"\"\n"),
                ElementsAre(HasSubstr("f:3: auth.jwt_username_claim: a token must name its user")));
}

TEST(Config, KeysComeOverHttpsOrFromLoopback) {
    const auto with_url = [](const std::string& url) {
        return "[auth]\njwt_keys_url = \"" + url + "\"\n";
    };
    const Config config = accepted(with_url("https://issuer.test/keys"));
    EXPECT_EQ(config.options.auth.keys_url->address.host, "issuer.test");
    EXPECT_TRUE(config.options.broker.listeners[0].check_password);
    (void)accepted(with_url("http://127.0.0.1:8000/keys"));
    EXPECT_THAT(faults(with_url("http://issuer.test/keys")),
                ElementsAre(HasSubstr("f:2: auth.jwt_keys_url: over http anybody on the way")));
    EXPECT_THAT(faults(with_url("issuer.test")), ElementsAre(HasSubstr("neither https:// nor")));
    EXPECT_THAT(faults("[auth]\njwt_keys_ca = \"ca\"\n"), ElementsAre(HasSubstr("without keys")));
}

TEST(Config, LoginsAreAskedAboutOverHttpsOrOnLoopback) {
    const auto with = [](const std::string& lines) { return "[auth]\n" + lines + "\n"; };
    const Config config = accepted(with("callout_url = \"https://login.test/ask\""));
    EXPECT_EQ(config.options.auth.callout_http->target, "/ask");
    EXPECT_TRUE(config.options.broker.listeners[0].check_password);
    EXPECT_FALSE(config.options.broker.listeners[0].allow_anonymous);
    EXPECT_THAT(config.warnings, IsEmpty());
    (void)accepted(with("callout_url = \"http://[::1]:80\""));
    EXPECT_THAT(faults(with("callout_url = \"http://login.test/\"")),
                ElementsAre(HasSubstr("auth.callout_url: over http anybody on the way")));
    EXPECT_THAT(faults(with("callout_url = \"http://127.0.0.1/\"\ncallout_ca = \"ca\"")),
                ElementsAre(HasSubstr("auth.callout_ca: http has no certificates")));
    for (const char* line :
         {"callout_ca = \"ca\"", "callout_token_file = \"t\"", "callout_cache_s = 1"})
        EXPECT_THAT(faults(with(line)), ElementsAre(HasSubstr("set auth.callout_url"))) << line;
}

TEST(Config, WarnsWhereTheCalloutMayTakeLongerThanTheConnection) {
    const Config config =
        accepted("[auth]\ncallout_url = \"https://login.test/\"\ncallout_timeout_s = 10\n");
    ASSERT_EQ(config.warnings.size(), 1u);
    EXPECT_EQ(config.warnings[0].key, "auth.callout_timeout_s");
}

TEST(Config, OnlyTlsNamesAServer) {
    EXPECT_THAT(faults("[[listener]]\nurl = \"mqtt://127.0.0.1:1\"\nrealm_by = \"server_name\"\n"),
                ElementsAre(HasSubstr("has no TLS, so nobody names a server")));
}

}  // namespace
}  // namespace godwit::config
