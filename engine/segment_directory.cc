// Making, recognising and renaming directories of partitions. See engine/segment_directory.h.
#include "engine/segment_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/mutant.h"
#include "engine/segment_store.h"

namespace ringlog::engine {

namespace {

constexpr std::string_view kMetadataName = "partition.metadata";
constexpr std::string_view kMetadataTemporaryName = "partition.metadata.tmp";
constexpr std::string_view kMetadataPrefix = "version: 0\ntopic_id: ";
constexpr size_t kMetadataBytesMax = 4096;
constexpr int kStrayNamesMax = 1000;
constexpr std::string_view kDeleteSuffix = "-delete";

std::string child(const std::string& directory, std::string_view name) {
    return fmt::format("{}/{}", directory, name);
}

Result<void> write_topic_id(io::FileSystem& files, const std::string& directory,
                            const Uuid& topic_id) {
    const std::string temporary = child(directory, kMetadataTemporaryName);
    const auto opened = files.open(temporary, {.create = true, .write = true, .direct = false});
    if (!opened) {
        return fail(opened.error());
    }
    const std::string text = encode_partition_metadata(topic_id);
    auto done = files.truncate(opened->descriptor, 0);
    if (done) {
        done = files.write(opened->descriptor, as_bytes(text), 0);
    }
    if (done) {
        done = files.sync_data(opened->descriptor);
    }
    files.close(opened->descriptor);
    return done ? files.rename(temporary, child(directory, kMetadataName)) : done;
}

/// Syncs what a predecessor may have left in the page cache.
Result<void> sync_metadata(io::FileSystem& files, const std::string& directory) {
    const auto opened =
        files.open(child(directory, kMetadataName), {.write = true, .direct = false});
    if (!opened) {
        return fail(opened.error());
    }
    const auto synced = files.sync_data(opened->descriptor);
    files.close(opened->descriptor);
    return synced;
}

/// Whether there is anything in the directory that is worth keeping.
Result<bool> has_content(io::FileSystem& files, const std::string& directory) {
    const auto entries = files.list(directory);
    if (!entries) {
        return fail(entries.error());
    }
    return std::ranges::any_of(*entries, [](const io::DirectoryEntry& entry) {
        return entry.name != kMetadataTemporaryName;
    });
}

Result<void> rename_stray(io::FileSystem& files, const std::string& root, const TopicPartition& id,
                          const Uuid& found) {
    const std::string from = child(root, partition_directory_name(id));
    Result<void> renamed;
    for (int attempt = 0; attempt < kStrayNamesMax; ++attempt) {
        const std::string number = attempt == 0 ? "" : fmt::format(".{}", attempt);
        const std::string suffix =
            fmt::format("-{}.{}{}-stray", id.partition, found.to_hex(), number);
        renamed = files.rename(from, child(root, id.topic.substr(0, 255 - suffix.size()) + suffix));
        const int32_t error = renamed ? 0 : renamed.error().os_errno;
        if (renamed || (error != ENOTEMPTY && error != EEXIST)) {
            break;
        }
    }
    return renamed;
}

/// Leaves the directory with nothing in it that is not this topic's; true if its metadata is right
/// already.
Result<bool> claim_directory(io::FileSystem& files, const std::string& root,
                             const TopicPartition& id) {
    const std::string directory = child(root, partition_directory_name(id));
    const auto found = read_topic_id(files, directory);
    if (found && (*found == id.topic_id || mutant(Mutant::foreign_directory_taken))) {
        return true;
    }
    const bool unknown = !found && (found.error().code == Errc::not_found ||
                                    found.error().code == Errc::corrupt_file);
    if (!found && !unknown) {
        return fail(found.error());
    }
    const auto content = has_content(files, directory);
    if (!content) {
        return fail(content.error());
    }
    if (!*content) {
        return false;
    }
    const auto renamed = rename_stray(files, root, id, found.value_or(Uuid{}));
    if (!renamed) {
        return fail(renamed.error());
    }
    const auto made = files.make_directory(directory);
    if (!made) {
        return fail(made.error());
    }
    return false;
}

}  // namespace

Result<Uuid> read_topic_id(io::FileSystem& files, const std::string& directory) {
    const auto opened = files.open(child(directory, kMetadataName), {.direct = false});
    if (!opened) {
        return fail(opened.error());
    }
    std::vector<std::byte> bytes(kMetadataBytesMax);
    const auto count = files.read(opened->descriptor, bytes, 0);
    files.close(opened->descriptor);
    if (!count) {
        return fail(count.error());
    }
    const auto topic_id = decode_partition_metadata(as_text(ByteView(bytes).first(*count)));
    if (!topic_id) {
        return fail(Errc::corrupt_file);
    }
    return *topic_id;
}

std::string encode_partition_metadata(const Uuid& topic_id) {
    return std::string(kMetadataPrefix) + topic_id.to_base64();
}

std::optional<Uuid> decode_partition_metadata(std::string_view text) {
    if (!text.starts_with(kMetadataPrefix)) {
        return std::nullopt;
    }
    text.remove_prefix(kMetadataPrefix.size());
    if (text.ends_with('\n')) {
        text.remove_suffix(1);
    }
    return Uuid::from_base64(text);
}

Result<void> make_partition_directory(io::FileSystem& files, const std::string& root,
                                      const TopicPartition& id) {
    const std::string directory = child(root, partition_directory_name(id));
    auto done = files.make_directory(directory);
    if (!done && done.error().code != Errc::exists) {
        return done;
    }
    if (!done) {
        const auto claimed = claim_directory(files, root, id);
        if (!claimed) {
            return fail(claimed.error());
        }
        if (*claimed) {
            done = sync_metadata(files, directory);
        } else {
            done = write_topic_id(files, directory, id.topic_id);
        }
    } else {
        done = write_topic_id(files, directory, id.topic_id);
    }
    if (done) {
        done = files.sync_directory(directory);
    }
    return done ? files.sync_directory(root) : done;
}

Result<void> rename_partition_directory_deleted(io::FileSystem& files, const std::string& root,
                                                const TopicPartition& id) {
    const std::string directory = child(root, partition_directory_name(id));
    const auto found = read_topic_id(files, directory);
    if (!found && found.error().code != Errc::not_found &&
        found.error().code != Errc::corrupt_file) {
        return fail(found.error());
    }
    if (found && *found == id.topic_id) {
        const auto renamed = files.rename(directory, child(root, deleted_directory_name(id)));
        // Gone: another call renamed it after we had read its topic id.
        if (!renamed && renamed.error().code != Errc::not_found) {
            return renamed;
        }
    }
    return mutant(Mutant::skip_sync_of_deleted_name) ? Result<void>{} : files.sync_directory(root);
}

bool is_deleted_directory_name(std::string_view name) {
    constexpr size_t kHexDigits = 32;
    if (!name.ends_with(kDeleteSuffix)) {
        return false;
    }
    name.remove_suffix(kDeleteSuffix.size());
    if (name.size() <= kHexDigits || name[name.size() - kHexDigits - 1] != '.') {
        return false;
    }
    const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    return std::ranges::all_of(name.substr(name.size() - kHexDigits), is_hex);
}

}  // namespace ringlog::engine
