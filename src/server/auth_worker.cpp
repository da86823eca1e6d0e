#include "server/auth_worker.h"

#include "base/mutant.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "os/thread.h"
#include "server/keyed_digest.h"

namespace godwit::server {

namespace {

std::string digest(const std::string& user, const std::string& password, const HashKey& secret) {
    return keyed_digest(std::to_string(user.size()) + ":" + user + password, secret);
}

broker::Verdict refusal(const broker::AuthRequest& request, mqtt::ReasonCode reason,
                        std::string why) {
    return {.connection = request.connection, .reason = reason, .why = std::move(why)};
}

/// The moment of a wall time, by the clock that does not step; what is beyond a century is never.
Instant instant_of(WallTime time) {
    constexpr int64_t kCenturyMs = 100ll * 365 * 24 * 3600 * 1000;
    const int64_t left_ms = time.unix_ms - os::wall_now().unix_ms;
    if (left_ms > kCenturyMs) return kNever;
    return os::monotonic_now() + std::chrono::milliseconds(left_ms);
}

broker::Verdict admission(const broker::AuthRequest& request, const auth::Token& token) {
    return {.connection = request.connection,
            .reason = mqtt::ReasonCode::Success,
            .claims = token.claims,
            .username = token.username,
            .expires = token.expires ? instant_of(*token.expires) : kNever,
            .realm = token.realm,
            .method = "token"};
}

/// Where clients name their realm, "ann" of acme is the user ann@acme, and no other realm's ann.
std::string name_in_file(const broker::AuthRequest& request) {
    const std::string suffix = "@" + request.realm_chosen;
    if (request.realm_chosen.empty() || request.username.ends_with(suffix)) return request.username;
    return request.username + suffix;
}

bool knows(const std::shared_ptr<const auth::PasswordFile>& users,
           const broker::AuthRequest& request) {
    return users && request.has_username && users->contains(name_in_file(request));
}

}  // namespace

AuthWorker::AuthWorker(Crossing& crossing, const HashKey& key)
    : crossing_(crossing), secret_(os::random_hash_key()), scram_(key) {
    for (size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { work(); });
}

AuthWorker::~AuthWorker() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

std::vector<std::string> AuthWorker::set_passwords(
    std::unique_ptr<const auth::PasswordFile> passwords) {
    Users before;
    const Users next = std::move(passwords);
    {
        const std::lock_guard lock(mutex_);
        before = std::exchange(current_.passwords, next);
        known_.clear();
        scram_.clear();
    }
    return before ? next->changed_since(*before) : std::vector<std::string>();
}

void AuthWorker::set_tokens(std::unique_ptr<const TokenLogins> tokens) {
    const std::lock_guard lock(mutex_);
    of_files_ = std::move(tokens);
    join_tokens();
}

void AuthWorker::start_fetching(KeySource source, os::LogWriter& log) {
    const std::lock_guard lock(mutex_);
    fetcher_ = std::make_unique<KeyFetcher>(
        std::move(source), log,
        [this](uint64_t fetch, std::unique_ptr<const auth::TokenKeys> keys) {
            take_keys(fetch, std::move(keys));
        });
}

void AuthWorker::fetch_soon() {
    if (fetcher_) fetcher_->fetch_soon();
}

/// Under the lock. Without fetched keys those of files are as they were, and no verdict is made
/// anew.
void AuthWorker::join_tokens() {
    current_.tokens = of_files_;
    if (!of_files_ || !fetched_) return;
    auto both = std::make_shared<TokenLogins>();
    both->rules = of_files_->rules;
    both->keys.add(of_files_->keys);
    both->keys.add(*fetched_);
    current_.tokens = std::move(both);
}

/// After a fetch, good (keys) or not (null): those that wait for it are judged once more.
void AuthWorker::take_keys(uint64_t fetch, std::unique_ptr<const auth::TokenKeys> keys) {
    const std::lock_guard lock(mutex_);
    last_fetch_ = fetch;
    if (keys) {
        fetched_ = std::move(keys);
        join_tokens();
    }
    for (Job& job : waiting_) jobs_.push_back(std::move(job));
    waiting_.clear();
    wake_.notify_all();
}

/// Under the lock. The job is gone if it does.
bool AuthWorker::waits_for_keys(Job& job) {
    if (!fetcher_ || job.fetch != 0 || waiting_.size() >= kQueueMax) return false;
    job.fetch = fetcher_->demand(last_fetch_);
    if (job.fetch == 0) return false;
    waiting_.push_back(std::move(job));
    return true;
}

void AuthWorker::start_callout(CalloutSource source, const broker::BrokerOptions& names) {
    const std::lock_guard lock(mutex_);
    names_ = &names;
    callout_ = std::make_unique<Callout>(std::move(source));
}

/// Under the lock.
void AuthWorker::ask_callout(Job job) {
    std::string question = callout_question(job.request, job.peer, *names_);
    const auto shard = job.shard;
    broker::Verdict busy =
        refusal(job.request, mqtt::ReasonCode::ServerBusy, "call-out: too many logins wait for it");
    const bool asked = callout_->ask(
        std::move(question), [this, job = std::move(job)](const Callout::Answer& answer) mutable {
            take_callout(job, answer);
        });
    if (!asked) crossing_.mailbox(shard).post(AuthAnswer{std::move(busy)});
}

/// A user who has come into the file meanwhile is judged by the file.
void AuthWorker::take_callout(Job& job, const Callout::Answer& answer) {
    const std::lock_guard lock(mutex_);
    if (knows(current_.passwords, job.request)) {
        jobs_.push_back(std::move(job));
        return wake_.notify_one();
    }
    crossing_.mailbox(job.shard).post(AuthAnswer{callout_verdict(job.request, answer)});
}

void AuthWorker::ask(ShardId shard, broker::AuthRequest request, LoginPeer peer) {
    {
        const std::lock_guard lock(mutex_);
        if (jobs_.size() < kQueueMax || GW_MUTANT(AuthQueueWithoutEnd)) {
            jobs_.push_back({shard, std::move(request), std::move(peer)});
            wake_.notify_one();
            return;
        }
    }
    crossing_.mailbox(shard).post(
        AuthAnswer{refusal(request, mqtt::ReasonCode::ServerBusy, "too many logins wait")});
}

void AuthWorker::work() {
    os::name_this_thread("godwit-auth");
    for (;;) {
        Job job;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
            if (stopping_) return;
            job = std::move(jobs_.front());
            jobs_.pop_front();
        }
        answer(std::move(job));
    }
}

