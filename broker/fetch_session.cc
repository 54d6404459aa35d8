// Fetch sessions. See broker/fetch_session.h.
#include "broker/fetch_session.h"

#include <algorithm>
#include <iterator>

#include "base/mutant.h"

namespace ringlog::broker {

void FetchSession::update(const kafka::FetchRequest& request) {
    if (mutant(Mutant::session_forgets_partition) && partitions_.size() > 1) {
        index_.erase(Key{partitions_.front().topic, partitions_.front().partition});
        partitions_.pop_front();
    }
    for (const kafka::FetchTopic& topic : request.topics) {
        for (const kafka::FetchPartition& partition : topic.partitions) {
            auto found = index_.find(Key{topic.topic, partition.partition});
            if (found == index_.end()) {
                SessionPartition& added = partitions_.emplace_back();
                added.topic = topic.topic;
                added.partition = partition.partition;
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
                partitions_.erase(at);
            }
        }
    }
}

std::unique_ptr<FetchSession> FetchSessionCache::create(Random& random, MonotonicNs now) {
    if (size() >= max_) {
        auto oldest = sessions_.end();
        for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
            const bool older = oldest == sessions_.end() ||
                               (at->second && at->second->last_used_ < oldest->second->last_used_);
            if (at->second && older) {
                oldest = at;
            }
        }
        if (oldest == sessions_.end() || now - oldest->second->last_used_ < kEvictableNs) {
            return nullptr;
        }
        sessions_.erase(oldest);
    }
    int32_t id = 0;
    while (id <= 0 || sessions_.contains(id)) {
        const uint64_t drawn = random.below(uint64_t{1} << (31 - kCoreBits));
        id = static_cast<int32_t>(drawn << kCoreBits) | core_;
    }
    sessions_[id] = nullptr;
    return std::make_unique<FetchSession>(id, now);
}

FetchSessionCache::Taken FetchSessionCache::take(int32_t id, int32_t epoch) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end() || found->second == nullptr) {
        return {.error = kafka::ErrorCode::fetch_session_id_not_found, .session = nullptr};
    }
    if (found->second->epoch() != epoch) {
        return {.error = kafka::ErrorCode::invalid_fetch_session_epoch, .session = nullptr};
    }
    return {.error = kafka::ErrorCode::none, .session = std::move(found->second)};
}

void FetchSessionCache::give_back(std::unique_ptr<FetchSession> session, MonotonicNs now) {
    const auto place = sessions_.find(session->id());
    if (place != sessions_.end()) {
        session->last_used_ = now;
        place->second = std::move(session);
    }
}

}  // namespace ringlog::broker
