// Fetch sessions. See broker/fetch_session.h.
#include "broker/fetch_session.h"

#include <algorithm>
#include <iterator>

#include "base/mutant.h"

namespace ringlog::broker {

namespace {

/// Nodes and buckets of the list and the index beside a partition's own bytes.
constexpr int64_t kNodeBytes = 112;

int64_t bytes_of_one(std::string_view topic) {
    return static_cast<int64_t>(sizeof(SessionPartition) + topic.size()) + kNodeBytes;
}

}  // namespace

int64_t FetchSession::bytes_of(const kafka::FetchRequest& request) {
    int64_t bytes = 0;
    for (const kafka::FetchTopic& topic : request.topics) {
        bytes += static_cast<int64_t>(topic.partitions.size()) * bytes_of_one(topic.topic);
    }
    return bytes;
}

void FetchSession::update(const kafka::FetchRequest& request) {
    if (mutant(Mutant::session_forgets_partition) && partitions_.size() > 1) {
        index_.erase(Key{partitions_.front().topic, partitions_.front().partition});
        bytes_ -= bytes_of_one(partitions_.front().topic);
        partitions_.pop_front();
    }
    for (const kafka::FetchTopic& topic : request.topics) {
        for (const kafka::FetchPartition& partition : topic.partitions) {
            auto found = index_.find(Key{topic.topic, partition.partition});
            if (found == index_.end()) {
                SessionPartition& added = partitions_.emplace_back();
                added.topic = topic.topic;
                added.partition = partition.partition;
                bytes_ += bytes_of_one(added.topic);
                found =
                    index_.emplace(Key{added.topic, added.partition}, std::prev(partitions_.end()))
                        .first;
            }
            SessionPartition& entry = *found->second;
            entry.leader_epoch = partition.current_leader_epoch;
            entry.fetch_offset = partition.fetch_offset;
            entry.max_bytes = partition.partition_max_bytes;
        }
    }
    for (const kafka::ForgottenTopic& topic : request.forgotten_topics) {
        for (const int32_t partition : topic.partitions) {
            const auto found = index_.find(Key{topic.topic, partition});
            if (found != index_.end()) {
                const auto at = found->second;
                index_.erase(found);
                bytes_ -= bytes_of_one(topic.topic);
                partitions_.erase(at);
            }
        }
    }
}

void FetchSessionCache::erase(Places::iterator at) {
    bytes_ -= at->second.bytes;
    sessions_.erase(at);
}

void FetchSessionCache::remove(int32_t id) {
    const auto found = sessions_.find(id);
    if (found != sessions_.end()) {
        erase(found);
    }
}

bool FetchSessionCache::evict(MonotonicNs now) {
    auto oldest = sessions_.end();
    for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
        const FetchSession* const session = at->second.session.get();
        const bool older =
            session != nullptr &&
            (oldest == sessions_.end() || session->last_used_ < oldest->second.session->last_used_);
        if (older) {
            oldest = at;
        }
    }
    if (oldest == sessions_.end() || now - oldest->second.session->last_used_ < kEvictableNs) {
        return false;
    }
    erase(oldest);
    return true;
}

std::unique_ptr<FetchSession> FetchSessionCache::create(Random& random, MonotonicNs now,
                                                        int64_t bytes) {
    while (bytes > bytes_max_ || size() >= max_ || bytes_ + bytes > bytes_max_) {
        if (bytes > bytes_max_ || !evict(now)) {
            return nullptr;
        }
    }
    int32_t id = 0;
    while (id <= 0 || sessions_.contains(id)) {
        const uint64_t drawn = random.below(uint64_t{1} << (31 - kCoreBits));
        id = static_cast<int32_t>(drawn << kCoreBits) | core_;
    }
    sessions_[id].bytes = bytes;
    bytes_ += bytes;
    return std::make_unique<FetchSession>(id, now);
}

FetchSessionCache::Taken FetchSessionCache::take(int32_t id, int32_t epoch) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end() || found->second.session == nullptr) {
        return {.error = kafka::ErrorCode::fetch_session_id_not_found, .session = nullptr};
    }
    std::unique_ptr<FetchSession>& session = found->second.session;
    if (session->epoch() != epoch) {
        return {.error = kafka::ErrorCode::invalid_fetch_session_epoch, .session = nullptr};
    }
    return {.error = kafka::ErrorCode::none, .session = std::move(session)};
}

void FetchSessionCache::give_back(std::unique_ptr<FetchSession> session, MonotonicNs now) {
    const auto found = sessions_.find(session->id());
    if (found == sessions_.end()) {
        return;
    }
    Place& place = found->second;
    const int64_t grown = session->bytes() - place.bytes;
    if (grown > 0 && bytes_ + grown > bytes_max_) {
        erase(found);
        return;
    }
    bytes_ += grown;
    place.bytes = session->bytes();
    session->last_used_ = now;
    place.session = std::move(session);
}

}  // namespace ringlog::broker
