#include "control/database.h"

#include <sqlite3.h>

namespace godwit::control {

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

Statement& Statement::bind(int index, std::string_view text) {
    // A copy of its own: SQLITE_TRANSIENT is a cast of the old kind.
    auto* copy = static_cast<char*>(sqlite3_malloc64(text.size() + 1));
    GW_ASSERT(copy);
    text.copy(copy, text.size());
    const int done =
        sqlite3_bind_text64(statement_.get(), index, copy, text.size(), sqlite3_free, SQLITE_UTF8);
    GW_ASSERT(done == SQLITE_OK);
    return *this;
}

Statement& Statement::bind(int index, int64_t number) {
    const int done = sqlite3_bind_int64(statement_.get(), index, number);
    GW_ASSERT(done == SQLITE_OK);
    return *this;
}

Result<bool, std::string> Statement::step() {
    const int outcome = sqlite3_step(statement_.get());
    if (outcome == SQLITE_ROW) return true;
    if (outcome == SQLITE_DONE) return false;
    return Err{std::string(sqlite3_errmsg(sqlite3_db_handle(statement_.get())))};
}

Result<Done, std::string> Statement::run() {
    const auto row = step();
    if (!row) return Err{row.error()};
    return Done{};
}

std::string Statement::text(int column) const {
    const void* bytes = sqlite3_column_blob(statement_.get(), column);
    const auto count = size_t(sqlite3_column_bytes(statement_.get(), column));
    return bytes ? std::string(static_cast<const char*>(bytes), count) : std::string();
}

int64_t Statement::number(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

void Database::Closer::operator()(sqlite3* database) const {
    sqlite3_close_v2(database);
}

Result<Database, std::string> Database::open(const std::string& path) {
    sqlite3* raw = nullptr;
    const int opened =
        sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    Database database(raw);  // there is one to be closed also where opening failed
    if (!raw) return Err{std::string("no memory")};
    if (opened != SQLITE_OK) return Err{database.fault()};
    const auto busy = std::chrono::milliseconds(kBusyTime);
    sqlite3_busy_timeout(raw, int(busy.count()));
    return database;
}

std::string Database::fault() const {
    return sqlite3_errmsg(database_.get());
}

Result<Statement, std::string> Database::prepare(std::string_view sql) {
    sqlite3_stmt* raw = nullptr;
    const int done =
        sqlite3_prepare_v2(database_.get(), sql.data(), int(sql.size()), &raw, nullptr);
    if (done != SQLITE_OK) return Err{fault()};
    return Statement(raw);
}

Result<Done, std::string> Database::execute(const char* sql) {
    if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        return Err{fault()};
    return Done{};
}

Result<int64_t, std::string> Database::number(std::string_view sql) {
    auto statement = prepare(sql);
    if (!statement) return Err{statement.error()};
    const auto row = statement->step();
    if (!row) return Err{row.error()};
    GW_ASSERT(*row);
    return statement->number(0);
}

int64_t Database::changed_rows() const {
    return sqlite3_changes64(database_.get());
}

Result<Transaction, std::string> Transaction::begin(Database& database) {
    if (auto done = database.execute("BEGIN IMMEDIATE"); !done) return Err{done.error()};
    return Transaction(database);
}

Transaction::~Transaction() {
    if (database_) (void)database_->execute("ROLLBACK");
}

Result<Done, std::string> Transaction::commit() {
    auto done = database_->execute("COMMIT");
    if (done) database_ = nullptr;
    return done;
}

}  // namespace godwit::control
