#include "auth/policy_doubts.h"
#include "server/commands.h"
#include "server/credentials.h"

#include <fmt/format.h>
#include <cstdio>
#include <memory>

namespace godwit::server {

namespace {

std::string counted(size_t count, const char* word) {
    return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

int check(const std::string& path) {
    const auto file = load_policy_file(path);
    if (!file) {
        fmt::print(stderr, "{}\n", file.error());
        return 1;
    }
    for (const auth::FileError& doubt : auth::find_doubts(file->policy))
        fmt::print(stderr, "{}:{}: warning: {}\n", path, doubt.line, doubt.what);
    size_t lines = 0;
    uint32_t last = 0;
    for (const auth::Rule& rule : file->policy.rules())
        if (std::exchange(last, rule.line) != rule.line) ++lines;
    fmt::print("{}: {}, good\n", path, counted(lines, "rule"));
    return 0;
}

/// @return  whether it holds
bool run_case(const auth::Policy& policy, const std::string& path, const auth::PolicyCase& one) {
    const auth::Decision decision = policy.decide(one.subject.view(), one.request.view());
    if (decision.allowed == one.allowed) return true;
    fmt::print("{}:{}: {}\n  but it is {}", path, one.line, one.text,
               decision.allowed ? "allowed" : "denied");
    if (decision.line == 0)
        fmt::print(": no rule allows it\n");
    else
        fmt::print(" by {}:{}: {}\n", policy.source(), decision.line,
                   policy.line_text(decision.line));
    return false;
}

int test(const std::string& path, const std::vector<std::string>& more) {
    const auto file = load_policy_file(path);
    if (!file) {
        fmt::print(stderr, "{}\n", file.error());
        return 2;
    }
    size_t held = 0, failed = 0;
    const auto run = [&](const std::string& from, const std::vector<auth::PolicyCase>& cases) {
        for (const auth::PolicyCase& each : cases)
            ++(run_case(file->policy, from, each) ? held : failed);
    };
    run(path, file->cases);
    for (const std::string& each : more) {
        const auto cases = load_policy_file(each);
        if (!cases) {
            fmt::print(stderr, "{}\n", cases.error());
            return 2;
        }
        if (!cases->policy.rules().empty()) {
            fmt::print(stderr, "{}: a file of cases has no rules; they stand in {}\n", each, path);
            return 2;
        }
        run(each, cases->cases);
    }
    if (held + failed == 0) {
        fmt::print(stderr, "{}: no cases; write lines such as: expect deny publish a/b user=ann\n",
                   path);
        return 2;
    }
    if (failed > 0)
        fmt::print("{}: {} not hold\n", path,
                   counted(failed, "case") + (failed == 1 ? " does" : " do"));
    else
        fmt::print("{}: {}\n", path, counted(held, "case") + (held == 1 ? " holds" : " hold"));
    return failed > 0 ? 1 : 0;
}

void add_check_policy(Command& policy) {
    Command command = policy.subcommand("check", "Check that a policy can be read and makes sense");
    auto file = std::make_shared<std::string>();
    command.required("file", *file, "FILE", "Policy");
    command.footer(
        "Faults are printed as FILE:LINE:COLUMN: what is wrong and what to do; warnings are about "
        "what nobody can have meant.\n"
        "Exit status: 0 good, perhaps with warnings; 1 a fault.");
    command.runs([file] { return check(*file); });
}

void add_test_policy(Command& policy) {
    Command command = policy.subcommand("test", "Ask a policy the cases that are written in it");
    struct Wishes {
        std::string file;
        std::vector<std::string> more;
    };
    auto wishes = std::make_shared<Wishes>();
    command.required("file", wishes->file, "FILE", "Policy");
    command.texts("cases", wishes->more, "CASES", "Files with further cases");
    command.footer(
        "A case is a line of the policy, or of a file of its own:\n"
        "  expect allow publish plant/7/temp user=sensor-7 client=c1 qos=1 payload=100\n"
        "  expect deny subscribe # user=ann\n"
        "Exit status: 0 all hold; 1 some do not, each is printed with the rule that decided; 2 a "
        "file cannot be read, or there are no cases.");
    command.runs([wishes] { return test(wishes->file, wishes->more); });
}

}  // namespace

void add_policy(Command& godwit) {
    Command command = godwit.subcommand("policy", "Check and test an access policy");
    command.needs_subcommand();
    command.footer(
        "A policy says who may connect, publish, retain, subscribe and receive what, a rule a "
        "line:\n"
        "  allow connect\n"
        "  allow write plant/{client}/#  user=sensor-* qos<=1 payload<=4KiB\n"
        "  deny  receive plant/+/secret\n"
        "What no line allows is denied, and a line that denies wins. docs/policy.md teaches it.");
    add_check_policy(command);
    add_test_policy(command);
}

}  // namespace godwit::server
