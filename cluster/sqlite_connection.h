// SQLite as the store needs it: one connection, prepared statements, errors as values. Every call
// blocks: on a helper thread, one at a time. Explained in cluster/README.md.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace ringlog::cluster {

/// What SQLite said, as an Error: SQLITE_FULL is no_space, CORRUPT and NOTADB corrupt_file,
/// READONLY read_only, BUSY locked, the rest io_failed with the errno where there was one.
Error sqlite_error(sqlite3* connection, int code);

/// A prepared statement. reset() after each use that did not run() to the end.
class SqliteStatement {
public:
    SqliteStatement() = default;
    SqliteStatement(sqlite3* connection, std::string_view sql);

    [[nodiscard]] bool valid() const { return statement_ != nullptr; }
    SqliteStatement& bind(int index, int64_t value);
    /// `value` must live until reset().
    SqliteStatement& bind(int index, std::string_view value);
    /// True: a row is there; false: the end.
    Result<bool> step();
    /// Steps to the end, then resets.
    Result<void> run();
    void reset();
    [[nodiscard]] int64_t integer(int column) const;
    [[nodiscard]] std::string blob(int column) const;

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// An open database.
class SqliteConnection {
public:
    SqliteConnection() = default;

    /// Opens `path` with the VFS `vfs` (empty: SQLite's own) and an exclusive lock; creates it only
    /// with `create`.
    static Result<SqliteConnection> open(const std::string& path, const std::string& vfs,
                                         bool create);

    [[nodiscard]] bool is_open() const { return connection_ != nullptr; }
    Result<void> execute(const char* sql);
    /// The first column of the first row of `sql`; empty if there is none.
    Result<std::string> text(const char* sql);
    Result<int64_t> integer(const char* sql);
    Result<SqliteStatement> prepare(std::string_view sql);
    [[nodiscard]] bool in_transaction() const;
    void close() { connection_.reset(); }

private:
    struct Close {
        void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
    };
    std::unique_ptr<sqlite3, Close> connection_;
};

}  // namespace ringlog::cluster
