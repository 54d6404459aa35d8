// Opening, creating and checking the embedded metadata store. Explained in
// cluster/sqlite_database.h.
#include <fmt/format.h>

#include "cluster/sqlite_database.h"

namespace ringlog::cluster {

namespace {

constexpr const char* kSchema =
    "BEGIN IMMEDIATE;"
    "PRAGMA application_id = 1380732228;"
    "PRAGMA user_version = 1;"
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('revision', 0);"
    "CREATE TABLE kv(key BLOB PRIMARY KEY, value BLOB NOT NULL, create_revision INTEGER NOT NULL,"
    " mod_revision INTEGER NOT NULL, version INTEGER NOT NULL, lease INTEGER NOT NULL) WITHOUT "
    "ROWID;"
    "CREATE VIEW readable AS SELECT CAST(key AS TEXT) AS key, CAST(value AS TEXT) AS value,"
    " create_revision, mod_revision, version, lease FROM kv;"
    "COMMIT;";
static_assert(SqliteDatabase::kApplicationId == 1380732228 && SqliteDatabase::kSchemaVersion == 1);

constexpr const char* kColumns = "key, value, create_revision, mod_revision, version, lease";

}  // namespace

Result<void> SqliteDatabase::connect(bool create) {
    Result<SqliteConnection> opened = SqliteConnection::open(options_.path, options_.vfs, create);
    if (!opened.has_value()) {
        return fail(opened.error());
    }
    connection_ = std::move(*opened);
    // The exclusive lock keeps other processes out and the log's index in memory; it must come
    // before WAL.
    Result<void> set = connection_.execute("PRAGMA locking_mode = EXCLUSIVE");
    if (set.has_value()) {
        const Result<std::string> mode = connection_.text("PRAGMA journal_mode = WAL");
        if (!mode.has_value()) {
            return fail(mode.error());
        }
        if (*mode != "wal") {
            return fail(Errc::unsupported);
        }
        set = connection_.execute("PRAGMA synchronous = FULL");
    }
    if (!set.has_value()) {
        return set;
    }
    const Result<int64_t> tables = connection_.integer("SELECT count(*) FROM sqlite_schema");
    if (!tables.has_value()) {
        return fail(tables.error());
    }
    return *tables == 0 ? Result<void>{} : prepare();
}

Result<void> SqliteDatabase::prepare() {
    auto statements = std::make_unique<Statements>();
    const struct {
        SqliteStatement& statement;
        std::string sql;
    } all[] = {
        {statements->begin, "BEGIN IMMEDIATE"},
        {statements->commit, "COMMIT"},
        {statements->rollback, "ROLLBACK"},
        {statements->get, fmt::format("SELECT {} FROM kv WHERE key = ?", kColumns)},
        {statements->put,
         fmt::format("INSERT OR REPLACE INTO kv({}) VALUES(?, ?, ?, ?, ?, ?)", kColumns)},
        {statements->remove, "DELETE FROM kv WHERE key = ?"},
        {statements->range,
         fmt::format("SELECT {} FROM kv WHERE key >= ? AND key < ? ORDER BY key", kColumns)},
        {statements->leased, "SELECT key FROM kv WHERE lease != 0 AND (lease = ?1 OR ?1 = 0)"},
        {statements->set_revision, "UPDATE meta SET value = ? WHERE name = 'revision'"},
    };
    for (const auto& one : all) {
        Result<SqliteStatement> prepared = connection_.prepare(one.sql);
        if (!prepared.has_value()) {
            return fail(prepared.error());
        }
        one.statement = std::move(*prepared);
    }
    statements_ = std::move(statements);
    return {};
}

Result<void> SqliteDatabase::create_schema() {
    const Result<void> created = connection_.execute(kSchema);
    return created.has_value() ? prepare() : created;
}

StartFailure SqliteDatabase::refuse(const Error& error) const {
    const std::string& path = options_.path;
    switch (error.code) {
        case Errc::locked:
            return {error, fmt::format("the metadata store {} is in use by another process", path)};
        case Errc::corrupt_file:
            return {
                error,
                fmt::format(
                    "the metadata store {} is damaged or not a database; restore it (and {}-wal) "
                    "from a copy. Nothing was changed",
                    path, path)};
        case Errc::unsupported:
            return {error,
                    fmt::format("the file system of {} does not allow SQLite's write-ahead log "
                                "(a network file system?); put log.dirs on a local disk",
                                path)};
        default:
            return {error,
                    fmt::format("cannot open the metadata store {}: {}", path, describe(error))};
    }
}

std::expected<void, StartFailure> SqliteDatabase::check_identity(bool fresh) {
    const Result<int64_t> application = connection_.integer("PRAGMA application_id");
    const Result<int64_t> version = connection_.integer("PRAGMA user_version");
    if (!application.has_value() || !version.has_value()) {
        return std::unexpected(
            refuse(application.has_value() ? version.error() : application.error()));
    }
    if (fresh && *application == 0 && *version == 0) {
        return {};
    }
    const std::string& path = options_.path;
    if (*application != kApplicationId) {
        return std::unexpected(
            StartFailure{{Errc::corrupt_file},
                         fmt::format("{} is a database, but not a metadata store of Ringlog; name "
                                     "another directory in log.dirs",
                                     path)});
    }
    if (*version > kSchemaVersion) {
        return std::unexpected(StartFailure{{Errc::version_unknown},
                                            fmt::format("the metadata store {} has format {}, this "
                                                        "Ringlog knows {}; start the newer version",
                                                        path, *version, kSchemaVersion)});
    }
    return {};
}

std::expected<void, StartFailure> SqliteDatabase::check_and_prepare() {
    if (const Result<void> connected = connect(options_.create); !connected.has_value()) {
        return std::unexpected(refuse(connected.error()));
    }
    const bool fresh = statements_ == nullptr;
    if (auto known = check_identity(fresh); !known.has_value()) {
        return known;
    }
    if (fresh) {
        if (!options_.create) {
            return std::unexpected(StartFailure{
                {Errc::not_found}, fmt::format("the metadata store {} is empty", options_.path)});
        }
        if (const Result<void> created = create_schema(); !created.has_value()) {
            return std::unexpected(refuse(created.error()));
        }
    }
    const Result<std::string> check = connection_.text("PRAGMA quick_check(1)");
    if (!check.has_value() || *check != "ok") {
        StartFailure failure = refuse({Errc::corrupt_file});
        failure.text += fmt::format(" ({})", check.has_value() ? *check : describe(check.error()));
        return std::unexpected(failure);
    }
    const Result<int64_t> revision =
        connection_.integer("SELECT value FROM meta WHERE name = 'revision'");
    if (!revision.has_value()) {
        return std::unexpected(refuse(revision.error()));
    }
    revision_ = *revision;
    return {};
}

std::expected<SqliteDatabase, StartFailure> SqliteDatabase::open(SqliteOptions options) {
    SqliteDatabase database;
    database.options_ = std::move(options);
    if (auto ready = database.check_and_prepare(); !ready.has_value()) {
        const std::string& path = database.options_.path;
        if (!database.connection_.is_open() && !database.options_.create) {
            return std::unexpected(
                StartFailure{{Errc::not_found},
                             fmt::format("the metadata store {} is missing, but its directory "
                                         "holds data; restore it from a copy. "
                                         "Nothing was changed",
                                         path)});
        }
        return std::unexpected(ready.error());
    }
    const Result<Written> ended = database.end_lease(0);
    if (!ended.has_value()) {
        return std::unexpected(database.refuse(ended.error()));
    }
    return database;
}

}  // namespace ringlog::cluster
