#include "server/http_client.h"

#include "os/clock.h"

// One thread runs the context: no fences are owed, and ThreadSanitizer knows none.
#define BOOST_ASIO_DISABLE_FENCED_BLOCK

#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <deque>

namespace godwit::server {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;
/// What it calls is compiled once, for TLS and without.
using OnBytes = std::function<void(error_code, size_t)>;

constexpr size_t kReadBytes = 16 * 1024;
constexpr size_t kHeadBytesMax = 512;  // of a request, but for its target and its token

std::string host_header(const config::HttpUrl& url) {
    const bool brackets = url.address.host.find(':') != std::string::npos;
    return fmt::format("{}{}{}:{}", brackets ? "[" : "", url.address.host, brackets ? "]" : "",
                       url.address.port);
}

}  // namespace

struct HttpClient::Parts {
    explicit Parts(HttpServer whom);
    Connection& free_connection();
    void resolve();

    const HttpServer server;
    asio::io_context context;
    asio::executor_work_guard<asio::io_context::executor_type> work = make_work_guard(context);
    asio::ssl::context tls{asio::ssl::context::tls_client};
    error_code tls_error;  // the authorities cannot be read
    tcp::resolver resolver{context};
    bool resolving = false;              // once for all that wait for it
    std::deque<Connection> connections;  // each stays at its place
};

/// Step by step, with one step under way at a time; the stream under TLS serves plain HTTP too.
class HttpClient::Connection {
public:
    explicit Connection(Parts& parts) : parts_(parts), timer_(parts.context) {}

    bool is_free() const { return state_ == State::Free; }
    bool is_open() const { return open_; }

    void ask(HttpQuestion question, Done done) {
        ++round_;
        late_ = false;
        reused_ = open_;
        done_ = std::move(done);
        timer_.expires_after(question.deadline - os::monotonic_now());
        make_request(std::move(question));
        timer_.async_wait([this, round = round_](error_code) {
            if (round == round_) give_up();
        });
        begin_soon();
    }
    /// The addresses of the host, for those that wait for them.
    void on_resolved(error_code error, const tcp::resolver::results_type& found) {
        if (state_ == State::Resolving && take(error, "its host is not known")) connect(found);
    }

private:
    enum class State : uint8_t { Free, Beginning, Resolving, Asking };

    /// As one text, with room from the start: it may hold a password, and leaves no copies.
    void make_request(HttpQuestion question) {
        const config::HttpUrl& url = parts_.server.url;
        std::string body = std::move(question.json).value_or("");
        request_.clear();
        request_.reserve(kHeadBytesMax + url.target.size() + question.token.size() + body.size());
        const auto out = std::back_inserter(request_);
        fmt::format_to(out, "{} {} HTTP/1.1\r\nHost: {}\r\n", question.json ? "POST" : "GET",
                       url.target, host_header(url));
        fmt::format_to(out, "User-Agent: godwit\r\nAccept: application/json\r\n");
        if (!question.token.empty())
            fmt::format_to(out, "Authorization: Bearer {}\r\n", question.token);
        if (question.json)
            fmt::format_to(out, "Content-Type: application/json\r\nContent-Length: {}\r\n",
                           body.size());
        fmt::format_to(out, "\r\n{}", body);
        OPENSSL_cleanse(body.data(), body.size());
    }
    /// In a turn of its own: no step of before is on the stack any more.
    void begin_soon() {
        state_ = State::Beginning;
        asio::post(parts_.context, [this, round = round_] {
            if (round == round_) begin();
        });
    }
    void begin() {
        parser_.emplace();
        parser_->body_limit(parts_.server.answer_bytes_max);
        if (open_) {
            error_code ignored;
            socket().cancel(ignored);  // the watch
            return write_request();
        }
        if (!take(parts_.tls_error, "its authorities cannot be read")) return;
        stream_.emplace(parts_.context, parts_.tls);
        buffer_.clear();
        if (parts_.server.url.tls) check_peer();
        state_ = State::Resolving;
        parts_.resolve();
    }
    void check_peer() {
        const std::string& host = parts_.server.url.address.host;
        stream_->set_verify_mode(asio::ssl::verify_peer);
        stream_->set_verify_callback(asio::ssl::host_name_verification(host));
        error_code is_name;
        std::string name = host;
        asio::ip::make_address(name, is_name);
        if (is_name)
            SSL_ctrl(stream_->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME,
                     TLSEXT_NAMETYPE_host_name, name.data());
    }

