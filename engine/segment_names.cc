// Names of directories and files of partitions. See engine/segment_store.h.
#include <fmt/format.h>

#include <algorithm>

#include "engine/segment_store.h"

namespace ringlog::engine {

namespace {
constexpr size_t kNameBytesMax = 255;
}

std::string partition_directory_name(const TopicPartition& id) {
    return fmt::format("{}-{}", id.topic, id.partition);
}

std::string deleted_directory_name(const TopicPartition& id) {
    const std::string suffix = fmt::format("-{}.{}-delete", id.partition, id.topic_id.to_hex());
    return id.topic.substr(0, kNameBytesMax - suffix.size()) + suffix;
}

std::string segment_file_name(int64_t base_offset, std::string_view suffix) {
    return fmt::format("{:020}{}", base_offset, suffix);
}

}  // namespace ringlog::engine
