#include "client/endpoint.h"

#include "os/address.h"
#include "os/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace godwit::client {

namespace {

constexpr size_t kPemBytesMax = 16 << 20;

std::string bracketed(const std::string& host) {
    return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

int hex_digit(char c) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const size_t value = kDigits.find(char(c | (c >= 'A' && c <= 'F' ? 0x20 : 0)));
    return value == std::string_view::npos ? -1 : int(value);
}

Result<std::string, std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0)
            return Err{
                fmt::format("\"{}\" has a % without two hexadecimal digits; write % as %25", text)};
        out += char(high << 4 | low);
        i += 2;
    }
    return out;
}

Result<Done, std::string> take_user(EndpointUrl& out, std::string_view user_part) {
    const size_t colon = user_part.find(':');
    auto username = percent_decoded(user_part.substr(0, colon));
    if (!username) return Err{username.error()};
    out.username = std::move(*username);
    if (colon == std::string_view::npos) return Done{};
    auto password = percent_decoded(user_part.substr(colon + 1));
    if (!password) return Err{password.error()};
    out.password = std::move(*password);
    return Done{};
}

Result<Done, std::string> take_host(Endpoint& out, std::string_view host_part) {
    const size_t after_brackets = host_part.rfind(']');
    const bool has_port =
        host_part.find(':', after_brackets == std::string_view::npos ? 0 : after_brackets) !=
        std::string_view::npos;
    const std::string text = has_port ? std::string(host_part) : fmt::format("{}:0", host_part);
    const auto parsed = os::parse_host_port(text);
    if (!parsed) return Err{fmt::format("\"{}\": {}", host_part, os::describe(parsed.error()))};
    if (parsed->host.empty()) return Err{std::string("the URL names no host")};
    out.host = parsed->host;
    out.port = parsed->port;
    return Done{};
}

}  // namespace

uint16_t usual_port(const Endpoint& endpoint) {
    if (endpoint.websocket) return endpoint.tls ? 8084 : 8083;
    return endpoint.tls ? 8883 : 1883;
}

std::string to_text(const Endpoint& endpoint) {
    if (!endpoint.unix_path.empty()) return "unix:" + endpoint.unix_path;
    const uint16_t port = endpoint.port != 0 ? endpoint.port : usual_port(endpoint);
    const std::string where = fmt::format("{}:{}", bracketed(endpoint.host), port);
    if (endpoint.websocket)
        return fmt::format("{}://{}{}", endpoint.tls ? "wss" : "ws", where,
                           endpoint.websocket_path);
    return endpoint.tls ? "mqtts://" + where : where;
}

Result<EndpointUrl, std::string> parse_endpoint_url(std::string_view url) {
    EndpointUrl out;
    if (url.starts_with("unix:")) {
        out.endpoint.unix_path = url.substr(url.starts_with("unix://") ? 7 : 5);
        if (out.endpoint.unix_path.empty()) return Err{std::string("unix: names no path")};
        return out;
    }
    const size_t colon = url.find("://");
    const std::string_view scheme = url.substr(0, colon);
    const bool known = scheme == "mqtt" || scheme == "mqtts" || scheme == "ws" || scheme == "wss";
    if (colon == std::string_view::npos || !known)
        return Err{fmt::format(
            "\"{}\" is no URL of a broker: mqtt://, mqtts://, ws://, wss:// or unix:", url)};
    out.endpoint.websocket = scheme.starts_with("ws");
    out.endpoint.tls = scheme.ends_with("s") && scheme != "ws";
    std::string_view rest = url.substr(colon + 3);
    const size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view path = rest.substr(slash);
    rest = rest.substr(0, slash);
    if (out.endpoint.websocket && path.size() > 1) out.endpoint.websocket_path = path;
    if (!out.endpoint.websocket && path.size() > 1) out.topic = path.substr(1);
    const size_t at = rest.rfind('@');
    if (at != std::string_view::npos) {
        if (const auto user = take_user(out, rest.substr(0, at)); !user) return Err{user.error()};
        rest = rest.substr(at + 1);
    }
    if (const auto host = take_host(out.endpoint, rest); !host) return Err{host.error()};
    return out;
}

// --- TLS ---

namespace {

using Text = Result<std::string, std::string>;

Text read_pem(const std::string& path) {
    auto text = os::read_whole_file(path, kPemBytesMax);
    if (!text) return Err{fmt::format("{}: {}", path, text.error().text())};
    return std::move(*text);
}

Text read_directory(const std::string& path) {
    std::string all;
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(path, failed)) {
        if (!entry.is_regular_file(failed)) continue;
        const auto text = os::read_whole_file(entry.path(), kPemBytesMax);
        if (text && text->find("-----BEGIN CERTIFICATE") != std::string::npos) all += *text + "\n";
    }
    if (all.empty()) return Err{fmt::format("{}: no certificates of authorities there", path)};
    return all;
}

/// The bundle of the distribution. SSL_CERT_FILE comes first, as OpenSSL's own tools have it.
Text read_system_trust() {
    const char* named = std::getenv("SSL_CERT_FILE");
    if (named != nullptr && *named != 0) return read_pem(named);
    for (const char* path : {"/etc/ssl/certs/ca-certificates.crt",
                             "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"})
        if (auto text = os::read_whole_file(path, kPemBytesMax)) return std::move(*text);
    return Err{
        std::string("this system has no bundle of trusted authorities: name a file with "
                    "--cafile, or install the package ca-certificates")};
}

Text read_trust(const TlsFiles& files) {
    if (!files.cafile.empty()) return read_pem(files.cafile);
    if (!files.capath.empty()) return read_directory(files.capath);
    if (files.insecure) return std::string();
    return read_system_trust();
}

/// Speaks of options where transport speaks of its fields.
std::string in_words_of_options(std::string what) {
    const std::pair<std::string_view, std::string_view> words[] = {
        {"certificate_pem", "--cert"},
        {"private_key_password", "--keypass"},
        {"private_key_pem", "--key"},
        {"ca_pem", "--cafile"},
        {"ciphers_tls12", "--ciphers"}};
    for (const auto& [field, option] : words)
        for (size_t at = what.find(field); at != std::string::npos; at = what.find(field))
            what.replace(at, field.size(), option);
    return what;
}

}  // namespace

Result<transport::TlsContext, std::string> load_tls(const TlsFiles& files) {
    transport::TlsOptions options{.role = transport::TlsRole::Client,
                                  .private_key_password = files.key_password,
                                  .ciphers_tls12 = files.ciphers};
    auto trust = read_trust(files);
    if (!trust) return Err{trust.error()};
    options.ca_pem = std::move(*trust);
    options.peer_verify =
        options.ca_pem.empty() ? transport::PeerVerify::None : transport::PeerVerify::Required;
    if (files.tls13_only) options.version_min = transport::TlsVersion::Tls13;
    const std::pair<const std::string&, std::string&> own[] = {
        {files.cert, options.certificate_pem}, {files.key, options.private_key_pem}};
    for (const auto& [path, pem] : own) {
        if (path.empty()) continue;
        auto text = read_pem(path);
        if (!text) return Err{text.error()};
        pem = std::move(*text);
    }
    auto context = transport::TlsContext::load(options);
    if (!context) return Err{in_words_of_options(context.error())};
    return std::move(*context);
}

}  // namespace godwit::client
