// The password file: who exists, one `user:hash` a line, hashes as in password_hash.h. Files made
// by mosquitto_passwd are read as they are. '#' starts a comment line; blank lines are kept. It
// fails closed: a line that is not understood is an error, never a user without a password.
#pragma once

#include "auth/file_error.h"
#include "auth/password_hash.h"
#include "auth/scram.h"
#include "base/hash.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::auth {

/// A user who is kept elsewhere.
struct KeptUser {
    std::string name;
    std::string hash;
    bool is_enabled = true;
};

/// BadUserName: empty, longer than 65535 bytes, not UTF-8, blanks at an end, a leading '#', a ':'
/// or a control character.
enum class UserError : uint8_t { BadUserName, BadHash };

/// The error as half a sentence: "this cannot be a user name: ...".
std::string_view describe(UserError error);

class PasswordFile {
public:
    /// @errors  the first bad line: no ':', a bad user name, a hash that is none, a user twice
    static Result<PasswordFile, FileError> parse(std::string_view text);

    /// Whether this is the user's password. An unknown user costs as much as a known one, so that
    /// the time of the answer does not tell which names exist.
    /// @param password  nullopt when CONNECT carried none: never right, and costs the same
    /// @cost            as password_matches: not for a shard's thread
    bool verify(std::string_view user, std::optional<std::string_view> password) const;

    /// What SCRAM-SHA-256 asks for. @return nullopt: no such user, or the password is kept
    /// otherwise
    std::optional<ScramSecret> scram_secret(std::string_view user) const;

    bool contains(std::string_view user) const { return index_.contains(user); }
    size_t user_count() const { return users_.size(); }

    /// The users of `before` that are gone, or have another hash; sorted.
    std::vector<std::string> changed_since(const PasswordFile& before) const;

    /// Adds a user or replaces the hash of one.
    /// @param hash  text of hash_password() or of mosquitto_passwd
    Result<Done, UserError> set(std::string_view user, std::string_view hash);

    /// These users from now on besides those that are here, or in their place. Who is not enabled
    /// is gone, here too.
    /// @errors  the first of them that is none; nothing is changed then
    Result<Done, std::string> merge(const std::vector<KeptUser>& users);

    /// False if there was no such user.
    bool remove(std::string_view user);

    /// The file's text, comments and order kept; parse() of it gives the same users.
    std::string print() const;

private:
    struct Line {
        std::string user;     // empty: a comment or a blank line
        std::string comment;  // as it was
        std::optional<PasswordHash> hash;
    };

    static Result<Line, UserError> make_line(std::string_view user, std::string_view hash);
    void reindex();
    const PasswordHash* stand_in(std::string_view unknown_user) const;

    std::vector<Line> lines_;
    std::map<std::string, size_t, std::less<>> index_;  // user -> position in lines_
    std::vector<size_t> users_;                         // positions in lines_ that hold a user
    HashKey key_;  // from the hashes themselves, so that nobody outside can foresee a stand-in
};

}  // namespace godwit::auth
