#include "client/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace godwit::client {

namespace {

using mqtt::ReasonCode;

std::string_view advice(ReasonCode reason) {
    switch (reason) {
        case ReasonCode::BadUserNameOrPassword:
            return "; check the user name and the password (-u, -P)";
        case ReasonCode::NotAuthorized:
            return "; log in as somebody who may (-u, -P)";
        case ReasonCode::UnsupportedProtocolVersion:
            return "; try another version, such as -V 311";
        case ReasonCode::ClientIdentifierNotValid:
            return "; choose a client id with -i";
        case ReasonCode::SessionTakenOver:
            return "; another client has connected with this client id";
        default:
            return "";
    }
}

/// A server's text does nothing to a terminal.
std::string harmless(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return uint8_t(c) < 0x20 || c == 0x7f; }, '?');
    return text;
}

std::string with_details(const Ended& end) {
    std::string text = reason_words(end.reason);
    if (!end.reason_string.empty()) text += fmt::format(" (\"{}\")", harmless(end.reason_string));
    if (!end.server_reference.empty())
        text += fmt::format("; the broker names another one: {}", harmless(end.server_reference));
    return text + std::string(advice(end.reason));
}

}  // namespace

std::string reason_words(ReasonCode reason) {
    std::string words(mqtt::reason_name(reason));
    std::replace(words.begin(), words.end(), '_', ' ');
    return words;
}

std::string explain_no_connection(int code, const Endpoint& endpoint, const std::string& address) {
    const bool is_unix = !endpoint.unix_path.empty();
    switch (code) {
        case ECONNREFUSED:
            return fmt::format(
                "connection refused by {}: is the broker running, and does it "
                "listen {}?",
                address, is_unix ? "there" : "on this port");
        case ENOENT:
            return fmt::format("there is no socket {}: is the broker running?", address);
        case EACCES:
        case EPERM:
            return fmt::format(
                "no permission to connect to {}: {}", address,
                is_unix ? "look at the owner and mode of the socket" : "a firewall may forbid it");
        case ETIMEDOUT:
            return fmt::format(
                "no answer from {}: is the address right, and is no firewall "
                "between?",
                address);
        case ENETUNREACH:
        case EHOSTUNREACH:
            return fmt::format("there is no way to {}: check the address and the network", address);
        default:
            return fmt::format("cannot connect to {}: {}", address,
                               std::generic_category().message(code));
    }
}

std::string explain_end(const Ended& end, const std::string& where) {
    switch (end.cause) {
        case EndCause::Refused:
            return fmt::format("the broker at {} refused the connection: {}", where,
                               with_details(end));
        case EndCause::ByServer:
            return fmt::format("the broker at {} ended the connection: {}", where,
                               with_details(end));
        case EndCause::ServerFault:
            return fmt::format("the broker at {} broke a rule of MQTT: {} ({})", where,
                               end.reason_string, reason_words(end.reason));
        case EndCause::KeepAliveTimeout:
            return fmt::format("the broker at {} does not answer any more", where);
    }
    return "";
}

bool is_worth_retrying(const Ended& end) {
    switch (end.reason) {
        case ReasonCode::ServerUnavailable:
        case ReasonCode::ServerBusy:
        case ReasonCode::ServerShuttingDown:
        case ReasonCode::KeepAliveTimeout:
        case ReasonCode::ConnectionRateExceeded:
        case ReasonCode::MaximumConnectTime:
        case ReasonCode::MessageRateTooHigh:
        case ReasonCode::QuotaExceeded:
        case ReasonCode::AdministrativeAction:
            return true;
        case ReasonCode::Success:
        case ReasonCode::UnspecifiedError:
        case ReasonCode::ImplementationSpecificError:
            return end.cause == EndCause::ByServer;
        default:
            return false;
    }
}

}  // namespace godwit::client
