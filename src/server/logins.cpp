#include "server/logins.h"

#include "server/credentials.h"

namespace godwit::server {

namespace {

Result<Done, std::string> start_fetching_keys(AuthWorker& worker, const config::AuthOptions& auth,
                                              os::LogWriter& log) {
    if (!auth.keys_url) return Done{};
    auto authorities = load_authorities(auth.jwt_keys_ca);
    if (!authorities) return Err{authorities.error()};
    worker.start_fetching({*auth.keys_url, auth.jwt_keys_url, *std::move(authorities),
                           std::chrono::seconds(auth.jwt_keys_refresh_s)},
                          log);
    return Done{};
}

Result<Done, std::string> start_callout(AuthWorker& worker, const config::Options& options) {
    const config::AuthOptions& auth = options.auth;
    if (!auth.callout_http) return Done{};
    auto authorities = load_authorities(auth.callout_ca);
    if (!authorities) return Err{authorities.error()};
    auto token = load_optional_token(auth.callout_token_file);
    if (!token) return Err{token.error()};
    worker.start_callout({.server = {.url = *auth.callout_http,
                                     .ca_pem = *std::move(authorities),
                                     .patience = std::chrono::seconds(auth.callout_timeout_s)},
                          .in_flight_max = auth.callout_in_flight_max,
                          .cache = std::chrono::seconds(auth.callout_cache_s),
                          .token = *std::move(token)},
                         options.broker);
    return Done{};
}

}  // namespace

Result<Done, std::string> prepare_logins(AuthWorker& auth, const config::Options& options,
                                         os::LogWriter& log) {
    auto tokens = load_tokens(options.auth);
    if (!tokens) return Err{tokens.error()};
    auth.set_tokens(*std::move(tokens));
    if (auto done = start_fetching_keys(auth, options.auth, log); !done) return done;
    return start_callout(auth, options);
}

}  // namespace godwit::server
