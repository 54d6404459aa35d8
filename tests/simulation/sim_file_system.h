// io::FileSystem of one life of a simulated node, over the disk that outlives it. Calls take effect
// at once: the time that they take, and their order, are those of the events that run them
// (SimHelpers). One thread.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "io/file_system.h"
#include "tests/simulation/descriptors.h"
#include "tests/simulation/sim_disk.h"

namespace ringlog::simulation {

class SimFileSystem final : public io::FileSystem {
public:
    /// Told of each call that counts: what, the inode's number, position, length, result (0 or a
    /// negative errno).
    using Observer = std::function<void(std::string_view, uint64_t, uint64_t, uint64_t, int64_t)>;

    SimFileSystem(SimDisk& disk, Descriptors& descriptors, Observer observer);

    Result<io::OpenedFile> open(const std::string& path, io::OpenOptions options) override;
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
    Result<std::vector<io::DirectoryEntry>> list(const std::string& path) override;
    Result<void> sync_directory(const std::string& path) override;
    Result<void> sync_file_system(const std::string& path) override;
    Result<io::Space> space(const std::string& path) override;
    Result<std::unique_ptr<io::DirectoryLock>> lock(const std::string& path) override;

private:
    class Lock;
    /// The directory that holds the last part of a path, and that part.
    struct Place {
        InodePtr directory;
        std::string name;
    };
    Result<Place> place(const std::string& path) const;
    Result<InodePtr> existing(const std::string& path) const;
    /// An error that `effect` makes of a call that changes no bytes.
    static Result<void> refusal(DiskEffect effect);
    [[nodiscard]] Result<std::shared_ptr<OpenFile>> writable(int32_t descriptor) const;
    [[nodiscard]] bool misaligned(const OpenFile& file, const void* data, uint64_t position,
                                  uint64_t length) const;
    template <typename T>
    Result<T> report(std::string_view what, uint64_t inode, uint64_t position, uint64_t length,
                     Result<T> result) const;
    Result<io::OpenedFile> do_open(const std::string& path, io::OpenOptions options);
    Result<uint64_t> do_read(int32_t descriptor, Bytes to, uint64_t position);
    Result<void> do_write(int32_t descriptor, ByteView from, uint64_t position);
    Result<void> do_prewrite(const InodePtr& inode, uint64_t from, uint64_t to);
    Result<void> do_rename(const std::string& from, const std::string& to);
    Result<void> do_remove(const std::string& path);
    Result<void> do_sync_file_system();

    SimDisk& disk_;
    Descriptors& descriptors_;
    Observer observer_;
    std::set<uint64_t> locked_;  ///< Inodes. The life's own: a crash releases them.
};

}  // namespace ringlog::simulation
