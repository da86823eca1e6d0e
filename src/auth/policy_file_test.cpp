#include "auth/policy_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/policy_doubts.h"
#include "auth/profiles.h"

namespace godwit::auth {
namespace {

using testing::HasSubstr;

Policy policy(std::string_view text) {
    auto parsed = parse_policy(text);
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().what);
    return parsed ? std::move(parsed->policy) : Policy();
}

constexpr Decision kNoRule{false, 0};
constexpr Decision allowed_by(uint32_t line) {
    return {true, line};
}
constexpr Decision denied_by(uint32_t line) {
    return {false, line};
}

const Subject kAnn{.client_id = "ann-1", .username = "ann"};
const Subject kBen{.client_id = "ben-1", .username = "ben"};
const Subject kNobody{.client_id = "c"};

Decision ask(const Policy& rules, const Subject& who, Action action, std::string_view topic = {},
             uint8_t qos = 0, uint64_t payload_bytes = 0) {
    return rules.decide(who, {action, topic, qos, payload_bytes});
}

// --- reading ---

TEST(PolicyFile, AnEmptyOneDeniesEverythingConnectingToo) {
    for (const auto* text : {"", "\n \n", "# nothing\r\n", "for user=ann\n"}) {
        const Policy rules = policy(text);
        for (size_t action = 0; action < kActionCount; ++action)
            EXPECT_EQ(ask(rules, kAnn, Action(action), "a"), kNoRule) << text;
    }
}

TEST(PolicyFile, ARuleIsALineWithTopicsConditionsAndLimits) {
    const Policy rules = policy(
        "# comment\n"
        "allow connect\n"
        "  allow publish,receive a/# \"b c/+\" user=ann|eve qos<=1 payload<=2KiB\r\n");
    EXPECT_EQ(ask(rules, kNobody, Action::Connect), allowed_by(2));
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "a/x", 1, 2048), allowed_by(3));
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "b c/x"), allowed_by(3));
    EXPECT_EQ(ask(rules, kAnn, Action::Receive, "a/x"), allowed_by(3));
    EXPECT_EQ(ask(rules, kAnn, Action::Retain, "a/x"), kNoRule);
    EXPECT_EQ(ask(rules, kBen, Action::Publish, "a/x"), kNoRule);
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "a/x", 2), kNoRule);
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "a/x", 1, 2049), kNoRule);
}

TEST(PolicyFile, WriteAndReadAreTwoActionsEach) {
    const Policy rules = policy("allow write w\nallow read r\n");
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "w"), allowed_by(1));
    EXPECT_EQ(ask(rules, kAnn, Action::Retain, "w"), allowed_by(1));
    EXPECT_EQ(ask(rules, kAnn, Action::Subscribe, "w"), kNoRule);
    EXPECT_EQ(ask(rules, kAnn, Action::Subscribe, "r"), allowed_by(2));
    EXPECT_EQ(ask(rules, kAnn, Action::Receive, "r"), allowed_by(2));
}

TEST(PolicyFile, ASectionHoldsUpToTheNextOne) {
    const Policy rules = policy(
        "for user=ann\n"
        "allow publish a\n"
        "allow publish b client=ann-1\n"
        "for anonymous\n"
        "allow publish c\n"
        "for everyone\n"
        "allow publish d\n");
    const Subject other{.client_id = "ann-2", .username = "ann"};
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "a"), allowed_by(2));
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "b"), allowed_by(3));
    EXPECT_EQ(ask(rules, other, Action::Publish, "b"), kNoRule);
    EXPECT_EQ(ask(rules, kBen, Action::Publish, "a"), kNoRule);
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "c"), kNoRule);
    EXPECT_EQ(ask(rules, kNobody, Action::Publish, "c"), allowed_by(5));
    EXPECT_EQ(ask(rules, kBen, Action::Publish, "d"), allowed_by(7));
}

