#include "server/credentials.h"

#include "auth/acl.h"
#include "os/file.h"

namespace godwit::server {

namespace {

constexpr size_t kFileBytesMax = 256 * 1024 * 1024;

Result<std::string, std::string> read(const std::string& path) {
    auto text = os::read_whole_file(path, kFileBytesMax);
    if (!text) return Err{path + ": " + text.error().text()};
    return std::move(*text);
}

/// @param parse  text -> Result<..., FileError>
template <class Parse>
auto load(const std::string& path, Parse&& parse)
    -> Result<typename decltype(parse(std::string_view()))::value_type, std::string> {
    const auto text = read(path);
    if (!text) return Err{text.error()};
    auto parsed = parse(*text);
    if (!parsed)
        return Err{path + ":" + auth::place_of(parsed.error()) + ": " + parsed.error().what};
    return *std::move(parsed);
}

}  // namespace

Result<std::unique_ptr<const auth::PasswordFile>, std::string> load_passwords(
    const std::string& path) {
    auto file = load(path, auth::PasswordFile::parse);
    if (!file) return Err{file.error()};
    return std::unique_ptr<const auth::PasswordFile>(
        std::make_unique<auth::PasswordFile>(*std::move(file)));
}

Result<std::unique_ptr<const TokenLogins>, std::string> load_tokens(
    const config::AuthOptions& auth) {
    if (!auth.has_tokens()) return std::unique_ptr<const TokenLogins>();
    auto logins = std::make_unique<TokenLogins>();
    logins->rules = {auth.jwt_issuer, auth.jwt_audience, auth.jwt_username_claim,
                     auth.jwt_expiry_required};
    for (const auto& [path, parse] :
         {std::pair{&auth.jwt_keys_file, &auth::TokenKeys::parse},
          std::pair{&auth.jwt_secret_file, &auth::TokenKeys::from_secret}}) {
        if (path->empty()) continue;
        const auto text = read(*path);
        if (!text) return Err{text.error()};
        auto keys = parse(*text);
        if (!keys) return Err{*path + ": " + keys.error()};
        logins->keys.add(*keys);
    }
    return std::unique_ptr<const TokenLogins>(std::move(logins));
}

Result<std::string, std::string> load_authorities(const std::string& path) {
    if (path.empty()) return std::string();
    auto text = read(path);
    if (text && text->find("-----BEGIN CERTIFICATE-----") == text->npos)
        return Err{path + ": it holds no certificate (-----BEGIN CERTIFICATE-----)"};
    return text;
}

Result<std::unique_ptr<const auth::Policy>, std::string> load_acl(const std::string& path) {
    auto acl = load(path, auth::parse_acl);
    if (!acl) return Err{acl.error()};
    acl->set_source(path);
    return std::unique_ptr<const auth::Policy>(std::make_unique<auth::Policy>(*std::move(acl)));
}

Result<auth::PolicyFile, std::string> load_policy_file(const std::string& path) {
    auto file = load(path, auth::parse_policy);
    if (file) file->policy.set_source(path);
    return file;
}

Result<std::unique_ptr<const auth::Policy>, std::string> load_access(
    const config::AuthOptions& auth) {
    if (!auth.acl_file.empty()) return load_acl(auth.acl_file);
    if (auth.policy_file.empty()) return std::unique_ptr<const auth::Policy>();
    auto file = load_policy_file(auth.policy_file);
    if (!file) return Err{file.error()};
    return std::unique_ptr<const auth::Policy>(
        std::make_unique<auth::Policy>(std::move(file->policy)));
}

Result<std::unique_ptr<transport::TlsContext>, std::string> load_tls(const config::ListenUrl& url) {
    transport::TlsOptions options;
    options.peer_verify = url.verify.value_or(transport::PeerVerify::None);
    for (const auto& [path, into] :
         {std::pair{&url.cert, &options.certificate_pem},
          std::pair{&url.key, &options.private_key_pem}, std::pair{&url.ca, &options.ca_pem}}) {
        if (path->empty()) continue;
        auto text = read(*path);
        if (!text) return Err{text.error()};
        *into = std::move(*text);
    }
    auto context = transport::TlsContext::load(options);
    if (!context)
        return Err{context.error() + " (" + url.cert + ", " + url.key + ", " + url.ca + ")"};
    return std::make_unique<transport::TlsContext>(std::move(*context));
}

}  // namespace godwit::server
