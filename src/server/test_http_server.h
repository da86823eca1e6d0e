// For tests: an HTTP server on loopback, a thread for each connection, kept until the client ends
// it.
#pragma once

// No fences are owed: every call blocks.
#define BOOST_ASIO_DISABLE_FENCED_BLOCK

#include "server/http_client.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace godwit::server {

class TestHttpServer {
public:
    /// @param reply  the body of a request -> that of the answer; may block. Thread: any
    explicit TestHttpServer(std::function<std::string(const std::string&)> reply)
        : reply_(std::move(reply)),
          acceptor_(context_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {
        thread_ = std::thread([this] { accept(); });
    }
    /// Clients have ended before.
    ~TestHttpServer() {
        ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
        thread_.join();
        for (std::thread& each : connections_) each.join();
    }
    HttpServer address() const {
        HttpServer server;
        server.url.address = {"127.0.0.1", acceptor_.local_endpoint().port()};
        server.url.target = "/";
        return server;
    }
    size_t request_count() const { return requests_; }

private:
    using error_code = boost::system::error_code;
    using tcp = boost::asio::ip::tcp;

    void accept() {
        for (;;) {
            error_code error;
            tcp::socket socket(context_);
            acceptor_.accept(socket, error);
            if (error) return;
            connections_.emplace_back(
                [this, one = std::move(socket)]() mutable { serve(std::move(one)); });
        }
    }
    void serve(tcp::socket socket) {
        namespace http = boost::beast::http;
        boost::beast::flat_buffer buffer;
        for (;;) {
            error_code error;
            http::request<http::string_body> request;
            http::read(socket, buffer, request, error);
            if (error) return;
            ++requests_;
            http::response<http::string_body> response;
            response.body() = reply_(request.body());
            response.prepare_payload();
            http::write(socket, response, error);
        }
    }

    const std::function<std::string(const std::string&)> reply_;
    boost::asio::io_context context_;
    tcp::acceptor acceptor_;
    std::atomic<size_t> requests_{0};
    std::vector<std::thread> connections_;
    std::thread thread_;
};

}  // namespace godwit::server