TEST(PolicyFile, AFaultNamesLineColumnAndWhatToDo) {
    struct Bad {
        const char* line;
        uint32_t column;
        const char* what;
    };
    const Bad kBad[] = {
        {"alow publish a", 1, "did you mean allow?"},
        {"topic read a", 1, "a line begins with allow, deny, for or expect"},
        {"allow", 1, "allow connect"},
        {"allow pubish a", 7, "did you mean publish?"},
        {"allow frobnicate a", 7, "there are connect, publish"},
        {"allow publish,,retain a", 7, "'' is nothing that clients do"},
        {"allow connect,publish a", 7, "on a line of its own"},
        {"allow connect a", 15, "'a' is no condition"},
        {"allow publish", 7, "which topics?"},
        {"allow publish user=ann", 15, "which topics?"},
        {"allow publish a+/b", 15, "'a+/b' is no topic filter"},
        {"allow publish a/{clinet}", 15, "did you mean {client}?"},
        {"allow publish a/{client", 15, "'{' without its '}'"},
        {"allow publish a/client}", 15, "'}' without its '{'"},
        {"allow subscribe $share/g/a", 17, "leave $share/NAME/ away"},
        {"allow publish a usr=ann", 17, "did you mean user?"},
        {"allow publish a user<=ann", 17, "user is compared with = or !="},
        {"allow publish a user=", 17, "a value is missing"},
        {"allow publish a user=ann|", 17, "a value is missing"},
        {"allow publish a user={clint}", 17, "{clint} stands for nothing"},
        {"allow publish a qos=1", 17, "qos is compared with <= or >"},
        {"allow publish a qos<=3", 17, "qos is 0, 1 or 2"},
        {"allow publish a payload<=1GB", 17, "a size is a number of bytes"},
        {"allow subscribe a payload<=1", 19, "payload says nothing here"},
        {"allow receive a qos<=1", 17, "qos says nothing here"},
        {"allow publish \"a", 15, "a '\"' without its partner"},
        {"allow publish a\\", 15, "a '\\' at the end"},
        {"expect", 1, "expect what?"},
        {"for", 1, "whom is it for?"},
        {"for everyone user=a", 14, "nothing follows 'for everyone'"},
        {"for everbody", 5, "'everbody' is no condition"},
        {"expect allow", 8, "what is asked?"},
        {"expect publish a", 8, "expect what?"},
        {"expect allow read a", 14, "a case asks one thing"},
        {"expect allow publish a/#", 22, "'a/#' is no topic name"},
        {"expect allow publish a usr=ann", 24, "a client has no 'usr'; did you mean user?"},
        {"expect allow publish a qos=7", 24, "'7' is no QoS"},
        {"allow publish \xff", 0, "the line is not UTF-8"},
    };
    for (const Bad& bad : kBad) {
        const auto parsed = parse_policy("allow connect\n\n" + std::string(bad.line) + "\n");
        ASSERT_FALSE(parsed) << bad.line;
        EXPECT_EQ(parsed.error().line, 3u) << bad.line;
        EXPECT_EQ(parsed.error().column, bad.column) << bad.line << ": " << parsed.error().what;
        EXPECT_THAT(parsed.error().what, HasSubstr(bad.what)) << bad.line;
    }
}

TEST(PolicyFile, WordsWithSignsAreQuotedOrEscaped) {
    const Policy rules = policy(
        "allow publish \"user=x\"\n"
        "allow publish a\\{b\\}\n"
        "allow publish q user=\"John Smith\"|a\\*b\n");
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "user=x"), allowed_by(1));
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "a{b}"), allowed_by(2));
    EXPECT_EQ(ask(rules, {.username = "John Smith"}, Action::Publish, "q"), allowed_by(3));
    EXPECT_EQ(ask(rules, {.username = "a*b"}, Action::Publish, "q"), allowed_by(3));
    EXPECT_EQ(ask(rules, {.username = "axb"}, Action::Publish, "q"), kNoRule);
}

TEST(PolicyFile, TheTextOfTheDecidingLineIsKept) {
    Policy rules = policy("\n   allow publish a/#   user=ann \n");
    rules.set_source("/etc/p");
    EXPECT_EQ(rules.line_text(2), "allow publish a/#   user=ann");
    EXPECT_EQ(rules.text_of(allowed_by(2)), "p:2");
    EXPECT_EQ(rules.text_of(kNoRule), "no rule allows it");
}

// --- deciding ---

TEST(PolicyDecisions, DenyWinsWhereverItStands) {
    const Policy rules = policy("deny publish a/secret\nallow write a/#\ndeny publish a/x qos>0\n");
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "a/y"), allowed_by(2));
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "a/secret"), denied_by(1));
    EXPECT_EQ(ask(rules, kAnn, Action::Retain, "a/secret"), allowed_by(2));
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "a/x", 0), allowed_by(2));
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "a/x", 1), denied_by(3));
}