    void connect(const tcp::resolver::results_type& addresses) {
        state_ = State::Asking;
        asio::async_connect(socket(), addresses, [this](error_code error, const auto&) {
            if (!take(error, "no connection")) return;
            if (!parts_.server.url.tls) return write_request();
            stream_->async_handshake(asio::ssl::stream_base::client, [this](error_code failed) {
                if (take(failed, "no TLS")) write_request();
            });
        });
    }
    void write_request() {
        state_ = State::Asking;
        send([this](error_code error, size_t) {
            if (take(error, "it takes no request")) read();
        });
    }
    void read() {
        receive([this](error_code error, size_t bytes) {
            buffer_.commit(bytes);
            if (error == asio::error::eof && parser_->got_some()) {
                error = {};
                parser_->put_eof(error);  // a body may end like that
            }
            if (take(error, "no good answer")) parse();
        });
    }
    /// The head by itself: Beast 1.74 forgets the limit of a body that comes together with it.
    void parse() {
        error_code error;
        while (!error && !parser_->is_done() && buffer_.size() > 0) {
            buffer_.consume(parser_->put(buffer_.data(), error));
            if (parser_->is_header_done() && !is_wanted()) return refuse();
        }
        if (error == http::error::need_more) error = {};
        if (!take(error, "no good answer")) return;
        if (!parser_->is_done()) return read();
        open_ = parser_->keep_alive() && buffer_.size() == 0;  // more was not asked for
        if (!open_) close();
        end(HttpAnswer{parser_->get().result_int(), std::move(parser_->get().body())});
    }
    bool is_wanted() const {
        return parts_.server.any_status || parser_->get().result() == http::status::ok;
    }
    void refuse() {
        close();
        end(Err{fmt::format("it answers with status {}", parser_->get().result_int())});
    }

    void send(OnBytes done) {
        if (parts_.server.url.tls)
            asio::async_write(*stream_, asio::buffer(request_), std::move(done));
        else
            asio::async_write(socket(), asio::buffer(request_), std::move(done));
    }
    void receive(OnBytes done) {
        if (parts_.server.url.tls)
            stream_->async_read_some(buffer_.prepare(kReadBytes), std::move(done));
        else
            socket().async_read_some(buffer_.prepare(kReadBytes), std::move(done));
    }

    /// Ends the question unless all is well. A kept connection may be gone before it says a word:
    /// then another one is tried.
    bool take(error_code error, const char* what) {
        if (!error) return true;
        close();
        if (reused_ && !late_ && !parser_->got_some()) {
            reused_ = false;
            begin_soon();
        } else {
            end(Err{late_ ? late_text() : fmt::format("{}: {}", what, error.message())});
        }
        return false;
    }
    /// The step that is under way fails, and then the question.
    void give_up() {
        late_ = true;
        if (state_ == State::Asking) return close();
        close();
        end(Err{late_text()});
    }
    std::string late_text() const {
        using Seconds = std::chrono::duration<double>;
        return fmt::format("no answer within {} s", Seconds(parts_.server.patience).count());
    }
    void close() {
        error_code ignored;
        if (stream_) socket().close(ignored);
        open_ = false;
    }
    void end(Answer answer) {
        ++round_;
        state_ = State::Free;
        timer_.cancel();
        OPENSSL_cleanse(request_.data(), request_.size());
        if (open_) watch();
        std::exchange(done_, nullptr)(std::move(answer));
    }
    /// While nothing is asked: whatever comes, most likely the end, is the end.
    void watch() {
        socket().async_wait(tcp::socket::wait_read, [this, round = round_](error_code error) {
            if (!error && round == round_) close();
        });
    }

    tcp::socket& socket() { return stream_->next_layer(); }

    Parts& parts_;
    State state_ = State::Free;
    bool open_ = false;    // and can be asked
    bool reused_ = false;  // the question goes over a connection that was kept
    bool late_ = false;
    uint64_t round_ = 0;  // what was begun in an earlier one is no concern any more
    Done done_;
    asio::steady_timer timer_;
    std::optional<asio::ssl::stream<tcp::socket>> stream_;
    beast::flat_buffer buffer_;
    std::string request_;
    std::optional<http::response_parser<http::string_body>> parser_;
};

HttpClient::Parts::Parts(HttpServer whom) : server(std::move(whom)) {
    if (!server.url.tls) return;
    SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_2_VERSION);
    if (server.ca_pem.empty())
        tls.set_default_verify_paths(tls_error);
    else
        tls.add_certificate_authority(asio::buffer(server.ca_pem), tls_error);
}

/// Those that are open first.
HttpClient::Connection& HttpClient::Parts::free_connection() {
    Connection* found = nullptr;
    for (Connection& each : connections) {
        if (!each.is_free()) continue;
        found = &each;
        if (each.is_open()) break;
    }
    return found ? *found : connections.emplace_back(*this);
}

/// A name server may be slow, and asking it cannot be stopped: so there is one question at a time.
void HttpClient::Parts::resolve() {
    if (resolving) return;
    resolving = true;
    resolver.async_resolve(server.url.address.host, std::to_string(server.url.address.port),
                           [this](error_code error, const auto& found) {
                               resolving = false;
                               const size_t count = connections.size();
                               for (size_t i = 0; i < count; ++i)
                                   connections[i].on_resolved(error, found);
                           });
}

HttpClient::HttpClient(HttpServer server) : parts_(std::make_unique<Parts>(std::move(server))) {}
HttpClient::~HttpClient() = default;

void HttpClient::ask(HttpQuestion question, Done done) {
    parts_->free_connection().ask(std::move(question), std::move(done));
}

void HttpClient::run() {
    parts_->context.run();
}

void HttpClient::post(std::function<void()> what) {
    asio::post(parts_->context, std::move(what));
}

void HttpClient::stop() {
    parts_->context.stop();
}

}  // namespace godwit::server
