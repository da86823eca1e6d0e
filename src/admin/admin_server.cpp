#include "admin/admin_server.h"

#include "admin/metrics.h"
#include "admin/realm_json.h"
#include "admin/session_json.h"
#include "admin/target.h"
#include "os/thread.h"

// One thread runs the context: no fences are owed, and ThreadSanitizer knows none.
#define BOOST_ASIO_DISABLE_FENCED_BLOCK

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <openssl/crypto.h>

#include <list>
#include <thread>
#include <utility>

namespace godwit::admin {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;

constexpr auto kRequestTime = std::chrono::seconds(10);
constexpr uint64_t kRequestBytesMax = 64 * 1024;
constexpr size_t kSessionsMax = 64;  // one more ends the one that has waited longest
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

void give_session(const std::string& client_id, const std::string& realm,
                  const AdminSources& sources, Response& response) {
    const auto report = sources.session(realm, client_id);
    if (report) {
        response.set(http::field::content_type, "application/json");
        response.body() = render_session(realm, client_id, *report);
    } else if (report.error() == AdminSources::Fault::Unknown) {
        response.result(http::status::not_found);
        response.body() = "no such session\n";
    } else {
        response.result(http::status::service_unavailable);
        response.body() = "the session's shard is too busy to say\n";
    }
}

void give_realms(const AdminSources& sources, Response& response) {
    const auto realms = sources.stats().realms;
    if (realms.empty()) {
        response.result(http::status::service_unavailable);
        response.body() = "a shard is too busy to say\n";
        return;
    }
    response.set(http::field::content_type, "application/json");
    response.body() = render_realms(realms);
}

void give(AdminSources::Answer answer, Response& response) {
    response.result(answer.status);
    if (answer.is_json) response.set(http::field::content_type, "application/json");
    response.body() = std::move(answer.body);
}

/// What is at this target, for GET.
void give(std::string_view text, const AdminSources& sources, Response& response) {
    const Target target = parse_target(text).value_or(Target{});
    const auto& path = target.path;
    if (path == std::vector<std::string>{"metrics"}) {
        response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
        response.body() = render_metrics(sources.stats());
    } else if (path == std::vector<std::string>{"healthz"}) {
        response.body() = "ok\n";
    } else if (path.size() == 3 && path[0] == "api" && path[1] == "clients") {
        give_session(path[2], target.value("realm", "default"), sources, response);
    } else if (path.size() == 4 && path[0] == "api" && path[1] == "clients" &&
               path[3] == "events") {
        give(sources.events(path[2], target), response);
    } else if (path == std::vector<std::string>{"api", "realms"}) {
        give_realms(sources, response);
    } else if (path == std::vector<std::string>{"api", "explain"}) {
        give(sources.explain(target), response);
    } else {
        response.result(http::status::not_found);
        response.body() =
            "not here; there are /metrics, /healthz, /api/clients/ID, /api/clients/ID/events, "
            "/api/realms and /api/explain\n";
    }
}

/// Whether the request carries the token, if one is needed [RFC 6750 section 2.1].
bool may_ask(const Request& request, const std::string& token) {
    static constexpr beast::string_view kScheme = "Bearer ";
    if (token.empty() || request.target() == "/healthz") return true;
    const auto field = request[http::field::authorization];
    if (!beast::iequals(field.substr(0, kScheme.size()), kScheme)) return false;
    const auto given = field.substr(kScheme.size());
    return given.size() == token.size() &&
           CRYPTO_memcmp(given.data(), token.data(), token.size()) == 0;
}

Response respond(const Request& request, const AdminSources& sources, const std::string& token) {
    Response response{http::status::ok, request.version()};
    response.set(http::field::content_type, "text/plain; charset=utf-8");
    if (!may_ask(request, token)) {
        response.result(http::status::unauthorized);
        response.set(http::field::www_authenticate, "Bearer");
        response.body() = "the token of admin.token_file is needed: Authorization: Bearer TOKEN\n";
    } else if (request.method() != http::verb::get && request.method() != http::verb::head) {
        response.result(http::status::method_not_allowed);
        response.set(http::field::allow, "GET, HEAD");
        response.body() = "only GET and HEAD are served here\n";
    } else {
        give({request.target().data(), request.target().size()}, sources, response);
    }
    if (request.method() == http::verb::head) {
        const size_t bytes = response.body().size();
        response.body().clear();
        response.content_length(bytes);
    } else {
        response.prepare_payload();
    }
    response.keep_alive(request.keep_alive());
    return response;
}

std::string text_of(const Tcp::endpoint& endpoint) {
    const std::string host = endpoint.address().to_string();
    const std::string shown = endpoint.address().is_v6() ? "[" + host + "]" : host;
    return shown + ":" + std::to_string(endpoint.port());
}

class HttpSession;
using Sessions = std::list<HttpSession*>;  // the one that has waited longest first

/// One connection; alive as long as an operation on it is under way.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
public:
    HttpSession(Tcp::socket socket, const AdminSources& sources, const std::string& token,
                Sessions& all)
        : stream_(std::move(socket)),
          sources_(sources),
          token_(token),
          all_(all),
          at_(all_.insert(all_.end(), this)) {}
    ~HttpSession() { leave(); }

