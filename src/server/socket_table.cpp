#include "server/socket_table.h"

#include "base/assert.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <utility>

namespace godwit::server {

PeerName::PeerName(const os::SocketAddress& address) {
    if (address.family() == AF_INET) {
        sockaddr_in raw;
        std::memcpy(&raw, address.raw(), sizeof raw);
        std::memcpy(ip_.data(), &raw.sin_addr, sizeof raw.sin_addr);
    } else if (address.family() == AF_INET6) {
        sockaddr_in6 raw;
        std::memcpy(&raw, address.raw(), sizeof raw);
        std::memcpy(ip_.data(), &raw.sin6_addr, sizeof raw.sin6_addr);
    } else {
        return;
    }
    family_ = uint8_t(address.family());
    port_ = address.port();
}

std::string PeerName::text() const {
    if (family_ == 0) return "unix:";
    char host[INET6_ADDRSTRLEN] = "";
    inet_ntop(family_, ip_.data(), host, sizeof host);
    const std::string port = std::to_string(port_);
    return family_ == AF_INET6 ? "[" + std::string(host) + "]:" + port : host + (":" + port);
}

void Unsent::consume(size_t count) {
    at_ += count;
    GW_ASSERT(at_ <= bytes_.size());
    if (at_ == bytes_.size()) {
        bytes_ = Buffer();  // "= {}" would keep the memory
        at_ = 0;
    } else if (at_ > bytes_.size() / 2) {
        bytes_.erase(bytes_.begin(), bytes_.begin() + std::ptrdiff_t(at_));
        at_ = 0;
    }
}

std::string Socket::peer_text() const {
    if (wire && !wire->peer().address.empty()) return wire->peer().address;
    return peer.text();
}

ConnectionId SocketTable::add(std::unique_ptr<Socket> socket) {
    if (free_.empty()) {
        free_.push_back(uint32_t(slots_.size()));
        slots_.emplace_back();
    }
    const uint32_t slot = free_.back();
    free_.pop_back();
    slots_[slot].socket = std::move(socket);
    ++size_;
    return {slot, slots_[slot].generation};
}

Socket* SocketTable::find(ConnectionId id) {
    if (id.slot >= slots_.size() || slots_[id.slot].generation != id.generation) return nullptr;
    return slots_[id.slot].socket.get();
}

std::unique_ptr<Socket> SocketTable::take(ConnectionId id) {
    GW_ASSERT(find(id) != nullptr);
    Slot& slot = slots_[id.slot];
    ++slot.generation;
    free_.push_back(id.slot);
    --size_;
    return std::exchange(slot.socket, nullptr);
}

}  // namespace godwit::server
