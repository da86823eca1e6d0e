#include "server/scram_logins.h"

#include "auth/base64.h"
#include "os/entropy.h"

#include <array>

namespace godwit::server {

using mqtt::ReasonCode;

namespace {

broker::Verdict refusal(const broker::AuthRequest& request, ReasonCode reason, std::string why) {
    return {.connection = request.connection, .reason = reason, .why = "SCRAM: " + std::move(why)};
}

std::string make_nonce() {
    std::array<uint8_t, 18> random;
    os::fill_random(random);
    return auth::encode_base64(random);
}

}  // namespace

broker::Verdict ScramLogins::step(ShardId shard, const broker::AuthRequest& request,
                                  const auth::PasswordFile* users, Instant now) {
    const Key key{shard.value, request.connection.slot, request.connection.generation};
    const auto found = logins_.find(key);
    if (!request.continues || found == logins_.end()) return begin(key, request, users, now);
    const Login login = std::move(found->second);
    logins_.erase(found);
    return finish(login, request);
}

broker::Verdict ScramLogins::begin(const Key& key, const broker::AuthRequest& request,
                                   const auth::PasswordFile* users, Instant now) {
    const auto first = auth::parse_scram_first(request.auth_data);
    if (!first) return refusal(request, ReasonCode::NotAuthorized, first.error());
    if (!request.username.empty() && request.username != first->username)
        return refusal(request, ReasonCode::NotAuthorized, "another user than CONNECT names");
    forget_old(now);
    if (logins_.size() >= kLoginsMax)
        return refusal(request, ReasonCode::ServerBusy, "too many logins are under way");
    auto secret = users ? users->scram_secret(first->username) : std::nullopt;
    const bool is_there = secret.has_value();
    if (!secret) secret = auth::made_up_scram_secret(first->username, key_);
    Login login{{*first, *std::move(secret), make_nonce()}, is_there, now};
    std::string challenge = login.scram.challenge();
    logins_.insert_or_assign(key, std::move(login));
    order_.emplace_back(now, key);
    return {.connection = request.connection,
            .reason = ReasonCode::ContinueAuthentication,
            .auth_data = std::move(challenge)};
}

broker::Verdict ScramLogins::finish(const Login& login, const broker::AuthRequest& request) {
    auto answer = login.scram.finish(request.auth_data);
    const std::string& user = login.scram.username();
    if (!answer || !login.is_there)
        return refusal(request, ReasonCode::NotAuthorized,
                       (answer ? "a wrong proof" : answer.error()) + (" of user " + user));
    return {.connection = request.connection,
            .reason = ReasonCode::Success,
            .auth_data = *std::move(answer),
            .username = user};
}

void ScramLogins::clear() {
    logins_.clear();
    order_.clear();
}

void ScramLogins::forget_old(Instant now) {
    while (!order_.empty() && order_.front().first + kPatience <= now) {
        const auto found = logins_.find(order_.front().second);
        if (found != logins_.end() && found->second.begun + kPatience <= now) logins_.erase(found);
        order_.pop_front();
    }
}

}  // namespace godwit::server
