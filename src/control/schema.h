// The tables of control.db. A change of them, also one that only adds, has a higher kSchemaVersion:
// a broker refuses a store of a newer release than its own rather than misread who may come in.
#pragma once

namespace godwit::control {

/// "GWCT": PRAGMA application_id, which tells the store from databases of other programs.
inline constexpr int kApplicationId = 0x47574354;
/// PRAGMA user_version; 0 is a database in which nothing has been made yet.
inline constexpr int kSchemaVersion = 1;

/// users: `hash` as auth/password_hash.h has it; times are ms since 1970, UTC.
/// acts: what was done to users and is still to be told by a broker, in the order it was done.
inline constexpr const char* kSchema = R"(
CREATE TABLE users (
    name TEXT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    changed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE acts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    done_ms INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    act TEXT NOT NULL,
    user TEXT NOT NULL
) STRICT;
)";

}  // namespace godwit::control
