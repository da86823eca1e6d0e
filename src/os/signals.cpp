#include "os/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace godwit::os {

namespace {

Signal to_signal(uint32_t number) {
    switch (number) {
        case SIGTERM:
            return Signal::Terminate;
        case SIGINT:
            return Signal::Interrupt;
        case SIGHUP:
            return Signal::Hangup;
        case SIGUSR1:
            return Signal::User1;
        default:
            break;
    }
    GW_ASSERT(false);
    return Signal::Terminate;
}

}  // namespace

Result<SignalReader, IoError> SignalReader::open() {
    sigset_t ours;
    ::sigemptyset(&ours);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) ::sigaddset(&ours, number);
    GW_ASSERT(::pthread_sigmask(SIG_BLOCK, &ours, nullptr) == 0);
    Fd fd(::signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC));
    if (!fd) return Err{last_error("signalfd")};
    return SignalReader(std::move(fd));
}

std::optional<Signal> SignalReader::next() {
    signalfd_siginfo raw{};
    const ssize_t got = ::read(fd_.get(), &raw, sizeof raw);
    if (got == sizeof raw) return to_signal(raw.ssi_signo);
    GW_ASSERT(got < 0 && (errno == EAGAIN || errno == EINTR));
    return std::nullopt;
}

void ignore_sigpipe() {
    struct sigaction action {};
    action.sa_handler = SIG_IGN;
    GW_ASSERT(::sigaction(SIGPIPE, &action, nullptr) == 0);
}

}  // namespace godwit::os
