#include "server/credentials.h"

#include "auth/acl.h"
#include "os/file.h"

#include <openssl/crypto.h>

#include <algorithm>

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

constexpr size_t kTokenBytesMin = 16, kTokenBytesMax = 256;

/// An empty path is no file, and nothing is read.
Result<Done, std::string> read_into(const std::string& path, std::string& text,
                                    std::string& label) {
    if (path.empty()) return Done{};
    auto found = read(path);
    if (!found) return Err{found.error()};
    text = std::move(*found);
    label = path;
    return Done{};
}

Result<Done, std::string> read_key_pairs(const config::ListenUrl& url,
                                         transport::TlsOptions& options) {
    const auto certs = config::file_list(url.cert), keys = config::file_list(url.key);
    for (size_t i = 0; i < std::min(certs.size(), keys.size()); ++i) {
        transport::TlsKeyPair pair;
        auto done = read_into(certs[i], pair.certificate_pem, pair.certificate_label);
        if (done) done = read_into(keys[i], pair.private_key_pem, pair.private_key_label);
        if (!done) return done;
        if (i > 0) {
            options.others.push_back(std::move(pair));
            continue;
        }
        options.certificate_pem = std::move(pair.certificate_pem);
        options.private_key_pem = std::move(pair.private_key_pem);
        options.certificate_label = std::move(pair.certificate_label);
        options.private_key_label = std::move(pair.private_key_label);
    }
    return Done{};
}

/// OpenSSL has its own copies, and wipes them.
void wipe_keys(transport::TlsOptions& options) {
    OPENSSL_cleanse(options.private_key_pem.data(), options.private_key_pem.size());
    for (transport::TlsKeyPair& each : options.others)
        OPENSSL_cleanse(each.private_key_pem.data(), each.private_key_pem.size());
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
                     auth.jwt_expiry_required, auth.jwt_realm_claim};
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

Result<std::string, std::string> load_token(const std::string& path) {
    const auto text = read(path);
    if (!text) return Err{text.error()};
    static constexpr const char* kBlanks = " \t\r\n";
    const size_t begin = text->find_first_not_of(kBlanks);
    const size_t end = text->find_last_not_of(kBlanks);
    const std::string token = begin == text->npos ? "" : text->substr(begin, end - begin + 1);
    if (token.size() < kTokenBytesMin || token.size() > kTokenBytesMax)
        return Err{path + ": a token has 16 to 256 characters; openssl rand -hex 32 makes one"};
    const auto is_visible = [](char c) { return c > ' ' && c < '\x7f'; };
    if (!std::ranges::all_of(token, is_visible))
        return Err{path + ": a token is one line of visible ASCII characters"};
    return token;
}

Result<std::string, std::string> load_optional_token(const std::string& path) {
    return path.empty() ? std::string() : load_token(path);
}

Result<std::unique_ptr<transport::TlsContext>, std::string> load_tls(
    const config::ListenerOptions& listener,
    const std::optional<transport::TicketSecrets>& tickets) {
    const config::ListenUrl& url = listener.url;
    transport::TlsOptions options;
    options.peer_verify = url.verify.value_or(transport::PeerVerify::None);
    options.verify_depth = int(listener.verify_depth);
    options.peer_name = listener.identity;
    options.tickets = tickets;
    if (auto done = read_key_pairs(url, options); !done) return Err{done.error()};
    if (auto done = read_into(url.ca, options.ca_pem, options.ca_label); !done)
        return Err{done.error()};
    if (auto done = read_into(url.crl, options.crl_pem, options.crl_label); !done)
        return Err{done.error()};
    auto context = transport::TlsContext::load(options);
    wipe_keys(options);
    if (!context) return Err{context.error()};
    return std::make_unique<transport::TlsContext>(std::move(*context));
}

std::vector<std::string> tls_files(const config::Options& options) {
    std::vector<std::string> files;
    for (const config::ListenerOptions& listener : options.listeners) {
        const config::ListenUrl& url = listener.url;
        for (const std::string* list : {&url.cert, &url.key, &url.ca, &url.crl})
            std::ranges::move(config::file_list(*list), std::back_inserter(files));
    }
    std::erase(files, "");
    return files;
}

}  // namespace godwit::server
