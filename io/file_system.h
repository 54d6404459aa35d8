// The seam to files and directories for everything that may block: opening, renaming, growing,
// syncing. Production runs these calls on helper threads (Reactor::run_blocking), the simulation as
// events. Thread safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace ringlog::io {

struct OpenOptions {
    bool create = false;     ///< Create the file if it is missing.
    bool exclusive = false;  ///< With create: fail with `exists` if it is there.
    bool write = false;      ///< Open for writing too.
    bool direct = true;      ///< O_DIRECT where the file system allows it.
};

/// An open file, not yet attached to a core.
struct OpenedFile {
    int32_t descriptor = -1;
    bool direct =
        false;  ///< False where O_DIRECT was refused: then every write of ours must be flushed.
    uint32_t block_bytes =
        4096;  ///< Positions, lengths and addresses of direct I/O are multiples of this.
    uint64_t size_bytes = 0;
};

struct DirectoryEntry {
    std::string name;
    bool directory = false;
    uint64_t size_bytes = 0;
};

struct Space {
    uint64_t free_bytes = 0;  ///< Available to this process.
    uint64_t total_bytes = 0;
};

/// Held until it is destroyed.
class DirectoryLock {
public:
    virtual ~DirectoryLock() = default;
    /// The locked descriptor, which is attached to every ring so that the kernel keeps the lock
    /// while writes of this process can still land; -1 in the simulation.
    [[nodiscard]] virtual int32_t descriptor() const = 0;
};

/// Every call may block. Durability: nothing is on stable media until the call that says so; a
/// created or renamed name is durable after sync_directory of its parent. Errors: io_failed with
/// the errno; not_found, exists, no_space, locked.
class FileSystem {
public:
    virtual ~FileSystem() = default;

    virtual Result<OpenedFile> open(const std::string& path, OpenOptions options) = 0;
    virtual void close(int32_t descriptor) = 0;
    /// Reads until `to` is full or the file ends; the count of bytes read. Aligned if the file is
    /// direct.
    virtual Result<uint64_t> read(int32_t descriptor, Bytes to, uint64_t position) = 0;
    /// Writes all of `from`. Aligned if the file is direct. Not durable until sync_data.
    virtual Result<void> write(int32_t descriptor, ByteView from, uint64_t position) = 0;
    /// fdatasync.
    virtual Result<void> sync_data(int32_t descriptor) = 0;
    /// Writes zeros over [from, to), so that later writes there change data only; growing the file.
    /// Then fdatasync.
    virtual Result<void> prewrite(int32_t descriptor, uint64_t from, uint64_t to) = 0;
    /// Reserves blocks for [from, to) without writing them; the file grows. Never an error where
    /// unsupported.
    virtual Result<void> preallocate(int32_t descriptor, uint64_t from, uint64_t to) = 0;
    virtual Result<void> truncate(int32_t descriptor, uint64_t size_bytes) = 0;

    virtual Result<void> make_directory(const std::string& path) = 0;  ///< `exists` if it is there.
    virtual Result<void> rename(const std::string& from,
                                const std::string& to) = 0;    ///< Replaces `to`.
    virtual Result<void> remove(const std::string& path) = 0;  ///< A file or an empty directory.
    virtual Result<std::vector<DirectoryEntry>> list(
        const std::string& path) = 0;  ///< Sorted by name.
    virtual Result<void> sync_directory(const std::string& path) = 0;
    /// syncfs of the file system that holds `path`: everything written before is durable after. An
    /// error that any write-back met is reported here.
    virtual Result<void> sync_file_system(const std::string& path) = 0;
    virtual Result<Space> space(const std::string& path) = 0;
    /// An exclusive lock on `path` (a file that is created), across processes. `locked` if another
    /// holds it after a bounded wait.
    virtual Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) = 0;
};

}  // namespace ringlog::io
