// The embedded metadata store's file: keys, versions and revisions in SQLite. Every call blocks and
// is made by one thread at a time (a helper). Explained in cluster/README.md.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "cluster/metadata_store.h"
#include "cluster/sqlite_connection.h"
#include "cluster/start_failure.h"

namespace ringlog::cluster {

struct SqliteOptions {
    std::string path;    ///< The file; SQLite keeps "<path>-wal" beside it.
    bool create = true;  ///< False: a missing store is refused.
    std::string vfs;     ///< SQLite's VFS; empty: the system's.
};

/// Durability: write() returns when the group is on stable media (write-ahead log,
/// synchronous=FULL). A commit that fails is never repeated. When the disk is full, the file is
/// opened again, its log moved into it and flushed, and the revision that is then found says
/// whether the group is there. After any other failure of a commit nobody can know: the store is
/// failed(), answers nothing more, and the next start finds out.
class SqliteDatabase {
public:
    static constexpr int64_t kApplicationId = 0x524c4d44;  ///< "RLMD"
    static constexpr int64_t kSchemaVersion = 1;

    struct Written {
        Revision revision;
        std::vector<Change> changes;
    };

    /// Opens or creates it, checks its integrity, and deletes the keys of leases of an earlier
    /// life.
    static std::expected<SqliteDatabase, StartFailure> open(SqliteOptions options);

    [[nodiscard]] Revision revision() const { return revision_; }
    [[nodiscard]] bool failed() const { return failed_; }
    Result<RangeResult> read(const KeyRange& range);
    /// As MetadataStore::write; leases are the caller's to check.
    Result<Written> write(const std::vector<Condition>& conditions,
                          const std::vector<Write>& writes);
    /// Deletes the keys of `lease`, or of every lease if it is 0. No change: the revision stays.
    Result<Written> end_lease(LeaseId lease);
    void close();

private:
    struct Statements {
        SqliteStatement begin, commit, rollback, get, put, remove, range, leased, set_revision;
    };

    std::expected<void, StartFailure> check_and_prepare();
    std::expected<void, StartFailure> check_identity(bool fresh);
    Result<void> create_schema();
    Result<void> connect(bool create);
    Result<void> prepare();
    StartFailure refuse(const Error& error) const;

    Result<void> check(const std::vector<Condition>& conditions);
    Result<void> apply(const Write& write, Written& written);
    Result<void> apply_all(const std::vector<Condition>& conditions,
                           const std::vector<Write>& writes, Written& written);
    /// Leaves a transaction of which nothing was committed.
    void roll_back();
    Result<void> commit(Revision expected);

    SqliteOptions options_;
    SqliteConnection connection_;
    std::unique_ptr<Statements> statements_;
    Revision revision_ = 0;
    bool failed_ = false;
};

}  // namespace ringlog::cluster
