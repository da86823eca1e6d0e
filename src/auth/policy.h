// Policy: what clients may do, as compiled rules. Two files become one: the policy file
// (policy_file.h, docs/policy.md) and Mosquitto's acl_file (acl.h).
//
// How a question is answered:
// - Nothing is allowed unless a rule allows it. deny wins over every allow, wherever it stands.
// - Publish and Receive ask about one topic name; a retained publish asks Publish and Retain.
// - Subscribe asks about a filter. It is allowed where one rule that allows covers all of it, and
//   refused where a rule that denies shares a topic with it. (In an ACL file: allowed where a rule
//   shares a topic with it, refused where a denying rule covers all of it; what a wider
//   subscription would get is cut message by message, as Mosquitto's users expect it.)
// - Limits (QoS, payload) are part of a rule: beyond them it says nothing.
//
// Which rules are about a client is found once, when it connects or the policy changes: see
// profiles.h. `decide` here does both, for tools and tests.
#pragma once

#include "auth/condition.h"
#include "auth/subject.h"
#include "auth/topic_template.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::auth {

enum class Action : uint8_t { Connect, Publish, Retain, Subscribe, Receive };
inline constexpr size_t kActionCount = 5;
/// "connect", "publish", ...
std::string_view name_of(Action action);

struct Request {
    Action action = Action::Connect;
    std::string_view topic;      // Subscribe: a filter without its $share prefix; Connect: empty
    uint8_t qos = 0;             // Publish, Retain, Subscribe
    uint64_t payload_bytes = 0;  // Publish, Retain
};

/// A request that owns its topic.
struct OwnedRequest {
    Action action = Action::Connect;
    std::string topic;
    uint8_t qos = 0;
    uint64_t payload_bytes = 0;

    Request view() const { return {action, topic, qos, payload_bytes}; }
};

struct Decision {
    bool allowed = false;
    uint32_t line = 0;  // of the rule that decided; 0: none did, so it is denied

    friend bool operator==(const Decision&, const Decision&) = default;
};

struct Limit {
    uint8_t qos_min = 0, qos_max = 2;
    uint64_t payload_min = 0, payload_max = UINT64_MAX;

    bool includes(const Request& request) const {
        return request.qos >= qos_min && request.qos <= qos_max &&
               request.payload_bytes >= payload_min && request.payload_bytes <= payload_max;
    }
};

/// One topic of one line.
struct Rule {
    uint32_t line = 0;
    uint32_t audience = 0;  // index of the conditions that it shares with others
    uint8_t actions = 0;    // bit per Action
    bool allows = false;
    Limit limit;
    TopicTemplate topic;  // not asked for Connect

    bool is_about(Action action) const { return actions >> uint8_t(action) & 1; }
};

/// How a filter that a client subscribes to is measured; see above.
enum class SubscribeBy : uint8_t { Whole, Part };

class Policy {
public:
    explicit Policy(SubscribeBy by = SubscribeBy::Whole) : by_(by) {}

    // --- building ---

    /// @return  the index for Rule::audience; clients for whom all of these hold
    uint32_t add_audience(std::vector<Condition> all_of);
    void add_rule(Rule rule);
    /// The text of a line, for people.
    void note_line(uint32_t line, std::string_view text) { lines_[line] = text; }
    /// Where it was read from, for people: "/etc/godwit/policy".
    void set_source(std::string source) { source_ = std::move(source); }

    // --- asking ---

    Decision decide(const Subject& subject, const Request& request) const;
    /// The rules about this client: those that deny first, each kind in the order of the file.
    /// @cost  linear in the audiences that name no user, plus those of this user
    std::vector<uint32_t> rules_about(const Subject& subject) const;
    /// The first of these rules that decides.
    /// @cost  a few ns for a rule whose topic begins otherwise; no allocation while a filled filter
    ///        stays within 500 bytes
    Decision decide(const std::vector<uint32_t>& rules, const Subject& subject,
                    const Request& request) const;
    /// Whether the rule is about such a topic, whoever asks with whatever limits.
    bool touches(const Rule& rule, const Subject& subject, const Request& request) const;

    const std::vector<Rule>& rules() const { return rules_; }
    bool is_about(const Rule& rule, const Subject& subject) const;
    const std::string& source() const { return source_; }
    /// Empty for line 0.
    std::string_view line_text(uint32_t line) const;
    /// Some rule is about certificates or tokens.
    bool asks_for_credentials() const { return asks_for_credentials_; }
    /// "policy:12" for /etc/godwit/policy, "no rule allows it": for log lines and reasons.
    std::string text_of(const Decision& decision) const;

private:
    using Audience = std::vector<Condition>;
    bool answers(const Rule& rule, const Subject& subject, const Request& request) const;

    SubscribeBy by_;
    bool asks_for_credentials_ = false;
    std::string source_;
    std::vector<Rule> rules_;
    std::vector<Audience> audiences_;
    std::vector<std::vector<uint32_t>> rules_of_;  // by audience
    std::map<std::string, std::vector<uint32_t>, std::less<>> by_user_;
    std::vector<uint32_t> open_;  // audiences that are not in by_user_
    std::map<uint32_t, std::string> lines_;
};

}  // namespace godwit::auth
