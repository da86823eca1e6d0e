#include "world/process_host.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>

extern char** environ;

namespace godwit::world {

namespace {

using Clock = std::chrono::steady_clock;
/// Much longer than anything takes on a loaded machine: only a broken broker comes near it.
constexpr std::chrono::seconds kPatience{20};

/// Ours but for GODWIT_...: the program would take those for its configuration.
std::vector<char*> environment_of_child() {
    std::vector<char*> kept;
    for (char** at = environ; *at; ++at)
        if (!std::string_view(*at).starts_with("GODWIT_")) kept.push_back(*at);
    kept.push_back(nullptr);
    return kept;
}

}  // namespace

class SocketLink : public Link {
public:
    SocketLink(ProcessHost& host, int fd) : host_(host), fd_(fd) { host_.links_.push_back(this); }
    ~SocketLink() override {
        SocketLink::cut();
        std::erase(host_.links_, this);
    }
    void send(Bytes bytes) override {
        if (fd_ < 0) return;
        put_bytes(out_, bytes);
        flush();
    }
    void cut() override {
        in_.clear();
        close_fd();
        cut_ = true;
    }
    Buffer take() override { return std::exchange(in_, {}); }
    bool closed() const override { return cut_ || (fd_ < 0 && in_.empty()); }
    void set_reading(bool on) override { reading_ = on; }

    pollfd wants() const {
        return {fd_, short((reading_ ? POLLIN : 0) | (out_.empty() ? 0 : POLLOUT)), 0};
    }
    void on_ready(short events) {
        if (events & POLLOUT) flush();
        if (events & (POLLIN | POLLHUP | POLLERR)) fill();
    }

private:
    void flush() {
        while (fd_ >= 0 && !out_.empty()) {
            const ssize_t sent = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
            if (sent < 0) {
                if (errno != EAGAIN && errno != EINTR) out_.clear();  // reading will say why
                return;
            }
            out_.erase(out_.begin(), out_.begin() + sent);
        }
    }
    void fill() {
        uint8_t part[65536];
        while (fd_ >= 0) {
            const ssize_t count = ::recv(fd_, part, sizeof(part), 0);
            if (count > 0) {
                put_bytes(in_, {part, size_t(count)});
                continue;
            }
            if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
            close_fd();
        }
    }
    void close_fd() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

    ProcessHost& host_;
    int fd_;
    Buffer in_, out_;
    bool reading_ = true;
    bool cut_ = false;
};

ProcessHost::ProcessHost(const std::string& binary, uint16_t shards) {
    int pipe_fds[2];
    if (::pipe2(pipe_fds, O_CLOEXEC) != 0) {
        ADD_FAILURE() << "no pipe";
        return;
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
    std::string words[] = {binary,        "serve",
                           "--listen",    "mqtt://127.0.0.1:0",
                           "--shards",    std::to_string(shards),
                           "--log-level", "error"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const int failed = posix_spawn(&child_, binary.c_str(), &actions, nullptr, arguments.data(),
                                   environment_of_child().data());
    posix_spawn_file_actions_destroy(&actions);
    ::close(pipe_fds[1]);
    out_ = pipe_fds[0];
    if (failed != 0) {
        ADD_FAILURE() << "cannot start " << binary;
        child_ = -1;
        return;
    }
    const std::string ready = read_ready_line();
    const size_t at = ready.find("mqtt://127.0.0.1:");
    if (at == std::string::npos) {
        ADD_FAILURE() << "no listener in: " << ready;
        return;
    }
    port_ = uint16_t(std::stoi(ready.substr(ready.find(':', at + 7) + 1)));
}

ProcessHost::~ProcessHost() {
    if (out_ >= 0) ::close(out_);
    if (child_ <= 0) return;
    ::kill(child_, SIGTERM);
    int status = 0;
    ::waitpid(child_, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "wait status " << status;
}

std::string ProcessHost::read_ready_line() {
    std::string text;
    const auto deadline = Clock::now() + kPatience;
    for (;;) {
        const size_t at = text.find("godwit ready");
        const size_t end = at == std::string::npos ? at : text.find('\n', at);
        if (end != std::string::npos) return text.substr(at, end - at);
        pollfd wait{out_, POLLIN, 0};
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0 || ::poll(&wait, 1, int(left.count())) <= 0) return text;
        char part[4096];
        const ssize_t count = ::read(out_, part, sizeof(part));
        if (count <= 0) return text;
        text.append(part, size_t(count));
    }
}

std::unique_ptr<Link> ProcessHost::dial(uint16_t) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
        ADD_FAILURE() << "cannot connect to port " << port_ << ": errno " << errno;
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return std::make_unique<SocketLink>(*this, fd);
}

bool ProcessHost::poll_links(int timeout_ms) {
    std::vector<pollfd> polls;
    std::vector<SocketLink*> asked;
    for (SocketLink* link : links_) {
        const pollfd wants = link->wants();
        if (wants.fd < 0 || wants.events == 0) continue;
        polls.push_back(wants);
        asked.push_back(link);
    }
    if (::poll(polls.data(), polls.size(), timeout_ms) <= 0) return false;
    for (size_t i = 0; i < polls.size(); ++i)
        if (polls[i].revents != 0) asked[i]->on_ready(polls[i].revents);
    return true;
}

void ProcessHost::run_until(const std::function<bool()>& done, const Absorb& absorb) {
    const auto deadline = Clock::now() + kPatience;
    for (;;) {
        absorb();
        if (done()) return;
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) {
            ADD_FAILURE() << "the broker has not answered in time";
            return;
        }
        poll_links(int(left.count()));
    }
}

}  // namespace godwit::world
