// AdminClient: what the command line asks a running broker: one GET to its admin port.
#pragma once

#include "server/http_client.h"

#include <string>
#include <utility>
#include <vector>

namespace godwit::server {

/// "a b/c" -> "a%20b%2Fc"
std::string percent_encoded(std::string_view text);
/// "/api/explain?client=a%2Fb&qos=1"
std::string target_of(std::string_view path,
                      const std::vector<std::pair<std::string, std::string>>& query);

/// @param address  "127.0.0.1:8080", with or without "http://" in front
/// @param token    what the admin port asks for; empty: none is shown
/// @errors         a sentence: who was asked, and what is wrong
/// @cost           blocks, at most some seconds
Result<HttpAnswer, std::string> ask_admin(const std::string& address, const std::string& target,
                                          const std::string& token = "");

}  // namespace godwit::server
