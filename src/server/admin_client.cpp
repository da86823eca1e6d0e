#include "server/admin_client.h"

#include "config/listen_url.h"

// One thread runs the context: no fences are owed, and ThreadSanitizer knows none.
#define BOOST_ASIO_DISABLE_FENCED_BLOCK

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <fmt/format.h>

namespace godwit::server {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr auto kPatience = std::chrono::seconds(5);

/// One request, step by step: the stream's deadline holds for asynchronous steps only.
class Exchange {
public:
    explicit Exchange(http::request<http::empty_body> request) : request_(std::move(request)) {}

    beast::error_code run(const asio::ip::tcp::resolver::results_type& addresses) {
        stream_.expires_after(kPatience);
        stream_.async_connect(addresses, [this](beast::error_code error, const auto&) {
            if (!take(error)) return;
            http::async_write(stream_, request_, [this](beast::error_code written, size_t) {
                if (!take(written)) return;
                http::async_read(stream_, buffer_, response_,
                                 [this](beast::error_code read, size_t) { take(read); });
            });
        });
        context_.run();
        return error_;
    }
    asio::io_context& context() { return context_; }
    const http::response<http::string_body>& response() const { return response_; }

private:
    bool take(beast::error_code error) {
        error_ = error;
        return !error;
    }

    asio::io_context context_;
    beast::tcp_stream stream_{context_};
    beast::flat_buffer buffer_;
    http::request<http::empty_body> request_;
    http::response<http::string_body> response_;
    beast::error_code error_;
};

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

Result<AdminReply, std::string> ask_admin(const std::string& address, const std::string& target,
                                          const std::string& token) {
    static constexpr std::string_view kScheme = "http://";
    std::string_view plain = address;
    if (plain.starts_with(kScheme)) plain.remove_prefix(kScheme.size());
    const auto host = config::parse_host_port(std::string(plain));
    if (!host) return Err{fmt::format("{}: {}", address, host.error().message)};
    http::request<http::empty_body> request{http::verb::get, target, 11};
    request.set(http::field::host, host->host);
    if (!token.empty()) request.set(http::field::authorization, "Bearer " + token);
    Exchange exchange(std::move(request));
    beast::error_code error;
    asio::ip::tcp::resolver resolver(exchange.context());
    const auto found = resolver.resolve(host->host, std::to_string(host->port), error);
    if (!error) error = exchange.run(found);
    if (error)
        return Err{
            fmt::format("cannot ask the admin port at {}: {}; is the broker running? "
                        "--admin says where, as in --admin 127.0.0.1:8080",
                        address, error.message())};
    return AdminReply{exchange.response().result_int(), exchange.response().body()};
}

}  // namespace godwit::server
