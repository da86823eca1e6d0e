// UserStore: the users in the control store, and what was done to them. `godwit user` changes it
// while a broker reads it, each by a UserStore of its own, in processes of their own.
// A user name is any text here, and a hash too: who puts in or takes out looks at them.
// Thread: one at a time, none of a shard (see database.h).
#pragma once

#include "base/instant.h"
#include "control/database.h"
#include "os/file.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::control {

struct StoredUser {
    std::string name;
    std::string hash;
    bool is_enabled = true;
    WallTime changed;
};

enum class Act : uint8_t { Added, PasswordChanged, Deleted, Disabled, Enabled };
/// "added", "password_changed", "deleted", "disabled", "enabled"
std::string_view to_text(Act act);

/// Who does something, and when.
struct Doer {
    uint32_t user_id = 0;  // of the system
    WallTime now;
};

struct DoneAct {
    int64_t id = 0;  // rises
    Doer doer;
    std::string act;  // as to_text() has it
    std::string user;
};

class UserStore {
public:
    /// Acts beyond so many, the oldest ones, are forgotten although nobody was told of them.
    static constexpr int64_t kActsMax = 10'000;

    enum class IfMissing : bool { Refuse, Make };
    /// Opens `control.db` in the directory. One that is to be made is for its owner alone (0600),
    /// and so is the directory (0700); its parent is there. An empty file is as good as none.
    /// @errors  a sentence that begins with the file: it is not there, cannot be opened, is
    ///          damaged, is of another program, or of another release's schema
    /// @cost    reads the whole file
    static Result<UserStore, std::string> open(const std::string& directory, IfMissing if_missing);
    static std::string path_in(const std::string& directory);

    const std::string& path() const { return path_; }

    /// All users, by name. @errors  as open()
    Result<std::vector<StoredUser>, std::string> users();
    Result<std::optional<StoredUser>, std::string> find(std::string_view name);

    /// Whether another has changed something since the last call (or open()). Where the file was
    /// replaced or is gone, this UserStore is of the old one and of no use any more.
    /// @cost  a few system calls while nothing changes
    enum class Change : uint8_t { None, Content, File };
    Result<Change, std::string> look();

    // Each is done, with its act, and on disk when it returns.
    // @return  false: nothing was done, since there is such a user (add) or none (the others)
    Result<bool, std::string> add(std::string_view name, std::string_view hash, const Doer& doer);
    Result<bool, std::string> set_hash(std::string_view name, std::string_view hash,
                                       const Doer& doer);
    Result<bool, std::string> set_enabled(std::string_view name, bool enabled, const Doer& doer);
    Result<bool, std::string> remove(std::string_view name, const Doer& doer);

    /// What was done and is still to be told, the oldest first.
    Result<std::vector<DoneAct>, std::string> acts();
    /// Acts up to this one have been told.
    Result<Done, std::string> forget_acts(int64_t last_id);

private:
    UserStore(std::string path, Database database);
    Result<Done, std::string> prepare_schema(IfMissing if_missing);
    Result<Done, std::string> check_schema();
    Result<Done, std::string> make_schema();
    Result<Done, std::string> check_sound();
    Result<bool, std::string> change(Statement& statement, Act act, std::string_view name,
                                     const Doer& doer);
    Result<Done, std::string> note(Act act, std::string_view name, const Doer& doer);
    /// The sentence of an error.
    Err<std::string> failed(const std::string& what) const { return Err{path_ + ": " + what}; }

    std::string path_;
    Database database_;
    os::FileStamp file_;
    int64_t version_ = 0;  // PRAGMA data_version as last seen
};

}  // namespace godwit::control
