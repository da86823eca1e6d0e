// What a running BrokerProcess reads again: passwords, tokens, policy, the admin token, TLS files.
// Whatever is faulty is reported, and the old stays.
#include "server/broker_process.h"

#include "os/entropy.h"
#include "server/credentials.h"

namespace godwit::server {

/// Who came in by a password that is gone is disconnected.
void BrokerProcess::replace_users() {
    const auto changed = auth_->set_passwords(users_.joined());
    for (uint16_t i = 0; !changed.empty() && i < crossing_->shard_count(); ++i)
        crossing_->mailbox({i}).post(ChangedUsers{changed});
}

/// What was done in the control store, and where it disagrees with the password file.
void BrokerProcess::tell_users() {
    for (const control::DoneAct& each : users_.take_acts())
        tell(LogLine(LogLevel::Info, "user_changed")
                 .add("act", each.act)
                 .add("user", each.user)
                 .add("uid", each.doer.user_id)
                 .add("done", format_utc(each.doer.now)));
    const auto both = users_.in_both();
    if (!both.empty())
        log_.log(LogLine(LogLevel::Warning, "users_doubled")
                     .add("count", both.size())
                     .add("first", both.front())
                     .add("detail", "in the password file and in the control store, which counts"));
}

/// One that cannot be read is tried again at every look, and reported when the fault is another.
void BrokerProcess::watch_users() {
    if (!users_.may_differ()) return;
    const auto read = users_.read_store();
    const std::string fault = read ? "" : read.error();
    if (std::exchange(users_fault_, fault) != fault || read) report_reload("users", fault);
    if (!read) return;
    tell_users();
    replace_users();
}

void BrokerProcess::tell(const LogLine& line) const {
    log_.log(line);
    audit_->note(line);
}

void BrokerProcess::report_reload(const std::string& what, const std::string& fault) const {
    if (fault.empty()) return tell(LogLine(LogLevel::Info, "reloaded").add("what", what));
    tell(LogLine(LogLevel::Error, "reload_failed")
             .add("what", what)
             .add("detail", fault + "; the old stays"));
}

void BrokerProcess::reload(const config::Options& options) {
    log_.set_level(options.server.log_level);
    if (users_.has_file()) {
        const auto read = users_.read_file();
        if (read) replace_users();
        report_reload(options_.auth.password_file, read ? "" : read.error());
    }
    if (options_.auth.has_tokens()) {
        auto tokens = load_tokens(options_.auth);
        const std::string fault = tokens ? "" : tokens.error();
        if (tokens) auth_->set_tokens(*std::move(tokens));
        report_reload("keys of tokens", fault);
        auth_->fetch_soon();
    }
    reload_callout();
    if (policy_) {
        auto policy = load_access(options_.auth);
        if (policy) say_doubts(**policy);
        for (uint16_t i = 0; policy && i < crossing_->shard_count(); ++i)
            crossing_->mailbox({i}).post(NewPolicy{std::make_unique<const auth::Policy>(**policy)});
        report_reload(policy_->source(), policy ? "" : policy.error());
    }
    reload_token();
    reload_tls();
}

/// It may have changed its mind: so it is asked again, whatever its token.
void BrokerProcess::reload_callout() {
    Callout* const callout = auth_->callout();
    if (!callout) return;
    callout->forget();
    auto token = load_optional_token(options_.auth.callout_token_file);
    const std::string fault = token ? "" : token.error();
    if (token) callout->set_token(*std::move(token));
    report_reload("call-out", fault);
}

void BrokerProcess::reload_token() {
    const std::string& file = options_.admin.token_file;
    if (!admin_ || file.empty()) return;
    auto token = load_token(file);
    const std::string fault = token ? "" : token.error();
    if (token) admin_->set_token(std::move(*token));
    report_reload(file, fault);
}

void BrokerProcess::reload_tls() {
    for (size_t i = 0; i < listeners_.size(); ++i) {
        if (!listeners_[i]->tls) continue;
        const auto replaced = replace_tls(i);
        report_reload("TLS files of " + listeners_[i]->name, replaced ? "" : replaced.error());
    }
}

/// For all shards or, where anything is faulty, for none.
Result<Done, std::string> BrokerProcess::replace_tls(size_t listener) {
    std::vector<std::unique_ptr<transport::TlsContext>> fresh;
    for (uint16_t i = 0; i < crossing_->shard_count(); ++i) {
        auto tls = make_tls(listener);
        if (!tls) return Err{tls.error()};
        fresh.push_back(std::move(*tls));
    }
    for (uint16_t i = 0; i < crossing_->shard_count(); ++i)
        crossing_->mailbox({i}).post(NewTls{listeners_[listener]->id, std::move(fresh[i])});
    return Done{};
}

/// Each shard has its own, so that handshakes share nothing.
Result<std::unique_ptr<transport::TlsContext>, std::string> BrokerProcess::make_tls(
    size_t listener) const {
    return load_tls(options_.listeners[listener], tickets_);
}

void BrokerProcess::watch_tls_files() {
    if (tls_files_.look()) reload_tls();
}

void BrokerProcess::renew_tickets() {
    tickets_.previous = tickets_.current;
    os::fill_random(tickets_.current.bytes);
    for (uint16_t i = 0; i < crossing_->shard_count(); ++i)
        crossing_->mailbox({i}).post(NewTickets{tickets_});
}

}  // namespace godwit::server