    /// Makes room for somebody else.
    void end() {
        leave();
        stream_.close();
    }

    void read() {
        all_.splice(all_.end(), all_, at_);
        parser_.emplace();
        parser_->body_limit(kRequestBytesMax);
        stream_.expires_after(kRequestTime);
        http::async_read(stream_, buffer_, *parser_,
                         [self = shared_from_this()](beast::error_code error, size_t) {
                             if (!error && !self->has_left()) self->write();
                         });
    }

private:
    void tell_audit(const Request& request) const {
        const bool reads =
            request.method() == http::verb::get || request.method() == http::verb::head;
        const bool refused = response_.result() == http::status::unauthorized;
        if (!sources_.audit || (reads && !refused)) return;
        const std::string target(request.target());
        beast::error_code error;
        const Tcp::endpoint peer = stream_.socket().remote_endpoint(error);
        sources_.audit({std::string(request.method_string()), target.substr(0, target.find('?')),
                        error ? "" : text_of(peer), response_.result_int()});
    }
    bool has_left() const { return at_ == all_.end(); }
    void leave() {
        if (!has_left()) all_.erase(std::exchange(at_, all_.end()));
    }
    void write() {
        response_ = respond(parser_->get(), sources_, token_);
        tell_audit(parser_->get());
        http::async_write(stream_, response_,
                          [self = shared_from_this()](beast::error_code error, size_t) {
                              if (error || self->has_left()) return;
                              if (self->response_.keep_alive()) return self->read();
                              self->stream_.socket().shutdown(Tcp::socket::shutdown_send, error);
                          });
    }

    beast::tcp_stream stream_;
    beast::flat_buffer buffer_{kRequestBytesMax};
    std::optional<http::request_parser<http::string_body>> parser_;
    Response response_;
    const AdminSources& sources_;
    const std::string& token_;
    Sessions& all_;
    Sessions::iterator at_;  // the end once it has left
};

}  // namespace

struct AdminServer::Impl {
    Impl(AdminSources from, std::string wanted)
        : sources(std::move(from)), token(std::move(wanted)) {}

    void accept() {
        acceptor.async_accept([this](beast::error_code error, Tcp::socket socket) {
            if (error == asio::error::operation_aborted) return;
            if (error) return accept_later();
            if (sessions.size() >= kSessionsMax) sessions.front()->end();
            std::make_shared<HttpSession>(std::move(socket), sources, token, sessions)->read();
            accept();
        });
    }
    /// Out of descriptors, most likely: who waits can wait on.
    void accept_later() {
        pause.expires_after(kAcceptPause);
        pause.async_wait([this](beast::error_code error) {
            if (!error) accept();
        });
    }

    AdminSources sources;
    std::string token;
    Sessions sessions;  // outlives the context, whose end ends them
    asio::io_context context{1};
    Tcp::acceptor acceptor{context};
    asio::steady_timer pause{context};
    std::thread thread;
};

AdminServer::AdminServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<AdminServer>, std::string> AdminServer::start(const std::string& host,
                                                                     uint16_t port,
                                                                     AdminSources sources,
                                                                     std::string token) {
    auto impl = std::make_unique<Impl>(std::move(sources), std::move(token));
    beast::error_code error;
    const auto fail = [&] {
        return Err{"admin server cannot listen on " + host + ":" + std::to_string(port) + ": " +
                   error.message()};
    };
    Tcp::resolver resolver(impl->context);
    const auto found = resolver.resolve(host, std::to_string(port), Tcp::resolver::passive, error);
    if (error || found.empty()) return fail();
    const Tcp::endpoint endpoint = found.begin()->endpoint();
    impl->acceptor.open(endpoint.protocol(), error);
    if (error) return fail();
    impl->acceptor.set_option(asio::socket_base::reuse_address(true), error);
    impl->acceptor.bind(endpoint, error);
    if (error) return fail();
    impl->acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) return fail();
    impl->accept();
    impl->thread = std::thread([&context = impl->context] {
        os::name_this_thread("godwit-admin");
        context.run();
    });
    return std::unique_ptr<AdminServer>(new AdminServer(std::move(impl)));
}

void AdminServer::set_token(std::string token) {
    asio::post(impl_->context, [&impl = *impl_, token = std::move(token)]() mutable {
        impl.token = std::move(token);
    });
}

AdminServer::~AdminServer() {
    impl_->context.stop();
    impl_->thread.join();
}

std::string AdminServer::url() const {
    return "http://" + text_of(impl_->acceptor.local_endpoint());
}

}  // namespace godwit::admin
