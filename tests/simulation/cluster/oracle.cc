#include "tests/simulation/cluster/oracle.h"

#include <fmt/format.h>

#include <algorithm>

namespace ringlog::simulation {

std::string SentBatch::name() const {
    return fmt::format("batch {} of producer {} for t{}-{}", first.id.number, first.id.producer,
                       first.topic, first.partition);
}

Oracle::Oracle(Judge& judge, const Swarm& swarm) : judge_(judge), honesty_(swarm.honesty()) {
    for (const TopicPlan& plan : swarm.topics) {
        topics_.emplace_back().logs.resize(static_cast<size_t>(plan.partitions));
    }
}

void Oracle::change(uint16_t topic, TopicLife life) {
    topics_[topic].life = life;
    ++topics_[topic].generation;
}

void Oracle::create_begun(uint16_t topic) {
    if (topics_[topic].life == TopicLife::creating) {
        return;
    }
    change(topic, TopicLife::creating);
    ++topics_[topic].incarnation;
    for (Log& log : topics_[topic].logs) {
        log = {};
    }
    RL_TELL(judge_, topic, -1, "t{}: an administrator asks for it (life {})", topic,
            topics_[topic].incarnation);
}

void Oracle::created(uint16_t topic) {
    change(topic, TopicLife::alive);
    RL_TELL(judge_, topic, -1, "t{}: it is there", topic);
}

void Oracle::delete_begun(uint16_t topic) {
    if (topics_[topic].life != TopicLife::deleting) {
        change(topic, TopicLife::deleting);
        RL_TELL(judge_, topic, -1, "t{}: an administrator asks for its end", topic);
    }
}

void Oracle::deleted(uint16_t topic) {
    change(topic, TopicLife::absent);
    judge_.mark(Met::topics_deleted);
    RL_TELL(judge_, topic, -1, "t{}: it is gone", topic);
}

SentBatch& Oracle::sent(SentBatch batch) {
    batch.incarnation = topics_[batch.first.topic].incarnation;
    const Log& to = log(batch.first.topic, batch.first.partition);
    batch.floor = to.acked_end;
    batch.cuts = to.cuts;
    auto& kept = batches_[batch.first.id];
    kept = std::make_unique<SentBatch>(std::move(batch));
    return *kept;
}

void Oracle::attempt(SentBatch& batch) {
    ++batch.attempts;
    ++batch.unanswered;
    batch.latest = topics_[batch.first.topic].incarnation;
    batch.latest_cuts = cuts(batch.first.topic, batch.first.partition);
    judge_.mark(Met::resends, batch.attempts > 1 ? 1 : 0);
    RL_TELL(judge_, batch.first.topic, batch.first.partition, "{}: sent{}, {} records, sequence {}",
            batch.name(), batch.attempts > 1 ? " again" : "", batch.count, batch.base_sequence);
}

void Oracle::acked(SentBatch& batch, int64_t offset, Ticket ticket, bool counts_on_disk) {
    answered(batch);
    const uint16_t topic = batch.first.topic;
    const int32_t partition = batch.first.partition;
    RL_TELL(judge_, topic, partition, "{}: acked at offset {}", batch.name(), offset);
    if (was_absent(ticket)) {
        judge_.violate(Invariant::never_ack_unstored,
                       fmt::format("{} was acked by a topic that was gone", batch.name()));
        return;
    }
    if (!holds(ticket)) {
        return;
    }
    Log& to = log(topic, partition);
    if (offset < 0) {
        judge_.violate(Invariant::offsets_dense,
                       fmt::format("{} was acked at offset {}", batch.name(), offset));
        return;
    }
    const bool same_log = batch.incarnation == topics_[topic].incarnation && batch.cuts == to.cuts;
    if (same_log && offset < batch.floor) {
        judge_.violate(
            Invariant::offsets_dense,
            fmt::format("{} was acked at offset {}, but the log had {} before it was sent",
                        batch.name(), offset, batch.floor));
        return;
    }
    Bound* const bound = bind(topic, partition, offset, batch, -1);
    if (bound == nullptr) {
        return;
    }
    bound->acked = true;
    batch.acked_offset = offset;
    if (batch.latest_cuts == to.cuts) {
        to.acked_end = std::max(to.acked_end, offset + batch.count);
    } else {
        bound->voided = offset + batch.count > required_end(topic, partition);
    }
    judge_.mark(Met::acked_records, static_cast<uint64_t>(batch.count));
    judge_.mark(Met::duplicates_answered, batch.idempotent() && batch.attempts > 1 ? 1 : 0);
    if (counts_on_disk) {
        check_on_disk(topic, partition, offset + batch.count, batch);
    }
}

void Oracle::check_on_disk(uint16_t topic, int32_t partition, int64_t end, const SentBatch& batch) {
    const auto covered = honesty_ ? std::nullopt : covered_end_(topic, partition);
    if (!covered) {
        return;
    }
    judge_.mark(Met::acks_checked_on_disk);
    if (*covered < end) {
        judge_.violate(
            batch.attempts > 1 ? Invariant::duplicate_after_original : Invariant::ack_durable,
            fmt::format("{} was acked and ends at {}, but the disk holds t{}-{} up to {}",
                        batch.name(), end, topic, partition, *covered));
    }
}

Oracle::Bound* Oracle::bind(uint16_t topic, int32_t partition, int64_t offset, SentBatch& batch,
                            int32_t epoch) {
    Log& to = log(topic, partition);
    if (!make_room(to, offset, batch, epoch)) {
        return nullptr;
    }
    const auto [at, added] =
        to.bounds.try_emplace(offset, Bound{.batch = &batch, .timestamps = {}});
    Bound& bound = at->second;
    // One that was lost may be sent again and stand there again, in a later epoch.
    const bool again = bound.voided && epoch > bound.epoch;
    if (bound.epoch >= 0 && epoch >= 0 && bound.epoch != epoch && !again) {
        judge_.violate(Invariant::offset_once_per_epoch,
                       fmt::format("{} at offset {} was of epoch {} and is of epoch {}",
                                   batch.name(), offset, bound.epoch, epoch));
        return nullptr;
    }
    // An ack does not tell the epoch of what stands there now.
    bound.epoch = bound.voided ? epoch : std::max(bound.epoch, epoch);
    bound.voided = false;
    place(topic, offset, batch);
    return judge_.failed() ? nullptr : &bound;
}

bool Oracle::make_room(Log& to, int64_t offset, const SentBatch& batch, int32_t epoch) {
    auto at = to.bounds.upper_bound(offset + batch.count - 1);
    while (at != to.bounds.begin()) {
        --at;
        const auto& [there, bound] = *at;
        if (there + bound.batch->count <= offset) {
            return true;
        }
        if (there == offset && bound.batch == &batch) {
            continue;
        }
        if (!bound.voided) {
            judge_.violate(Invariant::offsets_dense,
                           fmt::format("offset {} is that of {} and of {}", std::max(there, offset),
                                       bound.batch->name(), batch.name()));
            return false;
        }
        if (epoch >= 0 && bound.epoch >= 0 && epoch <= bound.epoch) {
            judge_.violate(
                Invariant::offset_once_per_epoch,
                fmt::format("offset {} was that of {} in epoch {}, and is that of {} in epoch {}",
                            there, bound.batch->name(), bound.epoch, batch.name(), epoch));
            return false;
        }
        judge_.mark(Met::lost_in_honesty, honesty_ && bound.acked ? 1 : 0);
        std::erase(bound.batch->offsets, there);
        at = to.bounds.erase(at);
    }
    return true;
}

void Oracle::place(uint16_t topic, int64_t offset, SentBatch& batch) {
    if (batch.placed_in != topics_[topic].incarnation) {
        batch.placed_in = topics_[topic].incarnation;
        batch.offsets.clear();
    }
    if (std::ranges::find(batch.offsets, offset) != batch.offsets.end()) {
        return;
    }
    batch.offsets.push_back(offset);
    const size_t most = batch.idempotent() ? 1 : batch.attempts;
    if (batch.offsets.size() > most) {
        judge_.violate(Invariant::exactly_once,
                       fmt::format("{}, sent {} times, stands at offsets {} and {}", batch.name(),
                                   batch.attempts, batch.offsets[0], offset));
    }
}

bool Oracle::may_be_here(uint16_t topic, const SentBatch& batch) const {
    // A batch whose attempts were all answered before this life of the name began cannot be in it.
    return batch.latest == topics_[topic].incarnation || batch.unanswered > 0;
}

void Oracle::read(Ticket ticket, int32_t partition, const ReadBatch& batch) {
    const Value& first = batch.values.front();
    const auto found = batches_.find(first.id);
    if (found == batches_.end()) {
        judge_.violate(Invariant::no_stale_frame,
                       fmt::format("record {} of producer {} at offset {} was never sent",
                                   first.id.number, first.id.producer, batch.header.base_offset));
        return;
    }
    SentBatch& was = *found->second;
    if (first.topic != ticket.topic || first.partition != partition) {
        judge_.violate(Invariant::topics_apart,
                       fmt::format("{} was read from t{}-{}", was.name(), ticket.topic, partition));
        return;
    }
    const engine::BatchHeader& header = batch.header;
    if (batch.content_crc != was.content_crc || header.records_count != was.count ||
        header.producer_id != was.producer_id || header.producer_epoch != was.producer_epoch ||
        header.base_sequence != was.base_sequence) {
        judge_.violate(Invariant::never_wrong_bytes,
                       fmt::format("{} is another at offset {}", was.name(), header.base_offset));
        return;
    }
    judge_.mark(Met::records_read, static_cast<uint64_t>(was.count));
    if (!holds(ticket)) {
        return;
    }
    if (!may_be_here(ticket.topic, was)) {
        judge_.violate(Invariant::topics_apart,
                       fmt::format("{} of life {} of the topic was read in life {}", was.name(),
                                   was.incarnation, topics_[ticket.topic].incarnation));
        return;
    }
    Bound* const bound =
        bind(ticket.topic, partition, header.base_offset, was, header.leader_epoch.value());
    if (bound != nullptr && bound->timestamps.empty()) {
        bound->timestamps = batch.timestamps;
    }
}

std::optional<std::string> Oracle::disagrees(uint16_t topic, int32_t partition,
                                             const ReadBatch& batch) const {
    const Value& first = batch.values.front();
    const auto found = batches_.find(first.id);
    if (found == batches_.end() || found->second->content_crc != batch.content_crc) {
        return fmt::format("what stands at offset {} was never sent", batch.header.base_offset);
    }
    if (first.topic != topic || first.partition != partition) {
        return found->second->name() + " is in it";
    }
    const auto& bounds = log(topic, partition).bounds;
    const auto there = bounds.find(batch.header.base_offset);
    if (there != bounds.end() && there->second.batch != found->second.get()) {
        return fmt::format("{} stands at offset {} instead of {}", found->second->name(),
                           batch.header.base_offset, there->second.batch->name());
    }
    return std::nullopt;
}

int64_t Oracle::high_watermark(uint16_t topic, int32_t partition) const {
    return log(topic, partition).seen_end;
}

void Oracle::saw_high_watermark(Ticket ticket, int32_t partition, int64_t not_below, int64_t seen) {
    if (!holds(ticket)) {
        return;
    }
    Log& to = log(ticket.topic, partition);
    if (seen < std::min(not_below, to.seen_end) && !to.damaged) {
        judge_.violate(Invariant::high_watermark_monotone,
                       fmt::format("the high watermark of t{}-{} was {} and is {}", ticket.topic,
                                   partition, not_below, seen));
        return;
    }
    to.seen_end = std::max(to.seen_end, seen);
}

void Oracle::time_lookup(Ticket ticket, int32_t partition, WallMs asked, int64_t known_end,
                         int64_t offset, WallMs timestamp) {
    if (!holds(ticket)) {
        return;
    }
    judge_.mark(Met::time_lookups);
    const Log& to = log(ticket.topic, partition);
    for (const auto& [there, bound] : to.bounds) {
        const auto count = static_cast<int64_t>(bound.timestamps.size());
        for (int64_t i = 0; i < count && !bound.voided; ++i) {
            const WallMs own = bound.timestamps[static_cast<size_t>(i)];
            const int64_t at = there + i;
            const bool missed = own >= asked && at < (offset < 0 ? known_end : offset);
            if (missed || (at == offset && own != timestamp)) {
                judge_.violate(
                    Invariant::index_consistent,
                    fmt::format("t{}-{}: asked for time {}: offset {} of time {}, but offset {} "
                                "is of time {}",
                                ticket.topic, partition, asked, offset, timestamp, at, own));
                return;
            }
        }
    }
}

void Oracle::read_whole(Ticket ticket, int32_t partition, int64_t required, int64_t end) {
    if (!holds(ticket)) {
        return;
    }
    judge_.mark(Met::audits);
    const Log& to = log(ticket.topic, partition);
    // What was promised when the read began, if no crash has taken it back since.
    const int64_t promised = std::min(required, required_end(ticket.topic, partition));
    if (end >= promised) {
        return;
    }
    if (honesty_ || to.damaged) {
        judge_.mark(Met::lost_in_honesty);
        return;
    }
    judge_.violate(Invariant::never_ack_unstored,
                   fmt::format("t{}-{} was read to its end, {}, but was acked or read up to {}",
                               ticket.topic, partition, end, promised));
}

void Oracle::cut(uint16_t topic, int32_t partition, int64_t flushed_end) {
    Log& to = log(topic, partition);
    to.acked_end = std::min(to.acked_end, flushed_end);
    to.seen_end = std::min(to.seen_end, flushed_end);
    ++to.cuts;
    for (auto& [there, bound] : to.bounds) {
        bound.voided = bound.voided || there + bound.batch->count > flushed_end;
    }
}

int64_t Oracle::required_end(uint16_t topic, int32_t partition) const {
    const Log& to = log(topic, partition);
    return std::max(to.acked_end, to.seen_end);
}

void Oracle::damaged(uint16_t topic, int32_t partition) {
    log(topic, partition).damaged = true;
}

bool Oracle::is_damaged(uint16_t topic, int32_t partition) const {
    return log(topic, partition).damaged;
}

}  // namespace ringlog::simulation
