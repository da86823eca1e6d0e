#include "auth/explain.h"

#include "auth/acl.h"
#include "auth/policy_file.h"
#include "base/json.h"

#include <gtest/gtest.h>

namespace godwit::auth {
namespace {

Policy policy(std::string_view text) {
    auto file = parse_policy(text);
    EXPECT_TRUE(file);
    file->policy.set_source("/etc/p");
    return std::move(file->policy);
}

const Subject kAnn{.client_id = "c", .username = "ann"};

TEST(Explain, NamesTheRuleThatDecides) {
    const Policy rules = policy("allow publish a/#\ndeny publish a/b\n");
    EXPECT_EQ(to_text(explain(rules, kAnn, {Action::Publish, "a/c"})),
              "allowed by /etc/p:1\n  allow publish a/#\n");
    EXPECT_EQ(to_text(explain(rules, kAnn, {Action::Publish, "a/b"})),
              "denied by /etc/p:2\n  deny publish a/b\n");
}

TEST(Explain, NamesTheRulesThatWouldAllowItButForOneThing) {
    const Policy rules = policy(
        "allow publish a user=ben\n"
        "allow publish a qos<=1\n"
        "allow publish b c user=ann\n"
        "allow publish d user=ben\n"
        "allow receive a\n");
    EXPECT_EQ(to_text(explain(rules, kAnn, {Action::Publish, "a", 2})),
              "denied: no rule of /etc/p allows it\n"
              "nearest:\n"
              "  /etc/p:2: allow publish a qos<=1\n"
              "    beyond its limit of qos or payload\n"
              "  /etc/p:1: allow publish a user=ben\n"
              "    it is about other clients\n"
              "  /etc/p:3: allow publish b c user=ann\n"
              "    another topic\n");
}

TEST(Explain, SaysWhenASubscriptionIsTooWide) {
    const auto answer = explain(policy("allow subscribe a/b\n"), kAnn, {Action::Subscribe, "a/#"});
    ASSERT_EQ(answer.nearest.size(), 1u);
    EXPECT_EQ(answer.nearest[0].why, "it allows only a part of this filter");
}

TEST(Explain, SaysThatThereIsNoPolicyOrNoRuleOfConnecting) {
    EXPECT_EQ(to_text(explain_without_policy()),
              "allowed: there is no policy; auth.policy_file names one\n");
    auto acl = parse_acl("topic a\n");
    acl->set_source("/etc/acl");
    EXPECT_EQ(to_text(explain(*acl, kAnn, {})),
              "allowed: an ACL file says nothing of connecting\n");
}

TEST(Explain, IsJsonWhateverTheFileSays) {
    const Policy rules = policy("allow publish \"a\\\"\\\\b\"\nallow publish z\n");
    for (const auto* topic : {"z", "y", "a\"b"})
        EXPECT_TRUE(
            is_json("{" + to_json_members(explain(rules, kAnn, {Action::Publish, topic})) + "}"));
}

}  // namespace
}  // namespace godwit::auth
