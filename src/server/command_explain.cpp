#include "auth/policy_file.h"
#include "server/admin_client.h"
#include "server/commands.h"
#include "server/credentials.h"
#include "server/explaining.h"
#include "server/settings.h"

#include <fmt/format.h>
#include <cstdio>
#include <memory>

namespace godwit::server {

namespace {

struct AdminPort {
    std::string address = "127.0.0.1:8080";
    std::string token_file;  // empty: none is shown
};

struct ExplainWishes {
    std::string action, client, topic, realm = "default", qos = "0", payload = "0";
    bool retain = false;
    std::optional<std::string> user;
    std::string common_name;
    std::vector<std::string> claims;  // "name=value"
    std::string config, policy;
    AdminPort admin;
};

void add_admin_options(Command& command, AdminPort& admin) {
    command.text("--admin", admin.address, "HOST:PORT",
                 "Admin port of the broker (127.0.0.1:8080)");
    command.text_or_variable("--token-file", "GODWIT_ADMIN_TOKEN_FILE", admin.token_file, "FILE",
                             "File with the token that it asks for, if any");
}

Result<HttpAnswer, std::string> ask(const AdminPort& admin, const std::string& target) {
    if (admin.token_file.empty()) return ask_admin(admin.address, target);
    const auto token = load_token(admin.token_file);
    if (!token) return Err{token.error()};
    return ask_admin(admin.address, target, *token);
}

int fail(const std::string& why, int status = 2) {
    fmt::print(stderr, "godwit: {}\n", why);
    return status;
}

std::vector<std::pair<std::string, std::string>> query_of(const ExplainWishes& wishes) {
    return {{"client", wishes.client}, {"realm", wishes.realm},
            {"action", wishes.action}, {"topic", wishes.topic},
            {"qos", wishes.qos},       {"payload", wishes.payload},
            {"format", "text"},        {"retain", wishes.retain ? "1" : "0"}};
}

Result<auth::OwnedSubject, std::string> supposed_client(const ExplainWishes& wishes) {
    auth::OwnedSubject subject{.client_id = wishes.client,
                               .username = {},
                               .realm = wishes.realm,
                               .common_name = wishes.common_name,
                               .claims = {}};
    subject.username = wishes.user;
    for (const std::string& claim : wishes.claims) {
        const size_t sign = claim.find('=');
        if (sign == claim.npos) return Err{"--claim " + claim + ": write NAME=VALUE"};
        subject.claims.push_back({claim.substr(0, sign), claim.substr(sign + 1)});
    }
    return subject;
}

/// The policy that --policy or --config names. @return null: there is none, all is allowed
Result<std::unique_ptr<const auth::Policy>, std::string> supposed_policy(
    const ExplainWishes& wishes) {
    config::AuthOptions auth;
    auth.policy_file = wishes.policy;
    if (wishes.policy.empty()) {
        const auto config = read_settings({.file = wishes.config, .listen = {}, .settings = {}});
        if (!config) return Err{wishes.config + " has faults, see above"};
        auth = config->options.auth;
    }
    return load_access(auth);
}

int explain_supposed(const ExplainWishes& wishes) {
    const auto question = read_question({.path = {}, .query = query_of(wishes)});
    if (!question) return fail(question.error());
    const auto subject = supposed_client(wishes);
    if (!subject) return fail(subject.error());
    const auto policy = supposed_policy(wishes);
    if (!policy) return fail(policy.error());
    std::vector<auth::Explanation> answers;
    for (const auth::OwnedRequest& request : question->requests())
        answers.push_back(*policy ? auth::explain(**policy, subject->view(), request.view())
                                  : auth::explain_without_policy());
    const auth::Explanation& answer = decisive(answers);
    fmt::print("{}", auth::to_text(answer));
    return answer.allowed ? 0 : 1;
}

int explain_living(const ExplainWishes& wishes) {
    if (wishes.user || !wishes.claims.empty() || !wishes.common_name.empty())
        return fail("--user, --cn and --claim are for a supposed client: add --config or --policy");
    const auto reply = ask(wishes.admin, target_of("/api/explain", query_of(wishes)));
    if (!reply) return fail(reply.error());
    if (reply->status != 200) {
        fmt::print(stderr, "{}", reply->body);
        return 2;
    }
    fmt::print("{}", reply->body);
    return reply->body.starts_with("allowed") ? 0 : 1;
}

void add_action(Command& parent, const char* action, const char* help) {
    Command command = parent.subcommand(action, help);
    auto wishes = std::make_shared<ExplainWishes>();
    wishes->action = action;
    const bool has_topic = std::string_view(action) != "connect";
    const bool publishes = std::string_view(action) == "publish";
    const bool subscribes = std::string_view(action) == "subscribe";
    command.required("-i,--client", wishes->client, "ID", "Client id");
    if (has_topic)
        command.required("-t,--topic", wishes->topic, "TOPIC",
                         subscribes ? "Topic filter" : "Topic name");
    if (publishes || subscribes) command.text("-q,--qos", wishes->qos, "N", "QoS (0)");
    if (publishes) {
        command.text("--payload", wishes->payload, "N", "Bytes of the payload (0)");
        command.flag("-r,--retain", wishes->retain, "It is to be retained");
    }
    command.text("--realm", wishes->realm, "REALM", "Realm (default)");
    command.text("-u,--user", wishes->user, "USER",
                 "User name of a supposed client; without it, anonymous");
    command.text("--cn", wishes->common_name, "NAME", "Common name of its certificate");
    command.texts("--claim", wishes->claims, "NAME=VALUE",
                  "Claim of its token; as often as wanted");
    command.text("-c,--config", wishes->config, "FILE", "Ask what this configuration would say");
    command.text("-p,--policy", wishes->policy, "FILE", "Ask what this policy would say");
    add_admin_options(command, wishes->admin);
    command.runs([wishes] {
        const bool supposed = !wishes->config.empty() || !wishes->policy.empty();
        return supposed ? explain_supposed(*wishes) : explain_living(*wishes);
    });
}

}  // namespace

void add_explain(Command& godwit) {
    Command command =
        godwit.subcommand("explain", "Say what a client may do, and which rule decides");
    command.needs_subcommand();
    add_action(command, "connect", "May it connect?");
    add_action(command, "publish", "May it publish to this topic?");
    add_action(command, "subscribe", "May it subscribe to this filter?");
    add_action(command, "receive", "Would a message of this topic be delivered to it?");
    command.footer(
        "Without --config and --policy the running broker is asked about the client that is there, "
        "with its user name, certificate and token. With one of them it is about a client that you "
        "suppose.\n"
        "Exit status: 0 allowed; 1 denied; 2 no answer.\n\n"
        "Examples:\n"
        "  godwit explain subscribe --client ann-1 --topic 'plant/#'\n"
        "  godwit explain publish --client s7 --user sensor-7 --topic plant/7/temp --retain "
        "--policy plant.policy");
}

void add_why(Command& godwit) {
    Command command = godwit.subcommand(
        "why", "Tell what happened to a client: refused, disconnected, denied, dropped");
    struct Wishes {
        std::string client, realm = "default";
        AdminPort admin;
    };
    auto wishes = std::make_shared<Wishes>();
    command.required("client", wishes->client, "CLIENT", "Client id");
    command.text("--realm", wishes->realm, "REALM", "Realm (default)");
    add_admin_options(command, wishes->admin);
    command.footer(
        "The running broker keeps the last events of each client, of refused ones too, as far as "
        "server.history_events_max reaches; the log has all of them.\n"
        "Exit status: 0 there is something to tell; 1 nothing is known of this client; 2 no "
        "answer.\n\n"
        "Example:\n  godwit why sensor-7");
    command.runs([wishes] {
        const std::string path = "/api/clients/" + percent_encoded(wishes->client) + "/events";
        const auto reply =
            ask(wishes->admin, target_of(path, {{"realm", wishes->realm}, {"format", "text"}}));
        if (!reply) return fail(reply.error());
        if (reply->status != 200) return fail(reply->body);
        if (reply->body.empty()) {
            fmt::print(
                "nothing is known of {}: it was not here lately, or not under this "
                "client id\n",
                wishes->client);
            return 1;
        }
        fmt::print("{}", reply->body);
        return 0;
    });
}

}  // namespace godwit::server
