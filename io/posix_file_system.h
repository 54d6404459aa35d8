// The FileSystem over the kernel's calls. Every call may block: cores reach it through
// Reactor::run_blocking.
#pragma once

#include "io/file_system.h"

namespace ringlog::io {

/// Stateless but for its settings; thread safe.
class PosixFileSystem final : public FileSystem {
public:
    /// `lock_wait_ms`: how long lock() tries. io_uring keeps the descriptors of a killed process
    /// until its last write has landed, so the lock of a predecessor may outlive it for a moment.
    explicit PosixFileSystem(int64_t lock_wait_ms = 5000) : lock_wait_ms_(lock_wait_ms) {}

    Result<OpenedFile> open(const std::string& path, OpenOptions options) override;
    void close(int32_t descriptor) override;
    Result<uint64_t> read(int32_t descriptor, Bytes to, uint64_t position) override;
    Result<void> write(int32_t descriptor, ByteView from, uint64_t position) override;
    Result<void> sync_data(int32_t descriptor) override;
    Result<void> prewrite(int32_t descriptor, uint64_t from, uint64_t to) override;
    Result<void> preallocate(int32_t descriptor, uint64_t from, uint64_t to) override;
    Result<void> truncate(int32_t descriptor, uint64_t size_bytes) override;

    Result<void> make_directory(const std::string& path) override;
    Result<void> rename(const std::string& from, const std::string& to) override;
    Result<void> remove(const std::string& path) override;
    Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
    Result<void> sync_directory(const std::string& path) override;
    Result<void> sync_file_system(const std::string& path) override;
    Result<Space> space(const std::string& path) override;
    Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override;

private:
    int64_t lock_wait_ms_;
};

/// What direct I/O on an open file asks for.
struct DirectAlignment {
    bool supported =
        true;  ///< False where statx says that the file cannot be read or written directly.
    uint32_t offset_bytes = 0;  ///< 0 if the kernel does not say (before 6.1, or this file system).
    uint32_t memory_bytes = 0;
    uint32_t physical_bytes = 0;  ///< The device's physical block; 0 if not found.
};
DirectAlignment direct_alignment(int32_t descriptor);

/// The error for a failed call: not_found, exists, no_space, or io_failed, with the errno.
Error error_of_errno(int32_t error);

}  // namespace ringlog::io
