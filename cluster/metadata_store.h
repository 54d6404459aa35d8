// What all brokers agree on, as keys and values: the one interface behind which SQLite, etcd and
// the simulation stand. Keys, versions and revisions follow etcd's model. Explained in
// cluster/README.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "io/task.h"

namespace ringlog::cluster {

/// Counts the groups of keys that were ever written to a store. 0 is the empty store.
using Revision = int64_t;
/// Names a lease; 0 is none.
using LeaseId = int64_t;

/// One key as it was at a revision.
struct KeyValue {
    std::string key;
    std::string value;
    Revision create_revision = 0;  ///< Of the write that created it.
    Revision mod_revision = 0;     ///< Of the write that changed it last.
    int64_t version = 0;           ///< Writes since it was created, from 1.
    LeaseId lease = 0;             ///< Deleted when this lease ends; 0: stays.

    friend bool operator==(const KeyValue&, const KeyValue&) = default;
};

/// Keys from `begin` to before `end`, compared as bytes.
struct KeyRange {
    std::string begin;
    std::string end;

    /// Every key that starts with `prefix`, which is not empty and does not end with byte 255.
    static KeyRange of_prefix(std::string_view prefix);
    static KeyRange of_key(std::string_view key);
    [[nodiscard]] bool contains(std::string_view key) const { return key >= begin && key < end; }
};

struct RangeResult {
    Revision revision =
        0;  ///< Of the store when it was read; a watch from the next one misses nothing.
    std::vector<KeyValue> entries;  ///< Ascending by key.
};

/// What a key must still be for a group to be written.
struct Condition {
    std::string key;
    Revision mod_revision = 0;  ///< 0: the key does not exist.
};

/// One key of a group: a new value, or nothing to delete it.
struct Write {
    std::string key;
    std::optional<std::string> value;
    LeaseId lease = 0;
};

/// A change that a watch reports.
struct Change {
    KeyValue entry;  ///< A deletion: the key and, as mod_revision, when.
    bool deleted = false;
};

struct ChangeBatch {
    Revision revision = 0;        ///< The watcher has seen everything up to here.
    std::vector<Change> changes;  ///< In order of revision; never part of a revision. May be empty.
};

struct LeaseGrant {
    LeaseId id = 0;
    int64_t ttl_ms = 0;  ///< What was granted: it ends so long after the grant or the last renewal.
};

/// Changes of a range, in order. Core: the one that asked for it. Destroyed only when no next()
/// runs.
class Watch {
public:
    virtual ~Watch() = default;
    /// Waits for changes. One caller at a time. Errors end the watch: not_found (the store no
    /// longer keeps the revisions that come next: read the range and watch again), cancelled (the
    /// store broke it: watch again from the next revision), closed.
    virtual io::Task<Result<ChangeBatch>> next() = 0;
    /// Ends a next() that waits, and every later one, with `closed`.
    virtual void close() = 0;
};

/// A linearizable map of keys. Core: every call on the core that opened this client of the store;
/// other cores ask it with io::call_on. Calls may overlap and take effect in any order unless one
/// awaits the other.
class MetadataStore {
public:
    virtual ~MetadataStore() = default;

    /// The keys of `range` at one revision that is not older than any write that was answered
    /// before the call. Errors: io_failed, timed_out (the store is away).
    virtual io::Task<Result<RangeResult>> read(KeyRange range) = 0;

    /// Writes all of `writes` as one revision if every condition holds, else nothing. The revision
    /// when it is durable. Deleting a missing key is allowed and reports no change; each key stands
    /// once in `writes`. Errors: conflict (nothing was written; `at` is the index of the
    /// condition), not_found (a lease that ended; nothing was written), limit_exceeded (more than
    /// max_group_writes()), no_space and read_only (nothing was written), timed_out and io_failed
    /// (unknown: the group may have been written; read again).
    virtual io::Task<Result<Revision>> write(std::vector<Condition> conditions,
                                             std::vector<Write> writes) = 0;

    /// Reports every change of `range` from revision `from` on. Errors: not_found (older than what
    /// the store keeps).
    virtual io::Task<Result<std::unique_ptr<Watch>>> watch(KeyRange range, Revision from) = 0;

    /// A lease that ends `ttl_ms` after its last renewal (a store may grant another time); its keys
    /// are deleted then.
    virtual io::Task<Result<LeaseGrant>> grant_lease(int64_t ttl_ms) = 0;
    /// Errors: not_found (it has ended), timed_out (unknown).
    virtual io::Task<Result<void>> renew_lease(LeaseId id) = 0;
    /// Ends it now, deleting its keys in one revision. Ending a lease that has ended is not an
    /// error.
    virtual io::Task<Result<void>> revoke_lease(LeaseId id) = 0;

    /// Writes that one group may hold.
    [[nodiscard]] virtual size_t max_group_writes() const = 0;
    /// Ends every watch with `closed` and waits for calls that run. Calls that follow fail with
    /// `closed`.
    virtual io::Task<void> close() = 0;
};

}  // namespace ringlog::cluster
