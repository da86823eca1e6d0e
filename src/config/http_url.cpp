#include "config/http_url.h"

#include <algorithm>

namespace godwit::config {

Result<HttpUrl, ListenUrlError> parse_http_url(std::string_view url) {
    HttpUrl out;
    std::string_view rest = url;
    out.tls = rest.starts_with("https://");
    if (!out.tls && !rest.starts_with("http://"))
        return Err{ListenUrlError{"it begins with neither https:// nor http://"}};
    rest.remove_prefix(out.tls ? 8 : 7);
    const auto is_bare = [](char c) { return c > ' ' && c < 0x7f && c != '#' && c != '\\'; };
    if (!std::ranges::all_of(rest, is_bare))
        return Err{ListenUrlError{"it holds a blank, a '#' or another character that no URL has"}};
    const size_t end = std::min(rest.find_first_of("/?"), rest.size());
    std::string authority(rest.substr(0, end));
    out.target = rest.substr(end);
    if (!out.target.starts_with('/')) out.target.insert(0, "/");
    if (authority.find('@') != authority.npos)
        return Err{ListenUrlError{"a user has no place in it"}};
    const size_t colon = authority.rfind(':');
    if (colon == authority.npos || authority.find(']', colon) != authority.npos)
        authority += out.tls ? ":443" : ":80";
    auto address = parse_host_port(authority);
    if (!address) return Err{address.error()};
    out.address = *std::move(address);
    if (out.address.port == 0) return Err{ListenUrlError{"the port is 0"}};
    return out;
}

}  // namespace godwit::config
