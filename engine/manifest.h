// What a data directory is: whose it is, its format, its journals. A small text file, replaced
// atomically. Explained in docs/on_disk_format.md, "Manifest".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/types.h"
#include "io/file_system.h"

namespace ringlog::engine {

/// The manifest's file in the data directory, and the one that becomes it.
constexpr std::string_view kManifestName = "ringlog.manifest";
constexpr std::string_view kManifestTemporaryName = "ringlog.manifest.tmp";
/// Locked while the directory is in use; the same name as Kafka's, so that neither opens what the
/// other has.
constexpr std::string_view kLockName = ".lock";

/// "journal.<id>": where a journal has its files in the data directory. No partition's directory
/// can have this name, for those end in '-' and a number whatever the topic is called.
std::string journal_directory_name(JournalId journal);
/// The journal of such a name; nothing if it is none.
std::optional<JournalId> journal_of_directory(std::string_view name);

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
/// Errors: corrupt_file, version_unknown (written by a newer format, which `at` names; its last
/// line is the same hash).
Result<Manifest> decode_manifest(std::string_view text);

/// What stands in a directory before we touch it.
enum class DirectoryKind : uint8_t {
    empty,    ///< Missing or without entries: may be initialised. Our lock file, an unfinished
              ///< manifest and the lost+found of a file system's root do not count.
    ours,     ///< Has a manifest.
    kafka,    ///< Has Kafka's meta.properties: refuse, naming `ringlog log import`.
    foreign,  ///< Anything else: refuse.
};

/// Blocking: call on a helper.
Result<DirectoryKind> classify_directory(io::FileSystem& files, const std::string& directory);
/// Errors: not_found, those of decode_manifest, io_failed.
Result<Manifest> read_manifest(io::FileSystem& files, const std::string& directory);
/// Writes a temporary file, syncs it, renames it over the old one, syncs the directory: after a
/// failure or a power loss the old manifest or the new one is there, whole. Errors:
/// invalid_argument if it could not be read back (a line break in the cluster id, a journal that is
/// not below next_journal); io_failed, no_space.
Result<void> write_manifest(io::FileSystem& files, const std::string& directory,
                            const Manifest& manifest);

}  // namespace ringlog::engine
