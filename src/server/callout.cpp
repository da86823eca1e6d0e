#include "server/callout.h"

#include "os/clock.h"
#include "os/entropy.h"
#include "os/thread.h"
#include "server/keyed_digest.h"

#include <fmt/format.h>

namespace godwit::server {

namespace {

using Kind = auth::CalloutAnswer::Kind;

Duration duration_of(double seconds) {
    constexpr double kCenturySeconds = 100.0 * 365 * 24 * 3600;
    return std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(std::min(seconds, kCenturySeconds)));
}

CalloutReply reply_of(auth::CalloutAnswer& said, Instant now) {
    CalloutReply reply{.kind = said.kind, .claims = {}, .realm = {}};
    if (said.kind != Kind::Allow) return reply;
    reply.claims = std::move(said.claims);
    reply.realm = std::move(said.realm);
    if (said.expires_in_s) reply.expires = now + duration_of(*said.expires_in_s);
    return reply;
}

}  // namespace

Callout::Callout(CalloutSource source)
    : source_(std::move(source)),
      secret_(os::random_hash_key()),
      token_(source_.token),
      client_(source_.server) {
    thread_ = std::thread([this] {
        os::name_this_thread("godwit-callout");
        client_.run();
    });
}

Callout::~Callout() {
    client_.stop();
    thread_.join();
}

bool Callout::ask(std::string question, Done done) {
    if (waiting_.fetch_add(1) >= kWaitingMax) {
        waiting_.fetch_sub(1);
        ++counts_.failed;
        return false;
    }
    const Instant deadline = os::monotonic_now() + source_.server.patience;
    client_.post(
        [this, deadline, question = std::move(question), done = std::move(done)]() mutable {
            take(std::move(question), deadline, std::move(done));
        });
    return true;
}

void Callout::forget() {
    client_.post([this] {
        secret_ = os::random_hash_key();
        cache_.clear();
    });
}

void Callout::set_token(std::string token) {
    client_.post([this, token = std::move(token)] { token_ = token; });
}

void Callout::take(std::string question, Instant deadline, Done done) {
    const Digest digest = keyed_digest(question, secret_);
    if (const CalloutReply* known = cache_.find(digest, os::monotonic_now())) {
        ++counts_.cached;
        return tell(*known, done);
    }
    const auto [at, is_new] = under_way_.try_emplace(digest);
    at->second.askers.push_back(std::move(done));
    if (!is_new) return;
    at->second.question = std::move(question);
    at->second.deadline = deadline;
    turns_.push_back(digest);
    ask_next();
}

/// Those that wait have later deadlines than those that are asked, so that each has its turn, or is
/// told that it had none, before its own has passed.
void Callout::ask_next() {
    while (counts_.in_flight < source_.in_flight_max && !turns_.empty()) {
        const Digest digest = std::move(turns_.front());
        turns_.pop_front();
        Asked& asked = under_way_.at(digest);
        if (os::monotonic_now() < asked.deadline) {
            send(digest, asked);
            continue;
        }
        const std::chrono::duration<double> patience = source_.server.patience;
        end(digest, Err{fmt::format("its turn did not come within {} s", patience.count())});
    }
}

void Callout::send(const Digest& digest, Asked& asked) {
    ++counts_.asked;
    ++counts_.in_flight;
    client_.ask({asked.deadline, std::move(asked.question), token_},
                [this, digest](const HttpClient::Answer& answer) {
                    --counts_.in_flight;
                    on_answer(digest, answer);
                    ask_next();
                });
}

void Callout::on_answer(const Digest& digest, const HttpClient::Answer& answer) {
    if (!answer) return end(digest, Err{answer.error()});
    auto said = auth::parse_callout(answer->body);
    if (!said) return end(digest, Err{said.error()});
    const CalloutReply reply = reply_of(*said, os::monotonic_now());
    keep(digest, reply, *said);
    end(digest, reply);
}

/// A refusal only if the answer says so: who is refused may come with another password at once.
void Callout::keep(const Digest& digest, const CalloutReply& reply,
                   const auth::CalloutAnswer& said) {
    Duration time = reply.kind == Kind::Allow ? source_.cache : Duration::zero();
    if (said.cache_s) time = std::min(source_.cache, duration_of(*said.cache_s));
    if (time > Duration::zero()) cache_.keep(digest, reply, os::monotonic_now() + time);
}

void Callout::end(const Digest& digest, const Answer& answer) {
    const auto asked = under_way_.extract(digest);
    for (const Done& each : asked.mapped().askers) tell(answer, each);
}

void Callout::tell(const Answer& answer, const Done& done) {
    std::atomic<uint64_t>& count = !answer                       ? counts_.failed
                                   : answer->kind == Kind::Allow ? counts_.allowed
                                   : answer->kind == Kind::Deny  ? counts_.denied
                                                                 : counts_.passed;
    ++count;
    --waiting_;
    done(answer);
}

admin::CalloutStats Callout::counts() const {
    return {counts_.asked,  counts_.allowed, counts_.denied, counts_.passed,
            counts_.failed, counts_.cached,  waiting_,       counts_.in_flight};
}

std::string callout_question(const broker::AuthRequest& request, const LoginPeer& peer,
                             const broker::BrokerOptions& names) {
    auth::CalloutQuestion question{.client = request.client_id,
                                   .user = {},
                                   .password = {},
                                   .protocol = mqtt::version_text(request.version),
                                   .address = peer.address,
                                   .listener = names.listeners[request.listener.value].name,
                                   .realm = names.realms[request.realm.value].name,
                                   .certificate_name = peer.certificate_name,
                                   .certificate_subject = peer.certificate_subject,
                                   .server_name = peer.server_name};
    if (request.has_username) question.user = request.username;
    if (request.has_password) question.password = request.password;
    return auth::render_callout(question);
}

broker::Verdict callout_verdict(const broker::AuthRequest& request, const Callout::Answer& answer) {
    broker::Verdict verdict{.connection = request.connection,
                            .reason = mqtt::ReasonCode::ServerUnavailable};
    if (!answer) {
        verdict.why = "call-out: " + answer.error();
    } else if (answer->kind == Kind::Allow) {
        verdict.reason = mqtt::ReasonCode::Success;
        verdict.claims = answer->claims;
        verdict.expires = answer->expires;
        verdict.method = "call-out";
        // Where the client has named one, that one was asked about.
        verdict.realm = answer->realm.empty() ? request.realm_chosen : answer->realm;
    } else if (answer->kind == Kind::Deny) {
        verdict.reason = mqtt::ReasonCode::NotAuthorized;
        verdict.why = "call-out: deny";
    } else {
        verdict.reason = mqtt::ReasonCode::BadUserNameOrPassword;
        verdict.why = "call-out: pass, and nobody else knows user " + request.username;
    }
    return verdict;
}

}  // namespace godwit::server
