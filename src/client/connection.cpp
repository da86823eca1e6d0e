#include "client/connection.h"

#include "client/explain.h"
#include "os/entropy.h"
#include "os/socket.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace godwit::client {

namespace {

/// From here on the unsent rest is moved to the front, once it is the smaller part.
constexpr size_t kCompactBytes = 64 * 1024;

std::string host_port(const Endpoint& endpoint) {
    const std::string host =
        endpoint.host.find(':') == std::string::npos ? endpoint.host : "[" + endpoint.host + "]";
    return fmt::format("{}:{}", host, endpoint.port != 0 ? endpoint.port : usual_port(endpoint));
}

Err<ConnectionEnd> over(std::string what) {
    return Err{ConnectionEnd{std::move(what)}};
}

transport::ClientWireOptions wire_options(const Endpoint& endpoint,
                                          const transport::TlsContext* tls, mqtt::Version version) {
    const bool named = !endpoint.tls_server_name.empty();
    const bool on_host = endpoint.unix_path.empty();
    transport::ClientWireOptions options;
    options.tls = endpoint.tls ? tls : nullptr;
    if (named || on_host)
        options.tls_server_name = named ? endpoint.tls_server_name : endpoint.host;
    options.tls_check_name = endpoint.tls_check_name;
    options.alpn = endpoint.alpn;
    options.websocket = endpoint.websocket;
    options.websocket_path = endpoint.websocket_path;
    options.websocket_protocol = version == mqtt::Version::V31 ? "mqttv3.1" : "mqtt";
    options.websocket_fields = endpoint.websocket_fields;
    options.mask_key = os::random_hash_key();
    return options;
}

}  // namespace

Connection::Connection(const Endpoint& endpoint, const transport::TlsContext* tls,
                       os::Poller& poller, uint64_t token)
    : endpoint_(endpoint), tls_(tls), poller_(poller), token_(token) {}

Connection::~Connection() {
    if (socket_) poller_.remove(socket_.get());
}

// --- connecting ---

Result<std::unique_ptr<Connection>, ConnectionEnd> Connection::open(
    const Endpoint& endpoint, const transport::TlsContext* tls, mqtt::Version version,
    os::Poller& poller, uint64_t token) {
    std::unique_ptr<Connection> made(new Connection(endpoint, tls, poller, token));
    made->version_ = version;
    const Step begun = endpoint.unix_path.empty() ? made->begin_tcp() : made->begin_unix();
    if (!begun) return Err{begun.error()};
    return made;
}

Connection::Step Connection::begin_unix() {
    address_text_ = "unix:" + endpoint_.unix_path;
    auto fd = os::connect_unix(endpoint_.unix_path);
    if (!fd) return over(explain_no_connection(fd.error().code, endpoint_, address_text_));
    return watch(std::move(*fd));
}

Connection::Step Connection::begin_tcp() {
    const uint16_t port = endpoint_.port != 0 ? endpoint_.port : usual_port(endpoint_);
    if (!endpoint_.bind_address.empty()) {
        const auto own = os::resolve({endpoint_.bind_address, 0});
        if (!own)
            return over(fmt::format("own address {}: {}", endpoint_.bind_address,
                                    os::describe(own.error())));
        bind_ = own->front();
    }
    auto resolved = os::resolve({endpoint_.host, port});
    if (!resolved)
        return over(fmt::format("{}: {}", endpoint_.host, os::describe(resolved.error())));
    addresses_ = std::move(*resolved);
    return try_next_address();
}

Connection::Step Connection::try_next_address() {
    while (next_address_ < addresses_.size()) {
        const os::SocketAddress& to = addresses_[next_address_++];
        if (bind_ && bind_->family() != to.family()) continue;
        address_text_ = to.text();
        auto fd = os::connect_tcp(to, bind_ ? &*bind_ : nullptr);
        if (fd) return watch(std::move(*fd));
        last_refusal_ = explain_no_connection(fd.error().code, endpoint_, address_text_);
    }
    if (last_refusal_.empty())
        return over(fmt::format("{} and {} are not of one family, IPv4 or IPv6",
                                endpoint_.bind_address, endpoint_.host));
    return over(last_refusal_);
}

Connection::Step Connection::watch(os::Fd fd) {
    const auto added = poller_.add(fd.get(), token_, os::Interest::ReadWrite);
    if (!added) return over(fmt::format("cannot watch a socket: {}", added.error().text()));
    socket_ = std::move(fd);
    interest_ = os::Interest::ReadWrite;
    return Done{};
}