/// Judges again if the users or keys change meanwhile, and posts under the lock: whoever replaces
/// them may rely on it that no verdict about the old ones comes later.
void AuthWorker::answer(Job job) {
    std::unique_lock lock(mutex_);
    if (job.request.auth_method == auth::kScramMethod)
        return crossing_.mailbox(job.shard).post(AuthAnswer{
            scram_.step(job.shard, job.request, current_.passwords.get(), os::monotonic_now())});
    for (;;) {
        const Authenticators by = current_;
        lock.unlock();
        Judged judged = judge(job.request, by);
        lock.lock();
        if (by != current_) continue;
        if (judged.lacks_key && waits_for_keys(job)) return;
        if (judged.is_unknown) return ask_callout(std::move(job));
        return crossing_.mailbox(job.shard).post(AuthAnswer{std::move(judged.verdict)});
    }
}

AuthWorker::Judged AuthWorker::judge(const broker::AuthRequest& request, const Authenticators& by) {
    if (!request.auth_method.empty())
        return {refusal(request, mqtt::ReasonCode::BadAuthenticationMethod, "no such mechanism")};
    if (by.tokens && auth::looks_like_token(request.password)) {
        const auto token = auth::check_token_login(
            request.username, request.password, by.tokens->keys, by.tokens->rules, os::wall_now());
        if (token) return {admission(request, *token)};
        return {refusal(request, mqtt::ReasonCode::BadUserNameOrPassword,
                        std::string("token: ") + token.error().why),
                token.error().kind == auth::TokenFault::Kind::UnknownKey};
    }
    if (callout_ && !knows(by.passwords, request)) return {.is_unknown = true};
    if (!request.has_username)
        return {refusal(request, mqtt::ReasonCode::BadUserNameOrPassword,
                        "a password without a user name, and no token")};
    const std::string user = name_in_file(request);
    if (is_right(user, request.password, by.passwords))
        return {{.connection = request.connection,
                 .reason = mqtt::ReasonCode::Success,
                 .username = user}};
    return {refusal(request, mqtt::ReasonCode::BadUserNameOrPassword, "user " + user)};
}

bool AuthWorker::is_right(const std::string& user, const std::string& password,
                          const Users& users) {
    const std::string print = digest(user, password, secret_);
    {
        const std::lock_guard lock(mutex_);
        const auto known = known_.find(user);
        if (users == current_.passwords && known != known_.end() && known->second == print)
            return true;
    }
    if (!users || !users->verify(user, password)) return false;
    const std::lock_guard lock(mutex_);
    if (users == current_.passwords) known_[user] = print;
    return true;
}

}  // namespace godwit::server