TEST(PolicyDecisions, ASubscriptionMustBeCoveredAndMayTouchNothingDenied) {
    const Policy rules = policy("allow subscribe plant/#\ndeny subscribe plant/+/key\n");
    EXPECT_EQ(ask(rules, kAnn, Action::Subscribe, "plant/7/temp"), allowed_by(1));
    EXPECT_EQ(ask(rules, kAnn, Action::Subscribe, "plant/7/+/x"), allowed_by(1));
    EXPECT_EQ(ask(rules, kAnn, Action::Subscribe, "plant/7/+"), denied_by(2));
    EXPECT_EQ(ask(rules, kAnn, Action::Subscribe, "#"), denied_by(2));
    EXPECT_EQ(ask(rules, kAnn, Action::Subscribe, "+/x"), kNoRule) << "wider than what is allowed";
}

TEST(PolicyDecisions, ConditionsAreAboutEveryAttribute) {
    const Policy rules = policy(
        "allow publish r realm=north\n"
        "allow publish c cn=pump-*\n"
        "allow publish j claim.role=admin\n"
        "allow publish n user!=ann client!=*-2\n");
    const Claim claims[] = {{"role", "reader"}, {"role", "admin"}};
    EXPECT_EQ(ask(rules, {.realm = "north"}, Action::Publish, "r"), allowed_by(1));
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "r"), kNoRule);
    EXPECT_EQ(ask(rules, {.common_name = "pump-7"}, Action::Publish, "c"), allowed_by(2));
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "c"), kNoRule) << "no certificate";
    EXPECT_EQ(ask(rules, {.claims = claims}, Action::Publish, "j"), allowed_by(3));
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "j"), kNoRule);
    EXPECT_EQ(ask(rules, kBen, Action::Publish, "n"), allowed_by(4));
    EXPECT_EQ(ask(rules, kNobody, Action::Publish, "n"), allowed_by(4)) << "anonymous is not ann";
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "n"), kNoRule);
    EXPECT_EQ(ask(rules, {.client_id = "x-2"}, Action::Publish, "n"), kNoRule);
}

TEST(PolicyDecisions, AStarIsAnyRunAndPlacesInConditionsAreText) {
    const Policy rules = policy("allow connect client={user}-*\nallow publish a user=a*b*c\n");
    EXPECT_EQ(ask(rules, kAnn, Action::Connect), allowed_by(1));
    EXPECT_EQ(ask(rules, {.client_id = "ben-1", .username = "ann"}, Action::Connect), kNoRule);
    EXPECT_EQ(ask(rules, {.client_id = "xyz-1", .username = "*"}, Action::Connect), kNoRule);
    EXPECT_EQ(ask(rules, kNobody, Action::Connect), kNoRule);
    for (const auto* user : {"abc", "axbxc", "abbbc", "abcbc"})
        EXPECT_EQ(ask(rules, {.username = user}, Action::Publish, "a"), allowed_by(2)) << user;
    for (const auto* user : {"ab", "abcd", "xabc", "ac"})
        EXPECT_EQ(ask(rules, {.username = user}, Action::Publish, "a"), kNoRule) << user;
}

TEST(PolicyDecisions, PlacesInTopicsAreFilledByTheClient) {
    const Claim claims[] = {{"area", "north"}, {"area", "south"}};
    const Policy rules = policy(
        "allow publish dev/{client}/{user}/#\n"
        "allow publish area/{claim.area}/+\n"
        "allow publish {realm}/{cn}\n");
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "dev/ann-1/ann/x"), allowed_by(1));
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "dev/ben-1/ann/x"), kNoRule);
    EXPECT_EQ(ask(rules, kNobody, Action::Publish, "dev/c//x"), kNoRule) << "no user name";
    EXPECT_EQ(ask(rules, {.claims = claims}, Action::Publish, "area/south/x"), allowed_by(2));
    EXPECT_EQ(ask(rules, {.claims = claims}, Action::Publish, "area/west/x"), kNoRule);
    EXPECT_EQ(ask(rules, {.common_name = "p"}, Action::Publish, "default/p"), allowed_by(3));
    EXPECT_EQ(ask(rules, kAnn, Action::Publish, "default/"), kNoRule);
}

