// The embedded metadata store's asynchronous face. Explained in cluster/sqlite_store.h.
#include "cluster/sqlite_store.h"

#include <algorithm>

#include "base/assert.h"

namespace ringlog::cluster {

io::Task<std::expected<std::unique_ptr<SqliteStore>, StartFailure>> SqliteStore::open(
    io::Reactor& reactor, SqliteOptions options) {
    auto opened =
        co_await reactor.run_blocking([&options] { return SqliteDatabase::open(options); });
    if (!opened.has_value()) {
        co_return std::unexpected(opened.error());
    }
    co_return std::make_unique<SqliteStore>(reactor, std::move(*opened));
}

SqliteStore::SqliteStore(io::Reactor& reactor, SqliteDatabase database)
    : reactor_(reactor),
      database_(std::move(database)),
      turn_(reactor, 1),
      hub_(database_.revision()) {}

SqliteStore::~SqliteStore() {
    RL_ASSERT(closed_, "close() is awaited before");
}

Result<Revision> SqliteStore::publish(Result<SqliteDatabase::Written> written) {
    if (!written.has_value()) {
        return fail(written.error());
    }
    if (written->revision != hub_.revision()) {
        hub_.publish(std::move(written->changes));
        RL_ASSERT(written->revision == hub_.revision());
    }
    return written->revision;
}

io::Task<Result<RangeResult>> SqliteStore::read(KeyRange range) {
    co_await turn_.take(1);
    Result<RangeResult> result = fail(Errc::closed);
    if (!closed_) {
        result = co_await reactor_.run_blocking([this, &range] { return database_.read(range); });
    }
    turn_.give(1);
    co_return result;
}

io::Task<Result<Revision>> SqliteStore::write(std::vector<Condition> conditions,
                                              std::vector<Write> writes) {
    if (writes.size() > kMaxGroupWrites) {
        co_return fail(Errc::limit_exceeded);
    }
    co_await turn_.take(1);
    const bool leases_live = std::ranges::all_of(
        writes, [this](const Write& w) { return w.lease == 0 || leases_.contains(w.lease); });
    Result<Revision> result = fail(closed_ ? Errc::closed : Errc::not_found);
    if (!closed_ && leases_live) {
        Result<SqliteDatabase::Written> written = co_await reactor_.run_blocking(
            [this, &conditions, &writes] { return database_.write(conditions, writes); });
        result = publish(std::move(written));
    }
    turn_.give(1);
    co_return result;
}

io::Task<Result<std::unique_ptr<Watch>>> SqliteStore::watch(KeyRange range, Revision from) {
    if (closed_) {
        co_return fail(Errc::closed);
    }
    co_return hub_.watch(reactor_, std::move(range), from);
}

io::Task<Result<LeaseGrant>> SqliteStore::grant_lease(int64_t ttl_ms) {
    if (closed_) {
        co_return fail(Errc::closed);
    }
    leases_.insert(next_lease_);
    co_return LeaseGrant{.id = next_lease_++, .ttl_ms = ttl_ms};
}

io::Task<Result<void>> SqliteStore::renew_lease(LeaseId id) {
    if (closed_) {
        co_return fail(Errc::closed);
    }
    co_return leases_.contains(id) ? Result<void>{} : fail(Errc::not_found);
}

io::Task<Result<void>> SqliteStore::revoke_lease(LeaseId id) {
    co_await turn_.take(1);
    Result<Revision> result = fail(Errc::closed);
    if (!closed_) {
        if (leases_.erase(id) == 0) {
            result = hub_.revision();
        } else {
            Result<SqliteDatabase::Written> written =
                co_await reactor_.run_blocking([this, id] { return database_.end_lease(id); });
            result = publish(std::move(written));
        }
    }
    turn_.give(1);
    if (!result.has_value()) {
        co_return fail(result.error());
    }
    co_return Result<void>{};
}

io::Task<void> SqliteStore::close() {
    if (closed_) {
        co_return;
    }
    closed_ = true;
    hub_.end_watches(Errc::closed);
    co_await turn_.take(1);
    co_await reactor_.run_blocking([this] { database_.close(); });
    turn_.give(1);
}

}  // namespace ringlog::cluster
