// SQLite behind values instead of codes. Explained in cluster/sqlite_connection.h.
#include "cluster/sqlite_connection.h"

#include "base/assert.h"

namespace ringlog::cluster {

Error sqlite_error(sqlite3* connection, int code) {
    const int os_errno = connection != nullptr ? sqlite3_system_errno(connection) : 0;
    switch (code & 0xff) {
        case SQLITE_FULL: return {.code = Errc::no_space, .os_errno = os_errno};
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return {.code = Errc::corrupt_file};
        case SQLITE_READONLY: return {.code = Errc::read_only, .os_errno = os_errno};
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return {.code = Errc::locked};
        default: return {.code = Errc::io_failed, .os_errno = os_errno};
    }
}

SqliteStatement::SqliteStatement(sqlite3* connection, std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v3(connection, sql.data(), static_cast<int>(sql.size()),
                       SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    statement_.reset(statement);
}

SqliteStatement& SqliteStatement::bind(int index, int64_t value) {
    const int code = sqlite3_bind_int64(statement_.get(), index, value);
    RL_ASSERT(code == SQLITE_OK, "code={}", code);
    return *this;
}

SqliteStatement& SqliteStatement::bind(int index, std::string_view value) {
    const char* data = value.empty() ? "" : value.data();
    const int code =
        sqlite3_bind_blob64(statement_.get(), index, data, value.size(), SQLITE_STATIC);
    RL_ASSERT(code == SQLITE_OK, "code={}", code);
    return *this;
}

Result<bool> SqliteStatement::step() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) {
        return true;
    }
    if (code == SQLITE_DONE) {
        return false;
    }
    return fail(sqlite_error(sqlite3_db_handle(statement_.get()), code));
}

Result<void> SqliteStatement::run() {
    Result<bool> row = step();
    while (row.has_value() && *row) {
        row = step();
    }
    reset();
    if (!row.has_value()) {
        return fail(row.error());
    }
    return {};
}

void SqliteStatement::reset() {
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());
}

int64_t SqliteStatement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

std::string SqliteStatement::blob(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
    const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column));
    return data == nullptr ? std::string() : std::string(data, size);
}

Result<SqliteConnection> SqliteConnection::open(const std::string& path, const std::string& vfs,
                                                bool create) {
    SqliteConnection opened;
    sqlite3* raw = nullptr;
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
    const int code =
        sqlite3_open_v2(path.c_str(), &raw, flags, vfs.empty() ? nullptr : vfs.c_str());
    opened.connection_.reset(raw);
    if (code != SQLITE_OK) {
        return fail(sqlite_error(raw, code));
    }
    sqlite3_extended_result_codes(raw, 1);
    return opened;
}

Result<void> SqliteConnection::execute(const char* sql) {
    const int code = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) {
        return fail(sqlite_error(connection_.get(), code));
    }
    return {};
}

Result<SqliteStatement> SqliteConnection::prepare(std::string_view sql) {
    SqliteStatement statement(connection_.get(), sql);
    if (!statement.valid()) {
        return fail(sqlite_error(connection_.get(), sqlite3_extended_errcode(connection_.get())));
    }
    return statement;
}

Result<std::string> SqliteConnection::text(const char* sql) {
    Result<SqliteStatement> statement = prepare(sql);
    if (!statement.has_value()) {
        return fail(statement.error());
    }
    const Result<bool> row = statement->step();
    if (!row.has_value()) {
        return fail(row.error());
    }
    return *row ? statement->blob(0) : std::string();
}

Result<int64_t> SqliteConnection::integer(const char* sql) {
    Result<SqliteStatement> statement = prepare(sql);
    if (!statement.has_value()) {
        return fail(statement.error());
    }
    const Result<bool> row = statement->step();
    if (!row.has_value()) {
        return fail(row.error());
    }
    return *row ? statement->integer(0) : 0;
}

bool SqliteConnection::in_transaction() const {
    return sqlite3_get_autocommit(connection_.get()) == 0;
}

}  // namespace ringlog::cluster
