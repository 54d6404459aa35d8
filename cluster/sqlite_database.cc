// Transactions of the embedded metadata store. Explained in cluster/sqlite_database.h; opening is
// in sqlite_open.cc.
#include "cluster/sqlite_database.h"

#include "base/assert.h"
#include "base/log.h"

namespace ringlog::cluster {

namespace {

KeyValue row_of(const SqliteStatement& row) {
    return {.key = row.blob(0),
            .value = row.blob(1),
            .create_revision = row.integer(2),
            .mod_revision = row.integer(3),
            .version = row.integer(4),
            .lease = row.integer(5)};
}

}  // namespace

Result<RangeResult> SqliteDatabase::read(const KeyRange& range) {
    if (failed_) {
        return fail(Errc::io_failed);
    }
    RangeResult result{.revision = revision_};
    SqliteStatement& statement = statements_->range;
    statement.bind(1, range.begin).bind(2, range.end);
    Result<bool> row = statement.step();
    while (row.has_value() && *row) {
        result.entries.push_back(row_of(statement));
        row = statement.step();
    }
    statement.reset();
    if (!row.has_value()) {
        return fail(row.error());
    }
    return result;
}

Result<void> SqliteDatabase::check(const std::vector<Condition>& conditions) {
    SqliteStatement& get = statements_->get;
    for (size_t i = 0; i < conditions.size(); ++i) {
        get.bind(1, conditions[i].key);
        const Result<bool> row = get.step();
        const Revision seen = row.has_value() && *row ? get.integer(3) : 0;
        get.reset();
        if (!row.has_value()) {
            return fail(row.error());
        }
        if (seen != conditions[i].mod_revision) {
            return fail(Errc::conflict, 0, static_cast<int64_t>(i));
        }
    }
    return {};
}

Result<void> SqliteDatabase::apply(const Write& write, Written& written) {
    SqliteStatement& get = statements_->get;
    get.bind(1, write.key);
    const Result<bool> row = get.step();
    if (!row.has_value()) {
        get.reset();
        return fail(row.error());
    }
    KeyValue entry{.key = write.key, .create_revision = written.revision};
    if (*row) {
        entry = row_of(get);
    }
    get.reset();
    if (!write.value.has_value()) {
        if (entry.version == 0) {
            return {};
        }
        written.changes.push_back(
            {.entry = {.key = write.key, .mod_revision = written.revision}, .deleted = true});
        return statements_->remove.bind(1, write.key).run();
    }
    entry.value = *write.value;
    entry.mod_revision = written.revision;
    entry.lease = write.lease;
    ++entry.version;
    const Result<void> put = statements_->put.bind(1, entry.key)
                                 .bind(2, entry.value)
                                 .bind(3, entry.create_revision)
                                 .bind(4, entry.mod_revision)
                                 .bind(5, entry.version)
                                 .bind(6, entry.lease)
                                 .run();
    written.changes.push_back({.entry = std::move(entry)});
    return put;
}

Result<void> SqliteDatabase::apply_all(const std::vector<Condition>& conditions,
                                       const std::vector<Write>& writes, Written& written) {
    if (const Result<void> held = check(conditions); !held.has_value()) {
        return held;
    }
    for (const Write& write : writes) {
        if (const Result<void> applied = apply(write, written); !applied.has_value()) {
            return applied;
        }
    }
    return statements_->set_revision.bind(1, written.revision).run();
}

void SqliteDatabase::roll_back() {
    if (connection_.in_transaction()) {
        const Result<void> rolled_back = statements_->rollback.run();
        if (!rolled_back.has_value()) {
            log_error("metadata", "rolling back failed, the store takes no more calls: {}",
                      describe(rolled_back.error()));
            failed_ = true;
        }
    }
}

Result<void> SqliteDatabase::commit(Revision expected) {
    const Result<void> committed = statements_->commit.run();
    if (committed.has_value()) {
        revision_ = expected;
        return {};
    }
    roll_back();
    if (committed.error().code != Errc::no_space || failed_) {
        log_error("metadata",
                  "a commit failed with {}; the store takes no more calls until a restart",
                  describe(committed.error()));
        failed_ = true;
        return fail(Errc::io_failed, committed.error().os_errno);
    }
    // What the log holds now decides: move it into the file, flushed, and read the revision that
    // came of it.
    statements_.reset();
    connection_.close();
    Result<void> reopened = connect(false);
    if (reopened.has_value()) {
        reopened = connection_.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    const Result<int64_t> found =
        reopened.has_value() ? connection_.integer("SELECT value FROM meta WHERE name = 'revision'")
                             : Result<int64_t>(fail(reopened.error()));
    if (!found.has_value() || (*found != revision_ && *found != expected)) {
        log_error("metadata",
                  "the disk is full and the outcome of a commit is unknown; the store takes no "
                  "more calls until a restart");
        failed_ = true;
        return fail(Errc::io_failed);
    }
    revision_ = *found;
    return revision_ == expected ? Result<void>{} : fail(committed.error());
}

Result<SqliteDatabase::Written> SqliteDatabase::write(const std::vector<Condition>& conditions,
                                                      const std::vector<Write>& writes) {
    if (failed_) {
        return fail(Errc::read_only);
    }
    Written written{.revision = revision_ + 1, .changes = {}};
    Result<void> done = statements_->begin.run();
    if (done.has_value()) {
        done = apply_all(conditions, writes, written);
        if (!done.has_value()) {
            roll_back();
        } else {
            done = commit(written.revision);
        }
    }
    if (!done.has_value()) {
        return fail(done.error());
    }
    return written;
}

Result<SqliteDatabase::Written> SqliteDatabase::end_lease(LeaseId lease) {
    if (failed_) {
        return fail(Errc::read_only);
    }
    std::vector<Write> writes;
    SqliteStatement& leased = statements_->leased;
    leased.bind(1, lease);
    Result<bool> row = leased.step();
    while (row.has_value() && *row) {
        writes.push_back({.key = leased.blob(0)});
        row = leased.step();
    }
    leased.reset();
    if (!row.has_value()) {
        return fail(row.error());
    }
    if (writes.empty()) {
        return Written{.revision = revision_, .changes = {}};
    }
    return write({}, writes);
}

void SqliteDatabase::close() {
    statements_.reset();
    connection_.close();
}

}  // namespace ringlog::cluster
