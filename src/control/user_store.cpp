#include "control/user_store.h"

#include "control/schema.h"

namespace godwit::control {

namespace {

constexpr const char* kFileName = "control.db";
constexpr const char* kNotOurs = "it is a database of another program";

StoredUser user_of(const Statement& row) {
    return {row.text(0), row.text(1), row.number(2) != 0, {row.number(3)}};
}

Result<Done, std::string> make_file(const std::string& directory, const std::string& path) {
    if (auto made = os::make_directory(directory, 0700); !made)
        return Err{directory + ": " + made.error().text()};
    if (auto made = os::make_private_file(path); !made)
        return Err{path + ": " + made.error().text()};
    return Done{};
}

}  // namespace

std::string_view to_text(Act act) {
    switch (act) {
        case Act::Added:
            return "added";
        case Act::PasswordChanged:
            return "password_changed";
        case Act::Deleted:
            return "deleted";
        case Act::Disabled:
            return "disabled";
        case Act::Enabled:
            return "enabled";
    }
    return "";
}

UserStore::UserStore(std::string path, Database database)
    : path_(std::move(path)), database_(std::move(database)), file_(os::stamp_of(path_)) {}

std::string UserStore::path_in(const std::string& directory) {
    return directory + "/" + kFileName;
}

Result<UserStore, std::string> UserStore::open(const std::string& directory, IfMissing if_missing) {
    const std::string path = path_in(directory);
    if (if_missing == IfMissing::Make)
        if (auto done = make_file(directory, path); !done) return Err{done.error()};
    if (os::stamp_of(path) == os::FileStamp())
        return Err{path + ": it is not there; `godwit user add` makes one"};
    auto database = Database::open(path);
    if (!database) return Err{path + ": " + database.error()};
    UserStore store(path, *std::move(database));
    if (auto done = store.prepare_schema(if_missing); !done) return store.failed(done.error());
    if (auto done = store.check_sound(); !done) return store.failed(done.error());
    const auto version = store.database_.number("PRAGMA data_version");
    if (!version) return store.failed(version.error());
    store.version_ = *version;
    return store;
}

/// Nothing is changed in a database before it is known to be ours, or to be empty.
Result<Done, std::string> UserStore::prepare_schema(IfMissing if_missing) {
    const auto objects = database_.number("SELECT count(*) FROM sqlite_schema");
    if (!objects) return Err{objects.error()};
    const auto id = database_.number("PRAGMA application_id");
    if (!id) return Err{id.error()};
    const bool is_new = *objects == 0 && *id == 0;
    if (is_new && if_missing == IfMissing::Refuse)
        return Err{std::string("it is empty; `godwit user add` makes a store of it")};
    if (!is_new)
        if (auto done = check_schema(); !done) return done;
    if (auto done = database_.execute("PRAGMA trusted_schema = OFF; PRAGMA journal_mode = WAL; "
                                      "PRAGMA synchronous = FULL");
        !done)
        return done;
    return is_new ? make_schema() : Done{};
}

Result<Done, std::string> UserStore::check_schema() {
    const auto id = database_.number("PRAGMA application_id");
    if (!id) return Err{id.error()};
    if (*id != kApplicationId) return Err{std::string(kNotOurs)};
    const auto version = database_.number("PRAGMA user_version");
    if (!version) return Err{version.error()};
    if (*version == kSchemaVersion) return Done{};
    return Err{"its schema is number " + std::to_string(*version) + ", and this release knows " +
               std::to_string(kSchemaVersion) + ": it is of another release of godwit"};
}

Result<Done, std::string> UserStore::make_schema() {
    auto transaction = Transaction::begin(database_);
    if (!transaction) return Err{transaction.error()};
    const auto objects = database_.number("SELECT count(*) FROM sqlite_schema");
    if (!objects) return Err{objects.error()};
    if (*objects > 0) return check_schema();  // another process was faster
    const std::string marks = "PRAGMA application_id = " + std::to_string(kApplicationId) +
                              "; PRAGMA user_version = " + std::to_string(kSchemaVersion);
    if (auto done = database_.execute(kSchema); !done) return done;
    if (auto done = database_.execute(marks.c_str()); !done) return done;
    return transaction->commit();
}

Result<Done, std::string> UserStore::check_sound() {
    auto check = database_.prepare("PRAGMA quick_check(1)");
    if (!check) return Err{check.error()};
    const auto row = check->step();
    if (!row) return Err{row.error()};
    const std::string verdict = check->text(0);
    if (verdict == "ok") return Done{};
    return Err{"it is damaged: " + verdict};
}

Result<std::vector<StoredUser>, std::string> UserStore::users() {
    if (auto done = check_schema(); !done) return failed(done.error());
    auto rows =
        database_.prepare("SELECT name, hash, enabled, changed_ms FROM users ORDER BY name");
    if (!rows) return failed(rows.error());
    std::vector<StoredUser> users;
    for (;;) {
        const auto row = rows->step();
        if (!row) return failed(row.error());
        if (!*row) return users;
        users.push_back(user_of(*rows));
    }
}

Result<std::optional<StoredUser>, std::string> UserStore::find(std::string_view name) {
    auto rows =
        database_.prepare("SELECT name, hash, enabled, changed_ms FROM users WHERE name = ?1");
    if (!rows) return failed(rows.error());
    const auto row = rows->bind(1, name).step();
    if (!row) return failed(row.error());
    if (!*row) return std::optional<StoredUser>();
    return std::optional(user_of(*rows));
}

Result<UserStore::Change, std::string> UserStore::look() {
    const os::FileStamp now = os::stamp_of(path_);
    if (now.inode != file_.inode || now.device != file_.device) return Change::File;
    const auto version = database_.number("PRAGMA data_version");
    if (!version) return failed(version.error());
    return std::exchange(version_, *version) == *version ? Change::None : Change::Content;
}

Result<bool, std::string> UserStore::add(std::string_view name, std::string_view hash,
                                         const Doer& doer) {
    auto insert = database_.prepare(
        "INSERT INTO users (name, hash, enabled, changed_ms) VALUES (?1, ?2, 1, ?3) "
        "ON CONFLICT DO NOTHING");
    if (!insert) return failed(insert.error());
    insert->bind(1, name).bind(2, hash).bind(3, doer.now.unix_ms);
    return change(*insert, Act::Added, name, doer);
}

Result<bool, std::string> UserStore::set_hash(std::string_view name, std::string_view hash,
                                              const Doer& doer) {
    auto update = database_.prepare("UPDATE users SET hash = ?2, changed_ms = ?3 WHERE name = ?1");
    if (!update) return failed(update.error());
    update->bind(1, name).bind(2, hash).bind(3, doer.now.unix_ms);
    return change(*update, Act::PasswordChanged, name, doer);
}

Result<bool, std::string> UserStore::set_enabled(std::string_view name, bool enabled,
                                                 const Doer& doer) {
    auto update =
        database_.prepare("UPDATE users SET enabled = ?2, changed_ms = ?3 WHERE name = ?1");
    if (!update) return failed(update.error());
    update->bind(1, name).bind(2, int64_t(enabled)).bind(3, doer.now.unix_ms);
    return change(*update, enabled ? Act::Enabled : Act::Disabled, name, doer);
}

Result<bool, std::string> UserStore::remove(std::string_view name, const Doer& doer) {
    auto remove = database_.prepare("DELETE FROM users WHERE name = ?1");
    if (!remove) return failed(remove.error());
    remove->bind(1, name);
    return change(*remove, Act::Deleted, name, doer);
}

/// The change and its act, both or neither.
Result<bool, std::string> UserStore::change(Statement& statement, Act act, std::string_view name,
                                            const Doer& doer) {
    auto transaction = Transaction::begin(database_);
    if (!transaction) return failed(transaction.error());
    if (auto done = statement.run(); !done) return failed(done.error());
    if (database_.changed_rows() == 0) return false;
    if (auto done = note(act, name, doer); !done) return failed(done.error());
    if (auto done = transaction->commit(); !done) return failed(done.error());
    return true;
}

Result<Done, std::string> UserStore::note(Act act, std::string_view name, const Doer& doer) {
    auto insert =
        database_.prepare("INSERT INTO acts (done_ms, uid, act, user) VALUES (?1, ?2, ?3, ?4)");
    if (!insert) return Err{insert.error()};
    insert->bind(1, doer.now.unix_ms).bind(2, int64_t(doer.user_id));
    insert->bind(3, to_text(act)).bind(4, name);
    if (auto done = insert->run(); !done) return done;
    auto forget = database_.prepare("DELETE FROM acts WHERE id <= (SELECT max(id) FROM acts) - ?1");
    if (!forget) return Err{forget.error()};
    return forget->bind(1, kActsMax).run();
}

Result<std::vector<DoneAct>, std::string> UserStore::acts() {
    auto rows = database_.prepare("SELECT id, uid, done_ms, act, user FROM acts ORDER BY id");
    if (!rows) return failed(rows.error());
    std::vector<DoneAct> acts;
    for (;;) {
        const auto row = rows->step();
        if (!row) return failed(row.error());
        if (!*row) return acts;
        const Doer doer{uint32_t(rows->number(1)), {rows->number(2)}};
        acts.push_back({rows->number(0), doer, rows->text(3), rows->text(4)});
    }
}

Result<Done, std::string> UserStore::forget_acts(int64_t last_id) {
    auto forget = database_.prepare("DELETE FROM acts WHERE id <= ?1");
    if (!forget) return failed(forget.error());
    if (auto done = forget->bind(1, last_id).run(); !done) return failed(done.error());
    return Done{};
}

}  // namespace godwit::control
