// HttpClient: questions to one server, over HTTP/1.1 or HTTPS, on connections that are kept and
// used again. Whoever answers may be anybody: each question has a deadline, each answer a size, and
// another status than 200, a redirect included, is an error unless it is wanted. Over HTTPS the
// certificate must be of the host and of a known authority. Source: RFC 9112.
#pragma once

#include "base/instant.h"
#include "base/result.h"
#include "config/http_url.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace godwit::server {

/// Who is asked, and how much of the answer is believed.
struct HttpServer {
    config::HttpUrl url;
    std::string ca_pem;  // the authorities; empty: those of the system
    Duration patience = std::chrono::seconds(5);
    size_t answer_bytes_max = 64 * 1024;
    bool any_status = false;  // another one than 200 is an answer as well
};

struct HttpQuestion {
    Instant deadline;                 // at most `patience` from now
    std::optional<std::string> json;  // the body of a POST; nullopt: a GET
    std::string token;                // of the broker, shown as a bearer token; empty: none
};

struct HttpAnswer {
    unsigned status = 0;
    std::string body;
};

/// Thread: that of run(), but for post() and stop().
class HttpClient {
public:
    /// The answer, or a sentence for the log without any of it.
    using Answer = Result<HttpAnswer, std::string>;
    using Done = std::function<void(Answer)>;

    explicit HttpClient(HttpServer server);
    /// Whoever waits is told nothing more.
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// Calls `done` once, from run(), not later than at the deadline. As many are asked at a time
    /// as the caller wants, each on a connection of its own. A kept connection that turns out to be
    /// gone is replaced once, so that a server may get a question twice.
    void ask(HttpQuestion question, Done done);
    /// Answers questions until stop().
    void run();
    /// Calls it from run(). Thread: any
    void post(std::function<void()> what);
    /// run() returns soon, or at once if it has not begun. For ever. Thread: any
    void stop();

private:
    class Connection;
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace godwit::server
