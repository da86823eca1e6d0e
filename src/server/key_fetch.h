// KeyFetch: a key set from a URL, by one GET over HTTP or HTTPS. Whoever answers may be anybody:
// the whole exchange has a deadline, the answer a size, and another status than 200, a redirect
// included, is an error. Over HTTPS the certificate must be of the host and of a known authority.
#pragma once

#include "base/result.h"
#include "config/http_url.h"

#include <chrono>
#include <memory>
#include <string>

namespace godwit::server {

class KeyFetch {
public:
    static constexpr auto kPatience = std::chrono::seconds(5);
    static constexpr size_t kBytesMax = 256 * 1024;

    /// @param ca_pem  the authorities; empty: those of the system
    KeyFetch(const config::HttpUrl& url, const std::string& ca_pem);
    ~KeyFetch();

    /// The body. Once. @errors a sentence for the log @cost blocks up to kPatience
    Result<std::string, std::string> run();
    /// run() returns soon, with an error. Thread: any
    void cancel();

private:
    class Exchange;
    std::unique_ptr<Exchange> exchange_;
};

}  // namespace godwit::server
