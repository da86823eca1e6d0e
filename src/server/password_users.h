// PasswordUsers: who can log in by password, out of two places: the password file, read when told,
// and the control store, which `godwit user` changes at any time. Both make one table. Where both
// know a user the store's word counts, also that he is disabled.
// Thread: one at a time, none of a shard.
#pragma once

#include "auth/password_file.h"
#include "config/options.h"
#include "control/user_store.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace godwit::server {

/// The users of the store as auth takes them.
/// @errors  a sentence that begins with the file: of the store, or of a name or hash in it
Result<std::vector<auth::KeptUser>, std::string> load_store_users(control::UserStore& store);

class PasswordUsers {
public:
    /// Reads nothing yet.
    explicit PasswordUsers(const config::Options& options);

    bool has_file() const { return !file_.empty(); }
    bool has_store() const { return !directory_.empty(); }
    /// Makes a store that is not there yet. @errors  as UserStore::open
    Result<Done, std::string> make_store() const;

    // What cannot be read leaves what was read before.
    // @errors  a sentence that begins with the file
    Result<Done, std::string> read_file();
    Result<Done, std::string> read_store();
    /// Whether read_store() may find other users than it did the last time.
    /// @cost  a few system calls
    bool may_differ();

    /// What was read last. @cost  a copy of all users
    std::unique_ptr<const auth::PasswordFile> joined() const;
    /// Users that are in both.
    std::vector<std::string> in_both() const;
    /// What was done in the store since the last call, and by whom; of a new broker also what was
    /// done before it. Nothing where the store cannot be read.
    std::vector<control::DoneAct> take_acts();

private:
    const std::string file_, directory_;  // empty: none
    auth::PasswordFile of_file_;
    std::vector<auth::KeptUser> of_store_;
    std::optional<control::UserStore> store_;  // nullopt: to be opened
    int64_t last_act_ = 0;
};

}  // namespace godwit::server
