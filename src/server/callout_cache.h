// CalloutCache: answers of the call-out that may be used again for a while, by the digest of the
// question. Bounded: the oldest answer makes room for the newest.
#pragma once

#include "auth/callout.h"
#include "base/instant.h"

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

namespace godwit::server {

/// What the call-out said of somebody.
struct CalloutReply {
    auth::CalloutAnswer::Kind kind = auth::CalloutAnswer::Kind::Deny;
    std::vector<auth::Claim> claims;
    Instant expires = kNever;  // of whom is let in
    std::string realm;         // where it belongs; empty: where it is
};

class CalloutCache {
public:
    static constexpr size_t kBytesMax = 32 * 1024 * 1024;

    /// nullptr: none that may still be used. Until the next call.
    const CalloutReply* find(const std::string& digest, Instant now) const;
    /// @param until  at the latest; not longer than what it says holds
    void keep(const std::string& digest, CalloutReply reply, Instant until);
    void clear();
    size_t size() const { return entries_.size(); }

private:
    struct Entry {
        CalloutReply reply;
        Instant until;
        uint64_t number = 0;
        size_t bytes = 0;
    };
    void drop_oldest();
    bool is_current(const std::pair<uint64_t, std::string>& place) const;

    std::unordered_map<std::string, Entry> entries_;
    std::deque<std::pair<uint64_t, std::string>> order_;  // of another number: replaced
    uint64_t last_number_ = 0;
    size_t bytes_ = 0;
};

}  // namespace godwit::server