TEST(PolicyDecisions, NoValueSmugglesWildcardsOrSeparators) {
    const Policy grants = policy("allow write,read a/{client}/x {user}/# b/{claim.c}\n");
    const Policy denies = policy("allow publish # $SYS/#\ndeny publish a/{user}/key\n");
    for (const std::string& value :
         {std::string("+"), std::string("#"), std::string("v/x"), std::string(), std::string("+x"),
          std::string("x#"), std::string("a\0b", 3), std::string("$SYS")}) {
        const Claim claims[] = {{"c", value}};
        const Subject hostile{.client_id = value, .username = value, .claims = claims};
        for (const auto* topic : {"a/v/x", "v/x", "b/v", "b/v/x", "$SYS/x", "a//x", "/x"})
            for (const Action action : {Action::Publish, Action::Subscribe, Action::Receive})
                EXPECT_EQ(ask(grants, hostile, action, topic), kNoRule) << value << " " << topic;
        if (value == "$SYS") continue;
        EXPECT_EQ(ask(denies, hostile, Action::Publish, "a/anything"), denied_by(2)) << value;
        EXPECT_EQ(ask(denies, hostile, Action::Publish, "b"), allowed_by(1)) << value;
    }
}

// --- profiles ---

TEST(PolicyProfiles, ClientsWithTheSameRulesShareOne) {
    const Policy rules = policy("allow publish {client}/#\nallow publish a user=ann|ben\n");
    Profiles profiles(rules);
    EXPECT_EQ(profiles.of(kAnn), profiles.of(kBen));
    EXPECT_NE(profiles.of(kAnn), profiles.of(kNobody));
    EXPECT_EQ(profiles.size(), 3u) << "those two and nobody's";
    EXPECT_EQ(profiles.decide(profiles.of(kBen), kBen, {Action::Publish, "ben-1/x"}),
              allowed_by(1));
    EXPECT_EQ(profiles.decide(profiles.of(kBen), kBen, {Action::Publish, "a"}), allowed_by(2));
}

TEST(PolicyProfiles, WhoHasNoneMayNothing) {
    const Policy rules = policy("allow connect\nallow publish #\n");
    const Profiles profiles(rules);
    EXPECT_EQ(profiles.decide({}, kAnn, {Action::Connect, {}}), kNoRule);
    EXPECT_EQ(profiles.decide({}, kAnn, {Action::Publish, "a"}), kNoRule);
}

// --- cases and doubts ---

TEST(PolicyCases, AreReadWithTheirValues) {
    const auto file = parse_policy(
        "allow connect\n"
        "expect deny publish \"a b/c\" user=ann client=c1 cn=p realm=r claim.x=1 claim.x=2 qos=2 "
        "payload=4KiB\n");
    ASSERT_TRUE(file);
    ASSERT_EQ(file->cases.size(), 1u);
    const PolicyCase& one = file->cases.front();
    EXPECT_EQ(one.line, 2u);
    EXPECT_FALSE(one.allowed);
    EXPECT_EQ(one.request.action, Action::Publish);
    EXPECT_EQ(one.request.topic, "a b/c");
    EXPECT_EQ(one.request.qos, 2);
    EXPECT_EQ(one.request.payload_bytes, 4096u);
    EXPECT_EQ(one.subject.username, "ann");
    EXPECT_EQ(one.subject.client_id, "c1");
    EXPECT_EQ(one.subject.common_name, "p");
    EXPECT_EQ(one.subject.realm, "r");
    EXPECT_EQ(one.subject.claims.size(), 2u);
}

TEST(PolicyDoubts, AreAboutWhatNobodyCanHaveMeant) {
    EXPECT_TRUE(find_doubts(policy("allow connect\nallow read a/{client}/#\n")).empty());
    const auto mute = find_doubts(policy("allow write a\n"));
    ASSERT_EQ(mute.size(), 1u);
    EXPECT_THAT(mute[0].what, HasSubstr("nobody can connect"));
    const auto deaf = find_doubts(policy("allow connect\nallow subscribe a/#\nallow receive b\n"));
    ASSERT_EQ(deaf.size(), 1u);
    EXPECT_EQ(deaf[0].line, 2u);
}

}  // namespace
}  // namespace godwit::auth
