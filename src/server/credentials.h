// The files that say who is who: read, parsed, and refused as a whole where anything in them is
// wrong.
#pragma once

#include "auth/jwt.h"
#include "auth/password_file.h"
#include "auth/policy_file.h"
#include "base/result.h"
#include "config/options.h"
#include "transport/tls_context.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace godwit::server {

/// What tokens are judged by.
struct TokenLogins {
    auth::TokenKeys keys;
    auth::TokenRules rules;
};

// @errors  a sentence that begins with the file (and the line) and says what is wrong
Result<std::unique_ptr<const auth::PasswordFile>, std::string> load_passwords(
    const std::string& path);
/// The keys of both files of tokens, and the rules.
/// @return  null: no token is taken
Result<std::unique_ptr<const TokenLogins>, std::string> load_tokens(
    const config::AuthOptions& auth);
/// The text of a file of certificates; empty without a file.
Result<std::string, std::string> load_authorities(const std::string& path);
Result<std::unique_ptr<const auth::Policy>, std::string> load_acl(const std::string& path);
Result<auth::PolicyFile, std::string> load_policy_file(const std::string& path);
/// What the configuration says of access: one of the two files, or nothing.
/// @return  null: everything is allowed
Result<std::unique_ptr<const auth::Policy>, std::string> load_access(
    const config::AuthOptions& auth);
/// A token alone in its file, without the blanks and line ends around it.
/// @errors  as above; also a token that is too short or long, or holds other than visible ASCII.
///          The text never holds any of it
Result<std::string, std::string> load_token(const std::string& path);
/// The same, and an empty text without a file.
Result<std::string, std::string> load_optional_token(const std::string& path);
/// @param tickets  nullopt: a ticket is good with this context alone
Result<std::unique_ptr<transport::TlsContext>, std::string> load_tls(
    const config::ListenerOptions& listener,
    const std::optional<transport::TicketSecrets>& tickets = {});
/// The files that load_tls reads, of all listeners.
std::vector<std::string> tls_files(const config::Options& options);

}  // namespace godwit::server
