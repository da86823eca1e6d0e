// Database: one SQLite file, as far as the control store needs it: statements with bound values,
// transactions that roll back unless they are committed, and errors as sentences.
// Thread: one at a time. Every call may wait for the disk, and up to kBusyTime for a writer in
// another process.
// Source: https://www.sqlite.org/c3ref/intro.html
#pragma once

#include "base/result.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

struct sqlite3;
struct sqlite3_stmt;

namespace godwit::control {

/// One SQL statement. Its Database outlives it.
class Statement {
public:
    /// @param index  of the parameter: 1 is the first
    Statement& bind(int index, std::string_view text);
    Statement& bind(int index, int64_t number);

    /// To the next row. @return false: there is none
    /// @errors  SQLite's own words
    Result<bool, std::string> step();
    /// For a statement without rows. @errors  as step()
    Result<Done, std::string> run();

    /// Of the row of the last step(), column 0 being the first.
    std::string text(int column) const;
    int64_t number(int column) const;

private:
    friend class Database;
    struct Finalizer {
        void operator()(sqlite3_stmt* statement) const;
    };
    explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
    std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

class Database {
public:
    static constexpr auto kBusyTime = std::chrono::seconds(2);

    /// The file must be there; an empty one is an empty database.
    /// @errors  it cannot be opened. That it is no database is found by the first statement
    static Result<Database, std::string> open(const std::string& path);

    /// @errors  the SQL is not understood, or the file is not
    Result<Statement, std::string> prepare(std::string_view sql);
    /// Several statements, without values and rows.
    Result<Done, std::string> execute(const char* sql);
    /// The first value of the first row, which must be there.
    Result<int64_t, std::string> number(std::string_view sql);
    /// Rows that the last INSERT, UPDATE or DELETE touched.
    int64_t changed_rows() const;

private:
    struct Closer {
        void operator()(sqlite3* database) const;
    };
    explicit Database(sqlite3* database) : database_(database) {}
    std::string fault() const;
    std::unique_ptr<sqlite3, Closer> database_;
};

/// All of it or nothing, and no other process writes meanwhile.
class Transaction {
public:
    static Result<Transaction, std::string> begin(Database& database);
    Transaction(Transaction&& other) noexcept
        : database_(std::exchange(other.database_, nullptr)) {}
    Transaction& operator=(Transaction&&) = delete;
    /// Rolls back what was not committed.
    ~Transaction();

    /// On disk when it returns.
    Result<Done, std::string> commit();

private:
    explicit Transaction(Database& database) : database_(&database) {}
    Database* database_;  // null: over
};

}  // namespace godwit::control