Connection::Step Connection::on_connected() {
    if (const auto decided = os::socket_error(socket_.get()); !decided) {
        last_refusal_ = explain_no_connection(decided.error().code, endpoint_, address_text_);
        poller_.remove(socket_.get());
        socket_.reset();
        return try_next_address();
    }
    if (endpoint_.unix_path.empty()) os::set_nodelay(socket_.get());
    if (!endpoint_.tls && !endpoint_.websocket) {
        stage_ = Stage::Open;
        return Done{};
    }
    auto options = wire_options(endpoint_, tls_, version_);
    const std::string host = endpoint_.unix_path.empty() ? host_port(endpoint_) : "localhost";
    options.websocket_host = host;
    auto made = transport::Wire::client(options, out_);
    if (!made) return over(made.error().what);
    wire_ = std::move(*made);
    stage_ = Stage::Handshake;
    return flush();
}

// --- bytes ---

Connection::Step Connection::on_event(const os::PollEvent& event, std::span<uint8_t> room,
                                      Buffer& mqtt) {
    if (stage_ == Stage::Connecting) {
        if (!event.writable && !event.hangup) return Done{};
        if (const Step connected = on_connected(); !connected) return connected;
        if (stage_ == Stage::Connecting) return Done{};
    } else if (event.readable || event.hangup) {
        if (const Step read = read_once(room, mqtt); !read) return read;
    }
    return flush();
}

Connection::Step Connection::read_once(std::span<uint8_t> room, Buffer& mqtt) {
    const auto got = os::receive_some(socket_.get(), room);
    if (got) return take(Bytes(room).first(*got), mqtt);
    const os::StreamError& error = got.error();
    if (error.kind == os::StreamError::Kind::WouldBlock) return Done{};
    if (stage_ == Stage::Handshake)
        return over(fmt::format("{} broke off the handshake ({}): does it speak {} on this port?",
                                address_text_, error.text(), endpoint_.tls ? "TLS" : "WebSocket"));
    if (error.kind == os::StreamError::Kind::EndOfStream)
        return over(fmt::format("{} closed the connection", address_text_));
    return over(fmt::format("connection to {} lost: {}", address_text_, error.text()));
}

Connection::Step Connection::take(Bytes raw, Buffer& mqtt) {
    if (!wire_) {
        put_bytes(mqtt, raw);
        return Done{};
    }
    const auto received = wire_->receive(raw, mqtt, out_);
    if (received) {
        if (stage_ == Stage::Handshake && wire_->ready()) stage_ = Stage::Open;
        return Done{};
    }
    (void)flush();  // an alert or a close frame, if there is room
    return over(fmt::format("{}: {}", address_text_, received.error().what));
}

Connection::Step Connection::send(Bytes mqtt) {
    if (!wire_) {
        put_bytes(out_, mqtt);
    } else if (const auto sent = wire_->send(mqtt, out_); !sent) {
        return over(fmt::format("{}: {}", address_text_, sent.error().what));
    }
    return flush();
}

Connection::Step Connection::flush() {
    while (sent_ < out_.size()) {
        const Bytes rest = Bytes(out_).subspan(sent_);
        const auto taken = os::write_some(socket_.get(), std::span(&rest, 1));
        if (taken) {
            sent_ += *taken;
            continue;
        }
        if (taken.error().kind == os::StreamError::Kind::WouldBlock) break;
        return over(fmt::format("connection to {} lost: {}", address_text_, taken.error().text()));
    }
    if (sent_ == out_.size()) {
        out_.clear();
        sent_ = 0;
    } else if (sent_ > kCompactBytes && sent_ > out_.size() / 2) {
        out_.erase(out_.begin(), out_.begin() + std::ptrdiff_t(sent_));
        sent_ = 0;
    }
    if (out_.empty() && stage_ == Stage::Ending) os::shutdown_write(socket_.get());
    listen_for_room();
    return Done{};
}

void Connection::listen_for_room() {
    const os::Interest wanted = out_.empty() ? os::Interest::Read : os::Interest::ReadWrite;
    if (wanted == interest_) return;
    poller_.modify(socket_.get(), token_, wanted);
    interest_ = wanted;
}

void Connection::say_goodbye() {
    if (stage_ != Stage::Open) return;
    stage_ = Stage::Ending;
    if (wire_) wire_->close(transport::CloseCode::Normal, out_);
    (void)flush();
}

}  // namespace godwit::client
