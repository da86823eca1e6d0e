// Dumping: what `godwit dump` prints of a data directory, as JSON, an object a line. Changes
// nothing; one body is in memory at a time.
//
//   session   what is known of a client, its subscriptions and the packet ids in flight; the
//             messages it is owed follow, in the order in which they would go out
//   group     a shared group; what it has not handed out, or got no answer for, follows
//   message   one message, for one session ("client_id") or group ("share" and "filter")
//   retained  the retained message of a topic
#pragma once

#include "base/directory.h"
#include "base/result.h"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace godwit::server {

struct DumpOptions {
    bool sessions = true;  // and groups
    bool queues = true;    // the messages owed to them
    bool retained = true;
    std::optional<std::string> client_id;  // this session alone
};

struct Dumped {
    uint64_t lines = 0;
    bool is_damaged = false;  // something is not there that was; `godwit verify` says what
};

/// @param folders  of the shards, by id
/// @param print  takes a line with its newline; false: nobody listens any more
/// @errors       a sentence: a folder cannot be read, or is of a later version; what came before it
///               was printed
Result<Dumped, std::string> dump(Directory& directory, std::span<const std::string> folders,
                                 const DumpOptions& options,
                                 const std::function<bool(std::string_view)>& print);

}  // namespace godwit::server
