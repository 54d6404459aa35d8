// The directory of a partition: made, recognised by its partition.metadata, renamed aside or for
// deletion. Blocking: every call on a helper, none twice at once for one partition. Explained in
// docs/on_disk_format.md, "Partition directory".
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "engine/types.h"
#include "io/file_system.h"

namespace ringlog::engine {

/// "version: 0\ntopic_id: <base64>", as Kafka writes it.
std::string encode_partition_metadata(const Uuid& topic_id);
/// Nothing if `text` is not that.
std::optional<Uuid> decode_partition_metadata(std::string_view text);

/// The topic id in the partition.metadata of `directory`. Errors: not_found without one,
/// corrupt_file if it cannot be read as one, io_failed.
Result<Uuid> read_topic_id(io::FileSystem& files, const std::string& directory);

/// Makes `<root>/<topic>-<partition>` and its partition.metadata, both durable. A directory of that
/// name which has another topic id, or files and no id, is renamed to `<topic>-<partition>.<id
/// found, 32 hex>-stray` first.
Result<void> make_partition_directory(io::FileSystem& files, const std::string& root,
                                      const TopicPartition& id);

/// Renames the directory, if it is there and has this topic id, to its -delete name; durable.
/// Success if it is gone.
Result<void> rename_partition_directory_deleted(io::FileSystem& files, const std::string& root,
                                                const TopicPartition& id);

/// Whether `name` is what deleted_directory_name() gives for some partition.
bool is_deleted_directory_name(std::string_view name);

}  // namespace ringlog::engine
