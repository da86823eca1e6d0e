// URLs that the broker fetches something from: ("http" | "https") "://" host [":" port] [target].
#pragma once

#include "config/listen_url.h"

namespace godwit::config {

struct HttpUrl {
    bool tls = false;
    HostPort address;    // port 80 or 443 if left out
    std::string target;  // path and query, "/" if left out
};

/// @errors  another scheme, a bad host or port, a user, a fragment, a blank or control character
Result<HttpUrl, ListenUrlError> parse_http_url(std::string_view url);

}  // namespace godwit::config
