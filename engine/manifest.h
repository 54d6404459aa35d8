// What a data directory is: whose it is, its format, its journals. A small text file, replaced atomically.
// Explained in docs/on_disk_format.md, "Manifest".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/types.h"
#include "io/file_system.h"

namespace ringlog::engine {

struct Manifest {
    static constexpr uint32_t kFormatVersion = 1;

    uint32_t format_version = kFormatVersion;
    int32_t node_id = -1;
    std::string cluster_id;
    uint64_t layout_generation = 0;   ///< Rises with every change of `journals`.
    std::vector<JournalId> journals;  ///< In order; their position is the placement index.
    uint16_t next_journal = 0;        ///< Ids of journals are not reused.

    friend bool operator==(const Manifest&, const Manifest&) = default;
};

/// `key=value` lines and a last line with the XXH3 of all before.
std::string encode_manifest(const Manifest& manifest);
/// Errors: corrupt_file, version_unknown (written by a newer format: nothing was touched).
Result<Manifest> decode_manifest(std::string_view text);

/// What stands in a directory before we touch it.
enum class DirectoryKind : uint8_t {
    empty,        ///< Missing or without entries (a lock file of ours does not count): may be initialised.
    ours,         ///< Has a manifest.
    kafka,        ///< Has Kafka's meta.properties: refuse, naming `ringlog log import`.
    foreign,      ///< Anything else: refuse.
};

/// Blocking: call on a helper.
Result<DirectoryKind> classify_directory(io::FileSystem& files, const std::string& directory);
Result<Manifest> read_manifest(io::FileSystem& files, const std::string& directory);
/// Writes a temporary file, syncs it, renames it over the old one, syncs the directory.
Result<void> write_manifest(io::FileSystem& files, const std::string& directory,
                            const Manifest& manifest);

}  // namespace ringlog::engine
