// The metadata store of the simulation: a linearizable map in memory that many brokers of one
// process share, with delays, lost requests and answers, broken watches and lease expiry, all drawn
// from a seed. One thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "cluster/metadata_store.h"
#include "cluster/watch_hub.h"
#include "io/reactor.h"

namespace ringlog::cluster {

/// What may go wrong, per mille of the calls. All zero: nothing does, and no call waits.
struct MemoryStoreFaults {
    uint64_t seed = 1;
    int64_t delay_max_ns = 0;            ///< Each way, uniform from 0.
    uint32_t lost_request_permille = 0;  ///< timed_out, and nothing happened.
    uint32_t lost_answer_permille = 0;   ///< timed_out, and it happened.
    uint32_t broken_watch_permille = 0;  ///< After a batch, the watch ends with `cancelled`.
    int64_t timeout_ns = 1'000'000'000;  ///< How long a call waits before it gives up on an answer.
};

/// The state that all clients share: the "cluster" that never fails by itself. Outlives its
/// clients.
class MemoryStoreState {
public:
    explicit MemoryStoreState(const Clock& clock);

    /// While away, calls time out and watches say nothing.
    void set_available(bool available) { available_ = available; }
    [[nodiscard]] bool available() const { return available_; }
    [[nodiscard]] Revision revision() const { return hub_.revision(); }
    /// Forgets the history before `revision`, as a compaction does.
    void compact(Revision revision) { hub_.forget_before(revision); }
    /// Ends every watch with `cancelled`.
    void break_watches() { hub_.end_watches(Errc::cancelled); }

private:
    friend class MemoryStore;
    struct Lease {
        int64_t ttl_ms;
        MonotonicNs deadline;
    };

    Result<Revision> apply(const std::vector<Condition>& conditions,
                           const std::vector<Write>& writes);
    void end_lease(LeaseId id);
    /// Ends what is overdue; when the next lease is.
    MonotonicNs expire_leases();

    const Clock& clock_;
    bool available_ = true;
    std::map<std::string, KeyValue, std::less<>> entries_;
    std::map<LeaseId, Lease> leases_;
    LeaseId next_lease_ = 1;
    WatchHub hub_;
};

/// One broker's client.
class MemoryStore final : public MetadataStore {
public:
    static constexpr size_t kMaxGroupWrites = 100'000;

    MemoryStore(io::Reactor& reactor, MemoryStoreState& state, MemoryStoreFaults faults = {});
    ~MemoryStore() override;

    void set_faults(const MemoryStoreFaults& faults);

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
    class FaultyWatch;

    /// The way there: false if the request is lost.
    io::Task<bool> go();
    /// The way back: false if the answer is lost.
    io::Task<bool> come_back();
    io::Task<bool> travel(uint32_t lost_permille);
    /// Ends a call whose request did not arrive.
    Error give_up();
    void leave();

    io::Reactor& reactor_;
    MemoryStoreState& state_;
    MemoryStoreFaults faults_;
    Random random_;
    bool closed_ = false;
    uint64_t running_ = 0;
    io::Event idle_;
    std::vector<FaultyWatch*> watches_;
};

}  // namespace ringlog::cluster
