#include "server/admin_client.h"

#include "config/listen_url.h"
#include "os/clock.h"

#include <fmt/format.h>

namespace godwit::server {

namespace {

constexpr size_t kAnswerBytesMax = 1 << 20;

HttpClient::Answer ask_once(HttpServer server, const std::string& token) {
    HttpClient::Answer out = Err{std::string("no answer")};
    const Instant deadline = os::monotonic_now() + server.patience;
    HttpClient client(std::move(server));
    client.ask({.deadline = deadline, .json = {}, .token = token}, [&](HttpClient::Answer answer) {
        out = std::move(answer);
        client.stop();
    });
    client.run();
    return out;
}

}  // namespace

std::string percent_encoded(std::string_view text) {
    static constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    std::string out;
    for (const char c : text) {
        if (kPlain.find(c) != kPlain.npos)
            out += c;
        else
            out += fmt::format("%{:02X}", uint8_t(c));
    }
    return out;
}

std::string target_of(std::string_view path,
                      const std::vector<std::pair<std::string, std::string>>& query) {
    std::string out(path);
    for (const auto& [name, value] : query)
        out += fmt::format("{}{}={}", out.size() == path.size() ? '?' : '&', name,
                           percent_encoded(value));
    return out;
}

Result<HttpAnswer, std::string> ask_admin(const std::string& address, const std::string& target,
                                          const std::string& token) {
    static constexpr std::string_view kScheme = "http://";
    std::string_view plain = address;
    if (plain.starts_with(kScheme)) plain.remove_prefix(kScheme.size());
    const auto host = config::parse_host_port(std::string(plain));
    if (!host) return Err{fmt::format("{}: {}", address, host.error().message)};
    auto answer = ask_once({.url = {.tls = false, .address = *host, .target = target},
                            .ca_pem = {},
                            .answer_bytes_max = kAnswerBytesMax,
                            .any_status = true},
                           token);
    if (answer) return answer;
    return Err{
        fmt::format("cannot ask the admin port at {}: {}; is the broker running? "
                    "--admin says where, as in --admin 127.0.0.1:8080",
                    address, answer.error())};
}

}  // namespace godwit::server
