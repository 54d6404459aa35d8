// Fetch sessions (KIP-227): what a consumer reads, remembered, so that its requests and our answers
// name only what changed. One core; a session belongs to the core whose number its id carries.
// Explained in docs/protocol.md.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/random.h"
#include "kafka/error_code.h"
#include "kafka/fetch.h"

namespace ringlog::broker {

/// One partition that a session reads.
struct SessionPartition {
    std::string topic;
    int32_t partition = 0;
    int32_t leader_epoch = -1;
    int64_t fetch_offset = 0;
    int32_t max_bytes = 0;
    // What the client was told last.
    int64_t high_watermark = -1;
    int64_t log_start_offset = -1;
    bool had_error = true;  ///< Or was never answered: the next answer names it.
};

class FetchSession {
public:
    using Partitions = std::list<SessionPartition>;

    FetchSession(int32_t id, MonotonicNs now) : id_(id), last_used_(now) {}

    [[nodiscard]] int32_t id() const { return id_; }
    [[nodiscard]] int32_t epoch() const { return epoch_; }
    /// The epoch that the next request must name: wraps from the largest to 1.
    void advance() { epoch_ = epoch_ == INT32_MAX ? 1 : epoch_ + 1; }
    /// Adds, changes and forgets what `request` says.
    void update(const kafka::FetchRequest& request);
    /// Memory that update() may need for what `request` names.
    static int64_t bytes_of(const kafka::FetchRequest& request);
    /// Memory of what it remembers.
    [[nodiscard]] int64_t bytes() const { return bytes_; }
    /// In the order in which they are read.
    Partitions& partitions() { return partitions_; }
    /// What gave data goes to the end, so that the others have their turn.
    void rotate(Partitions::iterator at) { partitions_.splice(partitions_.end(), partitions_, at); }

private:
    friend class FetchSessionCache;
    struct Key {
        std::string_view topic;  ///< Of the list's element.
        int32_t partition;
        friend bool operator==(const Key&, const Key&) = default;
    };
    struct KeyHash {
        size_t operator()(const Key& key) const {
            return std::hash<std::string_view>{}(key.topic) * 31 +
                   static_cast<size_t>(key.partition);
        }
    };

    int32_t id_;
    int32_t epoch_ = 1;
    MonotonicNs last_used_;
    int64_t bytes_ = 0;
    Partitions partitions_;
    std::unordered_map<Key, Partitions::iterator, KeyHash> index_;
};

/// The sessions of one core, bounded in number and in memory. A session that serves a request is
/// out of the cache until it is given back.
class FetchSessionCache {
public:
    static constexpr int32_t kCoreBits = 10;  ///< Of an id: its core.
    /// A session that was used since may not be evicted.
    static constexpr int64_t kEvictableNs = 120 * kSecondNs;
    /// Memory of all sessions of one core.
    static constexpr int64_t kBytesMax = 128 << 20;

    FetchSessionCache(uint16_t core, size_t sessions_max, int64_t bytes_max = kBytesMax)
        : core_(core), max_(sessions_max), bytes_max_(bytes_max) {}

    static uint16_t core_of(int32_t session_id) {
        return static_cast<uint16_t>(session_id & ((1 << kCoreBits) - 1));
    }

    /// A new session that will need `bytes`, not yet in the cache; null if there is no room beside
    /// the sessions in use.
    std::unique_ptr<FetchSession> create(Random& random, MonotonicNs now, int64_t bytes);
    /// The session if it is here and expects `epoch`. Errors: fetch_session_id_not_found,
    /// invalid_fetch_session_epoch.
    struct Taken {
        kafka::ErrorCode error = kafka::ErrorCode::none;
        std::unique_ptr<FetchSession> session;
    };
    Taken take(int32_t id, int32_t epoch);
    /// One that has outgrown what all may need is forgotten: its client begins anew, without one.
    void give_back(std::unique_ptr<FetchSession> session, MonotonicNs now);
    /// The client is done with it, or one that was taken will not come back.
    void remove(int32_t id);
    [[nodiscard]] size_t size() const { return sessions_.size(); }
    [[nodiscard]] int64_t bytes() const { return bytes_; }

private:
    struct Place {
        std::unique_ptr<FetchSession> session;  ///< Null: taken.
        int64_t bytes = 0;                      ///< Its part of bytes_.
    };
    using Places = std::unordered_map<int32_t, Place>;

    /// Forgets the session that rests for the longest; false if all were used lately.
    bool evict(MonotonicNs now);
    void erase(Places::iterator at);

    uint16_t core_;
    size_t max_;
    int64_t bytes_max_;
    int64_t bytes_ = 0;
    Places sessions_;
};

}  // namespace ringlog::broker
