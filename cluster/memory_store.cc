// The simulated metadata store. Explained in cluster/memory_store.h.
#include "cluster/memory_store.h"

#include <algorithm>

#include "base/assert.h"

namespace ringlog::cluster {

MemoryStoreState::MemoryStoreState(const Clock& clock)
    : clock_(clock), hub_(0, [this] { return expire_leases(); }) {}

Result<Revision> MemoryStoreState::apply(const std::vector<Condition>& conditions,
                                         const std::vector<Write>& writes) {
    for (size_t i = 0; i < conditions.size(); ++i) {
        const auto found = entries_.find(conditions[i].key);
        const Revision seen = found == entries_.end() ? 0 : found->second.mod_revision;
        if (seen != conditions[i].mod_revision) {
            return fail(Errc::conflict, 0, static_cast<int64_t>(i));
        }
    }
    for (const Write& write : writes) {
        if (write.lease != 0 && !leases_.contains(write.lease)) {
            return fail(Errc::not_found);
        }
    }
    const Revision revision = hub_.revision() + 1;
    std::vector<Change> changes;
    for (const Write& write : writes) {
        if (!write.value.has_value()) {
            if (entries_.erase(write.key) > 0) {
                changes.push_back(
                    {.entry = {.key = write.key, .mod_revision = revision}, .deleted = true});
            }
            continue;
        }
        KeyValue& entry = entries_[write.key];
        if (entry.version == 0) {
            entry.key = write.key;
            entry.create_revision = revision;
        }
        entry.value = *write.value;
        entry.mod_revision = revision;
        entry.lease = write.lease;
        ++entry.version;
        changes.push_back({.entry = entry});
    }
    hub_.publish(std::move(changes));
    return revision;
}

void MemoryStoreState::end_lease(LeaseId id) {
    if (leases_.erase(id) == 0) {
        return;
    }
    std::vector<Write> writes;
    for (const auto& [key, entry] : entries_) {
        if (entry.lease == id) {
            writes.push_back({.key = key});
        }
    }
    if (!writes.empty()) {
        const Result<Revision> applied = apply({}, writes);
        RL_ASSERT(applied.has_value());
    }
}

MonotonicNs MemoryStoreState::expire_leases() {
    const MonotonicNs now = clock_.monotonic_ns();
    MonotonicNs next = INT64_MAX;
    std::vector<LeaseId> overdue;
    for (const auto& [id, lease] : leases_) {
        if (lease.deadline <= now) {
            overdue.push_back(id);
        } else {
            next = std::min(next, lease.deadline);
        }
    }
    for (const LeaseId id : overdue) {
        end_lease(id);
    }
    return next;
}

/// A watch whose batches take time and which breaks now and then.
class MemoryStore::FaultyWatch final : public Watch {
public:
    FaultyWatch(MemoryStore& store, std::unique_ptr<Watch> inner)
        : store_(store), inner_(std::move(inner)) {
        store_.watches_.push_back(this);
    }
    ~FaultyWatch() override { std::erase(store_.watches_, this); }

    io::Task<Result<ChangeBatch>> next() override {
        auto batch = co_await inner_->next();
        if (!batch.has_value()) {
            co_return batch;
        }
        const MemoryStoreFaults& faults = store_.faults_;
        if (faults.delay_max_ns > 0) {
            const auto bound = static_cast<uint64_t>(faults.delay_max_ns) + 1;
            co_await store_.reactor_.sleep_for(static_cast<int64_t>(store_.random_.below(bound)));
        }
        while (!store_.state_.available() && !store_.closed_) {
            co_await store_.reactor_.sleep_for(faults.timeout_ns);
        }
        if (store_.random_.chance(faults.broken_watch_permille, 1000)) {
            co_return fail(Errc::cancelled);
        }
        co_return batch;
    }

