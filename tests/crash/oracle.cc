#include "tests/crash/oracle.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"

namespace ringlog::crash {

Oracle::Oracle(const Knowledge& before, const std::vector<Event>& events,
               engine::Durability durability)
    : durability_(durability),
      events_(events),
      topics_(before.topics),
      partitions_(before.partitions) {
    for (size_t i = 0; i < partitions_.size(); ++i) {
        by_name_[{partitions_[i].topic, partitions_[i].partition}] = i;
    }
    read_events(events);
    for (const PartitionStory& story : partitions_) {
        promises_.push_back({.power = story.promised_count, .kill = story.promised_count});
    }
}

int32_t Oracle::index_of(uint32_t topic, int32_t partition) const {
    const auto found = by_name_.find({topic, partition});
    return found == by_name_.end() ? -1 : static_cast<int32_t>(found->second);
}

PartitionStory& Oracle::story(uint32_t topic, int32_t partition) {
    const auto [found, added] = by_name_.try_emplace({topic, partition}, partitions_.size());
    if (added) {
        partitions_.push_back({.topic = topic, .partition = partition});
    }
    return partitions_[found->second];
}

void Oracle::read_events(const std::vector<Event>& events) {
    std::map<std::pair<size_t, uint32_t>, uint64_t> bodies;
    for (size_t i = 0; i < events.size(); ++i) {
        const Event& event = events[i];
        if (event.kind < EventKind::topic_created) {
            continue;
        }
        if (event.kind == EventKind::topic_created) {
            if (event.topic >= topics_.size()) {
                RL_ASSERT(event.topic == topics_.size());
                topics_.push_back(
                    {.topic = {event.path, event.id, static_cast<int32_t>(event.length)},
                     .created_at = i});
            }
            for (int32_t p = 0; p < topics_[event.topic].topic.partitions; ++p) {
                story(event.topic, p);
            }
            continue;
        }
        if (event.kind == EventKind::delete_begun || event.kind == EventKind::delete_done) {
            TopicStory& topic = topics_[event.topic];
            size_t& at = event.kind == EventKind::delete_begun ? topic.delete_begun_at
                                                               : topic.delete_done_at;
            at = std::min(at, i);
            continue;
        }
        PartitionStory& about = story(event.topic, event.partition);
        const auto name = std::pair{by_name_.at({event.topic, event.partition}), event.batch};
        switch (event.kind) {
            case EventKind::sent: bodies[name] = body_hash(event.bytes); break;
            case EventKind::refused:
                if (event.result != 0) {
                    about.unknown.insert(bodies.at(name));
                }
                break;
            case EventKind::appended:
                about.taken.push_back(
                    {.found = {.base_offset = static_cast<int64_t>(event.position),
                               .last_offset = static_cast<int64_t>(event.length) - 1,
                               .epoch = event.epoch,
                               .body = bodies.at(name)},
                     .journal = event.journal,
                     .sequence = event.sequence});
                break;
            default: break;
        }
    }
    for (PartitionStory& about : partitions_) {
        std::ranges::sort(about.taken, {},
                          [](const TakenBatch& batch) { return batch.found.base_offset; });
    }
    for (size_t i = 0; i < events.size(); ++i) {
        const Event& event = events[i];
        if (event.kind != EventKind::acked) {
            continue;
        }
        const size_t index = by_name_.at({event.topic, event.partition});
        auto& taken = partitions_[index].taken;
        const auto batch = std::ranges::find_if(taken, [&](const TakenBatch& candidate) {
            return candidate.found.base_offset == static_cast<int64_t>(event.position);
        });
        RL_ASSERT(batch != taken.end());
        batch->acked_at = i;
        position_of_batch_[{index, event.batch}] = static_cast<size_t>(batch - taken.begin());
    }
}

bool Oracle::advance(size_t index) {
    now_ = index;
    const Event& event = events_[index];
    bool grown = false;
    const auto promise = [&grown](size_t& count, size_t value) {
        grown |= value > count;
        count = std::max(count, value);
    };
    if (event.kind == EventKind::opened) {
        for (size_t i = 0; i < partitions_.size(); ++i) {
            promise(promises_[i].power, partitions_[i].found_count);
            promise(promises_[i].kill, partitions_[i].found_count);
        }
    } else if (event.kind == EventKind::acked) {
        const size_t i = by_name_.at({event.topic, event.partition});
        const size_t count = position_of_batch_.at({i, event.batch}) + 1;
        promise(promises_[i].kill, count);
        if (durability_ == engine::Durability::power) {
            promise(promises_[i].power, count);
        }
    } else if (event.kind == EventKind::flushed) {
        uint64_t& through = flushed_[event.journal];
        if (event.sequence <= through) {
            return false;
        }
        through = event.sequence;
        for (size_t i = 0; i < partitions_.size(); ++i) {
            const PartitionStory& story = partitions_[i];
            for (size_t n = story.taken.size(); n > story.found_count; --n) {
                const TakenBatch& batch = story.taken[n - 1];
                if (batch.acked_at <= index && batch.journal == event.journal &&
                    batch.sequence <= through) {
                    promise(promises_[i].power, n);
                    break;
                }
            }
        }
    } else if (event.kind == EventKind::delete_done || event.kind == EventKind::delete_begun) {
        grown = true;
    }
    return grown;
}

int32_t Oracle::judge(const PartitionStory& story, const std::vector<FoundBatch>& log,
                      std::string& problem, bool& stale) const {
    size_t known = 0;
    int64_t expected = 0;
    for (const FoundBatch& batch : log) {
        if (batch.base_offset != expected) {
            problem = fmt::format("offset {} follows offset {}", batch.base_offset, expected - 1);
            return -1;
        }
        expected = batch.last_offset + 1;
        const bool as_taken = known < story.taken.size() &&
                              story.taken[known].found.body == batch.body &&
                              story.taken[known].found.base_offset == batch.base_offset &&
                              story.taken[known].found.epoch == batch.epoch;
        if (as_taken) {
            ++known;
            continue;
        }
        if (story.unknown.contains(batch.body)) {
            continue;
        }
        const bool is_gone = story.gone.contains(batch.body);
        const bool elsewhere = std::ranges::any_of(
            story.taken, [&](const TakenBatch& taken) { return taken.found.body == batch.body; });
        stale = is_gone;
        problem = fmt::format("topic {} partition {}: the batch at offset {} of epoch {} {}",
                              story.topic, story.partition, batch.base_offset, batch.epoch,
                              is_gone     ? "had been cut: it is back"
                              : elsewhere ? "belongs to another place of this log"
                                          : "was never sent to this partition");
        return -1;
    }
    return static_cast<int32_t>(known);
}

std::string Oracle::check(const Recovered& recovered, bool kill) const {
    if (!recovered.problem.empty()) {
        return recovered.problem;
    }
    for (size_t i = 0; i < partitions_.size(); ++i) {
        const PartitionStory& story = partitions_[i];
        const TopicStory& topic = topics_[story.topic];
        const int32_t count = recovered.counts[i];
        if (now_ < topic.created_at || topic.delete_done_at <= now_) {
            if (count >= 0) {
                return fmt::format(
                    "topic {} partition {} is there, {}", story.topic, story.partition,
                    now_ < topic.created_at ? "before it was made" : "although it was deleted");
            }
            continue;
        }
        if (topic.delete_begun_at <= now_) {
            continue;
        }
        const size_t promised = kill ? promises_[i].kill : promises_[i].power;
        if (static_cast<size_t>(std::max(count, 0)) < promised) {
            return fmt::format(
                "topic {} partition {}: {} batches were promised, {} are there: "
                "lost from offset {} on",
                story.topic, story.partition, promised, count,
                story.taken[static_cast<size_t>(std::max(count, 0))].found.base_offset);
        }
    }
    return {};
}

uint64_t Oracle::promised_batches(bool kill) const {
    uint64_t sum = 0;
    for (const Promise& promise : promises_) {
        sum += kill ? promise.kill : promise.power;
    }
    return sum;
}

Knowledge Oracle::knowledge(const Recovered& recovered, bool kill) const {
    Knowledge next;
    for (const TopicStory& topic : topics_) {
        if (topic.created_at > now_) {
            break;
        }
        next.topics.push_back(topic);
        next.topics.back().created_at = 0;
        for (size_t* at :
             {&next.topics.back().delete_begun_at, &next.topics.back().delete_done_at}) {
            *at = *at <= now_ ? 0 : kNever;
        }
    }
    for (size_t i = 0; i < partitions_.size(); ++i) {
        const PartitionStory& story = partitions_[i];
        if (story.topic >= next.topics.size()) {
            continue;
        }
        const auto count = static_cast<size_t>(std::max(recovered.counts[i], 0));
        PartitionStory kept = story;
        kept.taken.resize(count);
        kept.found_count = count;
        kept.promised_count = std::min(count, kill ? promises_[i].kill : promises_[i].power);
        kept.gone.insert(story.unknown.begin(), story.unknown.end());
        kept.unknown.clear();
        for (size_t n = count; n < story.taken.size(); ++n) {
            kept.gone.insert(story.taken[n].found.body);
        }
        for (TakenBatch& batch : kept.taken) {
            batch.acked_at = 0;
        }
        next.partitions.push_back(std::move(kept));
    }
    return next;
}

}  // namespace ringlog::crash
