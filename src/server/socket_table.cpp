#include "server/socket_table.h"

#include "base/assert.h"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace godwit::server {

PeerName::PeerName(const os::SocketAddress& address) {
    if (address.family() == AF_INET) {
        sockaddr_in raw;
        std::memcpy(&raw, address.raw(), sizeof raw);
        std::memcpy(ip_.data(), &raw.sin_addr, sizeof raw.sin_addr);
    } else if (address.family() == AF_INET6) {
        sockaddr_in6 raw;
        std::memcpy(&raw, address.raw(), sizeof raw);
        if (IN6_IS_ADDR_V4MAPPED(&raw.sin6_addr)) {
            std::memcpy(ip_.data(), &raw.sin6_addr.s6_addr[12], 4);
            family_ = AF_INET;
            port_ = address.port();
            return;
        }
        std::memcpy(ip_.data(), &raw.sin6_addr, sizeof raw.sin6_addr);
    } else {
        return;
    }
    family_ = uint8_t(address.family());
    port_ = address.port();
}

std::string PeerName::host() const {
    if (family_ == 0) return "unix";
    char host[INET6_ADDRSTRLEN] = "";
    inet_ntop(family_, ip_.data(), host, sizeof host);
    return host;
}

std::string PeerName::text() const {
    if (family_ == 0) return "unix:";
    const std::string port = std::to_string(port_);
    return family_ == AF_INET6 ? "[" + host() + "]:" + port : host() + ":" + port;
}

void Unsent::consume(size_t count) {
    GW_ASSERT(count <= front().size());
    if (!rest_) return;
    auto& [bytes, at] = *rest_;
    at += count;
    if (at == bytes.size()) {
        rest_.reset();
    } else if (at > bytes.size() / 2) {
        bytes.erase(bytes.begin(), bytes.begin() + std::ptrdiff_t(at));
        at = 0;
    }
}

std::string Socket::peer_text() const {
    if (wire && !wire->peer().address.empty()) return wire->peer().address;
    return peer.text();
}

Socket SocketTable::take(ConnectionId id) {
    GW_ASSERT(find(id) != nullptr);
    Socket socket = std::move(*find(id));
    sockets_.erase(id);
    return socket;
}

}  // namespace godwit::server