    void close() override { inner_->close(); }

private:
    MemoryStore& store_;
    std::unique_ptr<Watch> inner_;
};

MemoryStore::MemoryStore(io::Reactor& reactor, MemoryStoreState& state, MemoryStoreFaults faults)
    : reactor_(reactor), state_(state), faults_(faults), random_(faults.seed), idle_(reactor) {}

MemoryStore::~MemoryStore() {
    RL_ASSERT(running_ == 0 && watches_.empty());
}

void MemoryStore::set_faults(const MemoryStoreFaults& faults) {
    faults_ = faults;
    random_ = Random(faults.seed);
}

io::Task<bool> MemoryStore::travel(uint32_t lost_permille) {
    if (faults_.delay_max_ns > 0) {
        const auto bound = static_cast<uint64_t>(faults_.delay_max_ns) + 1;
        co_await reactor_.sleep_for(static_cast<int64_t>(random_.below(bound)));
    }
    const bool lost = random_.chance(lost_permille, 1000);
    if (lost || !state_.available()) {
        co_await reactor_.sleep_for(faults_.timeout_ns);
        co_return false;
    }
    state_.expire_leases();
    co_return true;
}

io::Task<bool> MemoryStore::go() {
    ++running_;
    if (closed_) {
        co_return false;
    }
    const bool arrived = co_await travel(faults_.lost_request_permille);
    co_return arrived && !closed_;
}

io::Task<bool> MemoryStore::come_back() {
    const bool arrived = co_await travel(faults_.lost_answer_permille);
    leave();
    co_return arrived;
}

Error MemoryStore::give_up() {
    leave();
    return Error{.code = closed_ ? Errc::closed : Errc::timed_out};
}

void MemoryStore::leave() {
    --running_;
    if (running_ == 0) {
        idle_.notify_all();
    }
}

io::Task<Result<RangeResult>> MemoryStore::read(KeyRange range) {
    const bool arrived = co_await go();
    if (!arrived) {
        co_return fail(give_up());
    }
    RangeResult result{.revision = state_.revision()};
    const auto end = state_.entries_.lower_bound(range.end);
    for (auto at = state_.entries_.lower_bound(range.begin); at != end; ++at) {
        result.entries.push_back(at->second);
    }
    const bool answered = co_await come_back();
    if (!answered) {
        co_return fail(Errc::timed_out);
    }
    co_return result;
}

io::Task<Result<Revision>> MemoryStore::write(std::vector<Condition> conditions,
                                              std::vector<Write> writes) {
    if (writes.size() > kMaxGroupWrites) {
        co_return fail(Errc::limit_exceeded);
    }
    const bool arrived = co_await go();
    if (!arrived) {
        co_return fail(give_up());
    }
    const Result<Revision> revision = state_.apply(conditions, writes);
    const bool answered = co_await come_back();
    if (!answered) {
        co_return fail(Errc::timed_out);
    }
    co_return revision;
}

io::Task<Result<std::unique_ptr<Watch>>> MemoryStore::watch(KeyRange range, Revision from) {
    const bool arrived = co_await go();
    if (!arrived) {
        co_return fail(give_up());
    }
    Result<std::unique_ptr<Watch>> inner = state_.hub_.watch(reactor_, std::move(range), from);
    leave();
    if (!inner.has_value()) {
        co_return fail(inner.error());
    }
    co_return std::make_unique<FaultyWatch>(*this, std::move(*inner));
}

io::Task<Result<LeaseGrant>> MemoryStore::grant_lease(int64_t ttl_ms) {
    const bool arrived = co_await go();
    if (!arrived) {
        co_return fail(give_up());
    }
    const LeaseId id = state_.next_lease_++;
    const MonotonicNs deadline = state_.clock_.monotonic_ns() + ttl_ms * kMillisecondNs;
    state_.leases_.emplace(id, MemoryStoreState::Lease{.ttl_ms = ttl_ms, .deadline = deadline});
    const bool answered = co_await come_back();
    if (!answered) {
        co_return fail(Errc::timed_out);
    }
    co_return LeaseGrant{.id = id, .ttl_ms = ttl_ms};
}

io::Task<Result<void>> MemoryStore::renew_lease(LeaseId id) {
    const bool arrived = co_await go();
    if (!arrived) {
        co_return fail(give_up());
    }
    const auto found = state_.leases_.find(id);
    const bool alive = found != state_.leases_.end();
    if (alive) {
        found->second.deadline =
            state_.clock_.monotonic_ns() + found->second.ttl_ms * kMillisecondNs;
    }
    const bool answered = co_await come_back();
    if (!answered) {
        co_return fail(Errc::timed_out);
    }
    if (!alive) {
        co_return fail(Errc::not_found);
    }
    co_return Result<void>{};
}

io::Task<Result<void>> MemoryStore::revoke_lease(LeaseId id) {
    const bool arrived = co_await go();
    if (!arrived) {
        co_return fail(give_up());
    }
    state_.end_lease(id);
    const bool answered = co_await come_back();
    if (!answered) {
        co_return fail(Errc::timed_out);
    }
    co_return Result<void>{};
}

io::Task<void> MemoryStore::close() {
    closed_ = true;
    for (FaultyWatch* watch : watches_) {
        watch->close();
    }
    while (running_ > 0) {
        co_await idle_.wait();
    }
}

}  // namespace ringlog::cluster
