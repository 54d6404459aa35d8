// The embedded metadata store: SQLite in the data directory, on helper threads, for one node. One
// core owns it. Explained in cluster/README.md.
#pragma once

#include <expected>
#include <memory>
#include <set>
#include <vector>

#include "cluster/metadata_store.h"
#include "cluster/sqlite_database.h"
#include "cluster/watch_hub.h"
#include "io/event.h"
#include "io/reactor.h"

namespace ringlog::cluster {

/// Calls run one at a time, first come first served. Watches report what was written in this life
/// of the process; leases last until they are revoked or the process ends. Durability and failures:
/// SqliteDatabase.
class SqliteStore final : public MetadataStore {
public:
    static constexpr size_t kMaxGroupWrites = 20'000;

    static io::Task<std::expected<std::unique_ptr<SqliteStore>, StartFailure>> open(
        io::Reactor& reactor, SqliteOptions options);
    SqliteStore(io::Reactor& reactor, SqliteDatabase database);
    ~SqliteStore() override;

    io::Task<Result<RangeResult>> read(KeyRange range) override;
    io::Task<Result<Revision>> write(std::vector<Condition> conditions,
                                     std::vector<Write> writes) override;
    io::Task<Result<std::unique_ptr<Watch>>> watch(KeyRange range, Revision from) override;
    io::Task<Result<LeaseGrant>> grant_lease(int64_t ttl_ms) override;
    io::Task<Result<void>> renew_lease(LeaseId id) override;
    io::Task<Result<void>> revoke_lease(LeaseId id) override;
    [[nodiscard]] size_t max_group_writes() const override { return kMaxGroupWrites; }
    io::Task<void> close() override;

private:
    /// Tells the watches what a group changed; its revision.
    Result<Revision> publish(Result<SqliteDatabase::Written> written);

    io::Reactor& reactor_;
    SqliteDatabase database_;  ///< Used by the helper of whoever holds `turn_`.
    io::Semaphore turn_;
    WatchHub hub_;
    std::set<LeaseId> leases_;
    LeaseId next_lease_ = 1;
    bool closed_ = false;
};

}  // namespace ringlog::cluster
