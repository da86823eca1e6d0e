#include "server/credentials.h"

#include "os/file.h"

namespace godwit::server {

namespace {

constexpr size_t kFileBytesMax = 256 * 1024 * 1024;

Result<std::string, std::string> read(const std::string& path) {
    auto text = os::read_whole_file(path, kFileBytesMax);
    if (!text) return Err{path + ": " + text.error().text()};
    return std::move(*text);
}

template <class Parsed>
Result<std::unique_ptr<const Parsed>, std::string> load(const std::string& path) {
    const auto text = read(path);
    if (!text) return Err{text.error()};
    auto parsed = Parsed::parse(*text);
    if (!parsed)
        return Err{path + ":" + std::to_string(parsed.error().line) + ": " + parsed.error().what};
    return std::unique_ptr<const Parsed>(std::make_unique<Parsed>(std::move(*parsed)));
}

}  // namespace

Result<std::unique_ptr<const auth::PasswordFile>, std::string> load_passwords(
    const std::string& path) {
    return load<auth::PasswordFile>(path);
}

Result<std::unique_ptr<const auth::Acl>, std::string> load_acl(const std::string& path) {
    return load<auth::Acl>(path);
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
