#include "server/new_password.h"

#include "auth/password_hash.h"
#include "os/entropy.h"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <iostream>

namespace godwit::server {

namespace {

/// One line of standard input, not shown while it is typed on a terminal.
std::string read_hidden(const char* prompt) {
    const bool terminal = isatty(STDIN_FILENO);
    termios shown{};
    if (terminal) {
        std::fprintf(stderr, "%s", prompt);
        tcgetattr(STDIN_FILENO, &shown);
        termios hidden = shown;
        hidden.c_lflag &= ~tcflag_t(ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &hidden);
    }
    std::string line;
    std::getline(std::cin, line);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSANOW, &shown);
        std::fprintf(stderr, "\n");
    }
    return line;
}

}  // namespace

Result<std::string, std::string> ask_password() {
    std::string password = read_hidden("Password: ");
    if (isatty(STDIN_FILENO) && password != read_hidden("Again: "))
        return Err{std::string("the two passwords differ; nothing was changed")};
    if (password.empty()) return Err{std::string("an empty password; nothing was changed")};
    return password;
}

std::string hash_new_password(std::string_view password, bool for_scram) {
    std::array<uint8_t, 16> salt;
    os::fill_random(salt);
    return for_scram ? auth::hash_password_for_scram(password, salt)
                     : auth::hash_password(password, salt);
}

}  // namespace godwit::server
