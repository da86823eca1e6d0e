#include "server/key_fetch.h"

// One thread runs the context: no fences are owed, and ThreadSanitizer knows none.
#define BOOST_ASIO_DISABLE_FENCED_BLOCK

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include <fmt/format.h>

namespace godwit::server {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

std::string host_header(const config::HttpUrl& url) {
    const bool brackets = url.address.host.find(':') != std::string::npos;
    return fmt::format("{}{}{}:{}", brackets ? "[" : "", url.address.host, brackets ? "]" : "",
                       url.address.port);
}

}  // namespace

/// Step by step in a context of its own; the stream under TLS serves plain HTTP too.
class KeyFetch::Exchange {
public:
    Exchange(const config::HttpUrl& url, const std::string& ca_pem)
        : url_(url), request_(http::verb::get, url.target, 11) {
        request_.set(http::field::host, host_header(url));
        request_.set(http::field::user_agent, "godwit");
        request_.set(http::field::accept, "application/json");
        request_.set(http::field::connection, "close");
        parser_.body_limit(kBytesMax);
        if (url.tls) trust(ca_pem);
    }

    Result<std::string, std::string> run() {
        if (error_) return Err{"its authorities cannot be read: " + error_.message()};
        timer_.expires_after(kPatience);
        timer_.async_wait([this](beast::error_code stopped) {
            if (!stopped) give_up();
        });
        resolver_.async_resolve(url_.address.host, std::to_string(url_.address.port),
                                [this](beast::error_code error, const auto& found) {
                                    if (take(error, "its host is not known")) connect(found);
                                });
        context_.run();
        if (!what_.empty()) return Err{what_};
        if (!parser_.is_done()) return Err{fmt::format("no answer within {} s", kPatience.count())};
        const auto& response = parser_.get();
        if (response.result() != http::status::ok)
            return Err{fmt::format("it answers with status {}", response.result_int())};
        return response.body();
    }
    void cancel() { context_.stop(); }

private:
    void trust(const std::string& ca_pem) {
        SSL_set_min_proto_version(stream_.native_handle(), TLS1_2_VERSION);
        if (ca_pem.empty())
            tls_.set_default_verify_paths(error_);
        else
            tls_.add_certificate_authority(asio::buffer(ca_pem), error_);
        stream_.set_verify_mode(asio::ssl::verify_peer);
        stream_.set_verify_callback(asio::ssl::host_name_verification(url_.address.host));
        beast::error_code is_name;
        std::string name = url_.address.host;
        asio::ip::make_address(name, is_name);
        if (is_name)
            SSL_ctrl(stream_.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME,
                     TLSEXT_NAMETYPE_host_name, name.data());
    }
    /// Ends the exchange unless all is well.
    bool take(beast::error_code error, const char* what) {
        if (!error) return true;
        what_ = fmt::format("{}: {}", what, error.message());
        give_up();
        return false;
    }
    void give_up() { context_.stop(); }

    void connect(const asio::ip::tcp::resolver::results_type& addresses) {
        stream_.next_layer().async_connect(addresses, [this](beast::error_code error, const auto&) {
            if (!take(error, "no connection")) return;
            if (!url_.tls) return ask(stream_.next_layer());
            stream_.async_handshake(asio::ssl::stream_base::client,
                                    [this](beast::error_code failed) {
                                        if (take(failed, "no TLS")) ask(stream_);
                                    });
        });
    }
    template <class Stream>
    void ask(Stream& stream) {
        http::async_write(stream, request_, [this, &stream](beast::error_code error, size_t) {
            if (take(error, "it takes no request")) read(stream);
        });
    }
    /// The head by itself: Beast 1.74 forgets the limit of a body that comes together with it.
    template <class Stream>
    void read(Stream& stream) {
        http::async_read_header(stream, buffer_, parser_,
                                [this, &stream](beast::error_code error, size_t) {
                                    if (!take(error, "no good answer")) return;
                                    http::async_read(stream, buffer_, parser_,
                                                     [this](beast::error_code failed, size_t) {
                                                         if (take(failed, "no good answer"))
                                                             give_up();
                                                     });
                                });
    }

    const config::HttpUrl url_;
    asio::io_context context_;
    asio::ssl::context tls_{asio::ssl::context::tls_client};
    asio::steady_timer timer_{context_};
    asio::ip::tcp::resolver resolver_{context_};
    beast::ssl_stream<beast::tcp_stream> stream_{context_, tls_};
    beast::flat_buffer buffer_;
    http::request<http::empty_body> request_;
    http::response_parser<http::string_body> parser_;
    beast::error_code error_;
    std::string what_;
};

KeyFetch::KeyFetch(const config::HttpUrl& url, const std::string& ca_pem)
    : exchange_(std::make_unique<Exchange>(url, ca_pem)) {}
KeyFetch::~KeyFetch() = default;

Result<std::string, std::string> KeyFetch::run() {
    return exchange_->run();
}

void KeyFetch::cancel() {
    exchange_->cancel();
}

}  // namespace godwit::server
