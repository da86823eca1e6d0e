// Topic permissions, in the format of Mosquitto's acl_file:
//   topic [read|write|readwrite|deny] <filter>     for the user of the section; before the first
//                                                  `user` line: for clients without a user name
//   user <name>                                    opens (or reopens) the section of that user
//   pattern [read|write|readwrite|deny] <filter>   for every client; %c is its client id, %u its
//                                                  user name, anywhere in the filter
// No access word means readwrite. A line that begins with '#' is a comment.
//
// How a decision is made:
// - Nothing is allowed unless a rule allows it; an empty file denies everything.
// - deny wins over every other rule, wherever it stands. (Mosquitto lets a `topic` rule of the user
//   win over a denying `pattern`; here no grant can undo a deny.)
// - Publish and Receive ask about one topic name: write rules and read rules that match it.
// - Subscribe asks about a filter. It is refused if a deny rule covers the whole filter, and
// allowed
//   if a read rule shares at least one topic with it; what a subscription that is wider than the
//   rules would get is cut message by message, because every delivery is a Receive decision. So
//   clients that subscribe to '#' and receive what they may read work as they do with Mosquitto,
//   which allows every SUBSCRIBE; a filter under which nothing could ever arrive is refused here.
// - Client ids and user names are hostile: one that is empty, holds '+', '#' or '/', or begins with
//   '$' where the pattern begins, never fills a placeholder. Such a pattern grants nothing, while a
//   denying one then denies everything from the level of the placeholder on. A pattern with %u says
//   nothing about clients without a user name.
#pragma once

#include "auth/file_error.h"
#include "base/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::auth {

enum class AclAction : uint8_t { Publish, Subscribe, Receive };

struct AclDecision {
    bool allowed = false;
    uint32_t line = 0;  // of the rule that decided; 0: no rule did, so it is denied

    friend bool operator==(const AclDecision&, const AclDecision&) = default;
};

class Acl {
public:
    /// @errors  the first bad line: an unknown word, an access word that is none, no filter, a
    ///          filter that is not well formed, a user line without a name
    static Result<Acl, FileError> parse(std::string_view text);

    /// @param username         nullopt for a client without one: the section before the first user
    /// @param topic_or_filter  a topic name; for Subscribe a filter without its $share prefix
    /// @cost                   linear in the rules of this user and the patterns; no allocation
    ///                         while a filled pattern stays within 500 bytes
    AclDecision decide(AclAction action, std::string_view client_id,
                       std::optional<std::string_view> username,
                       std::string_view topic_or_filter) const;

    size_t rule_count() const;

private:
    struct Rule {
        std::string filter;
        uint32_t line = 0;
        bool read = false;
        bool write = false;
        bool has_placeholder = false;
    };
    struct Rules {
        std::vector<Rule> denies;
        std::vector<Rule> grants;
    };
    struct Question;
    class Parser;

    static bool answers(const Rule& rule, bool denies, const Question& question);
    static std::optional<uint32_t> first_answer(const std::vector<Rule>& rules, bool denies,
                                                const Question& question);

    Rules anonymous_;
    std::map<std::string, Rules, std::less<>> users_;
    Rules patterns_;
};

}  // namespace godwit::auth
