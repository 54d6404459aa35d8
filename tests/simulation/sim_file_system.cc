#include "tests/simulation/sim_file_system.h"

#include <algorithm>
#include <cerrno>

#include "base/assert.h"

namespace ringlog::simulation {
namespace {

Error not_found() {
    return {.code = Errc::not_found, .os_errno = ENOENT};
}

uint64_t inode_number(const std::shared_ptr<OpenFile>& file) {
    return file ? file->inode->number : 0;
}

}  // namespace

class SimFileSystem::Lock final : public io::DirectoryLock {
public:
    Lock(SimFileSystem& files, uint64_t inode) : files_(files), inode_(inode) {}
    ~Lock() override { files_.locked_.erase(inode_); }
    [[nodiscard]] int32_t descriptor() const override { return -1; }

private:
    SimFileSystem& files_;
    uint64_t inode_;
};

SimFileSystem::SimFileSystem(SimDisk& disk, Descriptors& descriptors, Observer observer)
    : disk_(disk), descriptors_(descriptors), observer_(std::move(observer)) {}

template <typename T>
Result<T> SimFileSystem::report(std::string_view what, uint64_t inode, uint64_t position,
                                uint64_t length, Result<T> result) const {
    observer_(what, inode, position, length, result ? 0 : -int64_t{result.error().os_errno});
    return result;
}

Result<SimFileSystem::Place> SimFileSystem::place(const std::string& path) const {
    std::vector<std::string> parts = split_path(path);
    if (parts.empty()) {
        return fail(Errc::io_failed, EBUSY);
    }
    Place found{.directory = disk_.root(), .name = parts.back()};
    parts.pop_back();
    for (const std::string& part : parts) {
        found.directory = found.directory->directory.find(part);
        if (!found.directory) {
            return fail(not_found());
        }
        if (!found.directory->is_directory) {
            return fail(Errc::io_failed, ENOTDIR);
        }
    }
    if (found.name.size() > 255) {
        return fail(Errc::io_failed, ENAMETOOLONG);
    }
    return found;
}

Result<InodePtr> SimFileSystem::existing(const std::string& path) const {
    InodePtr inode = disk_.find(path);
    if (!inode) {
        return fail(not_found());
    }
    return inode;
}

Result<void> SimFileSystem::refusal(DiskEffect effect) {
    switch (effect) {
        case DiskEffect::error:
        case DiskEffect::torn:
        case DiskEffect::hang:
        case DiskEffect::kill:
        case DiskEffect::power_loss: return fail(Errc::io_failed, EIO);
        case DiskEffect::no_space: return fail(Errc::no_space, ENOSPC);
        case DiskEffect::none:
        case DiskEffect::short_io:
        case DiskEffect::lost:
        case DiskEffect::misdirected:
        case DiskEffect::corrupt: break;
    }
    return {};
}

Result<std::shared_ptr<OpenFile>> SimFileSystem::writable(int32_t descriptor) const {
    std::shared_ptr<OpenFile> file = descriptors_.file(descriptor);
    if (!file || !file->write) {
        return fail(Errc::io_failed, EBADF);
    }
    return file;
}

bool SimFileSystem::misaligned(const OpenFile& file, const void* data, uint64_t position,
                               uint64_t length) const {
    const uint64_t together = reinterpret_cast<uintptr_t>(data) | position | length;
    return file.direct && together % disk_.options().block_bytes != 0;
}

Result<io::OpenedFile> SimFileSystem::open(const std::string& path, io::OpenOptions options) {
    auto opened = do_open(path, options);
    const uint64_t inode = opened ? inode_number(descriptors_.file(opened->descriptor)) : 0;
    return report("open", inode, 0, 0, std::move(opened));
}

Result<io::OpenedFile> SimFileSystem::do_open(const std::string& path, io::OpenOptions options) {
    if (auto refused = refusal(disk_.begin(kFsNames)); !refused) {
        return fail(refused.error());
    }
    auto at = place(path);
    if (!at) {
        return fail(at.error());
    }
    InodePtr inode = at->directory->directory.find(at->name);
    if (inode && options.create && options.exclusive) {
        return fail(Errc::exists, EEXIST);
    }
    if (inode && inode->is_directory) {
        return fail(Errc::io_failed, EISDIR);
    }
    if (!inode) {
        if (!options.create) {
            return fail(not_found());
        }
        inode = disk_.make_inode(false);
        at->directory->directory.change({{at->name, inode}});
    }
    const bool direct = options.direct && disk_.options().direct;
    const uint64_t size_bytes = inode->file.size_bytes();
    auto file = std::make_shared<OpenFile>(
        OpenFile{.inode = std::move(inode), .write = options.write, .direct = direct});
    return io::OpenedFile{.descriptor = descriptors_.add(std::move(file)),
                          .direct = direct,
                          .block_bytes = disk_.options().block_bytes,
                          .size_bytes = size_bytes};
}

void SimFileSystem::close(int32_t descriptor) {
    descriptors_.remove(descriptor);
}

Result<uint64_t> SimFileSystem::read(int32_t descriptor, Bytes to, uint64_t position) {
    const uint64_t inode = inode_number(descriptors_.file(descriptor));
    return report("fs_read", inode, position, to.size(), do_read(descriptor, to, position));
}

Result<uint64_t> SimFileSystem::do_read(int32_t descriptor, Bytes to, uint64_t position) {
    const auto file = descriptors_.file(descriptor);
    if (!file) {
        return fail(Errc::io_failed, EBADF);
    }
    if (misaligned(*file, to.data(), position, to.size())) {
        return fail(Errc::io_failed, EINVAL, static_cast<int64_t>(position));
    }
    const DiskEffect effect = disk_.begin(kFsReads);
    if (auto refused = refusal(effect); !refused) {
        return fail(refused.error());
    }
    if (file->inode->file.has_bad_sector(position, to.size())) {
        return fail(Errc::io_failed, EIO, static_cast<int64_t>(position));
    }
    const uint64_t count = file->inode->file.read(to, position);
    if (effect == DiskEffect::corrupt && count > 0) {
        to[disk_.random().below(count)] ^= std::byte{1} << disk_.random().below(8);
    }
    return count;
}

Result<void> SimFileSystem::write(int32_t descriptor, ByteView from, uint64_t position) {
    const uint64_t inode = inode_number(descriptors_.file(descriptor));
    return report("fs_write", inode, position, from.size(), do_write(descriptor, from, position));
}

Result<void> SimFileSystem::do_write(int32_t descriptor, ByteView from, uint64_t position) {
    auto file = writable(descriptor);
    if (!file) {
        return fail(file.error());
    }
    if (misaligned(**file, from.data(), position, from.size())) {
        return fail(Errc::io_failed, EINVAL, static_cast<int64_t>(position));
    }
    DiskEffect effect = disk_.begin(kFsWrites);
    if (effect == DiskEffect::short_io) {
        effect = DiskEffect::none;  // the call goes on until everything is written
    }
    auto landed = disk_.land_write((*file)->inode, position, from, false, effect);
    if (!landed) {
        return fail(landed.error());
    }
    return {};
}

Result<void> SimFileSystem::sync_data(int32_t descriptor) {
    const auto file = descriptors_.file(descriptor);
    if (!file) {
        return report("sync_data", 0, 0, 0, Result<void>(fail(Errc::io_failed, EBADF)));
    }
    disk_.land_late_writes_of(*file->inode);
    return report("sync_data", file->inode->number, 0, 0,
                  disk_.land_sync(file->inode, file->inode->file.mark(), disk_.begin(kFsSyncs)));
}

Result<void> SimFileSystem::prewrite(int32_t descriptor, uint64_t from, uint64_t to) {
    auto file = writable(descriptor);
    if (!file) {
        return fail(file.error());
    }
    return report("prewrite", (*file)->inode->number, from, to - from,
                  do_prewrite((*file)->inode, from, to));
}

Result<void> SimFileSystem::do_prewrite(const InodePtr& inode, uint64_t from, uint64_t to) {
    const DiskEffect effect = disk_.begin(kFsWrites);
    if (auto refused = refusal(effect); !refused) {
        if (effect == DiskEffect::torn || effect == DiskEffect::kill ||
            effect == DiskEffect::power_loss) {
            const std::vector<std::byte> zeros(to - from);  // some of them are there
            (void)disk_.land_write(inode, from, zeros, false, effect);
        }
        return refused;
    }
    if (!disk_.has_room_for(inode->file.would_allocate_bytes(from, to - from))) {
        return fail(Errc::no_space, ENOSPC);
    }
    if (effect == DiskEffect::lost) {  // its sync was a lie
        const std::vector<std::byte> zeros(to - from);
        inode->file.write(from, zeros);
    } else {
        inode->file.prewrite(from, to);
    }
    return {};
}

Result<void> SimFileSystem::preallocate(int32_t descriptor, uint64_t from, uint64_t to) {
    auto file = writable(descriptor);
    if (!file) {
        return fail(file.error());
    }
    Result<void> result = refusal(disk_.begin(kFsWrites));
    SimFile& content = (*file)->inode->file;
    if (result && !disk_.has_room_for(content.would_allocate_bytes(from, to - from))) {
        result = fail(Errc::no_space, ENOSPC);
    }
    if (result) {
        content.preallocate(from, to);
    }
    return report("preallocate", (*file)->inode->number, from, to - from, result);
}

Result<void> SimFileSystem::truncate(int32_t descriptor, uint64_t size_bytes) {
    auto file = writable(descriptor);
    if (!file) {
        return fail(file.error());
    }
    Result<void> result = refusal(disk_.begin(kFsWrites));
    if (result) {
        (*file)->inode->file.truncate(size_bytes);
    }
    return report("truncate", (*file)->inode->number, size_bytes, 0, result);
}

Result<void> SimFileSystem::make_directory(const std::string& path) {
    Result<void> result = refusal(disk_.begin(kFsNames));
    auto at = place(path);
    if (result && !at) {
        result = fail(at.error());
    }
    if (result && at->directory->directory.find(at->name)) {
        result = fail(Errc::exists, EEXIST);
    }
    if (result) {
        at->directory->directory.change({{at->name, disk_.make_inode(true)}});
    }
    return report("make_directory", 0, 0, 0, result);
}

Result<void> SimFileSystem::rename(const std::string& from, const std::string& to) {
    return report("rename", 0, 0, 0, do_rename(from, to));
}

Result<void> SimFileSystem::do_rename(const std::string& from, const std::string& to) {
    if (auto refused = refusal(disk_.begin(kFsNames)); !refused) {
        return refused;
    }
    auto source = place(from);
    auto target = place(to);
    if (!source || !target) {
        return fail(source ? target.error() : source.error());
    }
    const InodePtr inode = source->directory->directory.find(source->name);
    if (!inode) {
        return fail(not_found());
    }
    const InodePtr replaced = target->directory->directory.find(target->name);
    if (replaced == inode) {
        return {};
    }
    if (replaced && replaced->is_directory != inode->is_directory) {
        return fail(Errc::io_failed, inode->is_directory ? ENOTDIR : EISDIR);
    }
    if (replaced && !replaced->directory.entries().empty()) {
        return fail(Errc::io_failed, ENOTEMPTY);
    }
    bool into_itself = false;
    disk_.visit(inode, [&](const InodePtr& below) { into_itself |= below == target->directory; });
    if (into_itself) {
        return fail(Errc::io_failed, EINVAL);
    }
    if (source->directory == target->directory) {
        source->directory->directory.change({{source->name, nullptr}, {target->name, inode}});
    } else {
        target->directory->directory.change({{target->name, inode}});
        source->directory->directory.change({{source->name, nullptr}});
    }
    return {};
}

Result<void> SimFileSystem::remove(const std::string& path) {
    return report("remove", 0, 0, 0, do_remove(path));
}

Result<void> SimFileSystem::do_remove(const std::string& path) {
    if (auto refused = refusal(disk_.begin(kFsNames)); !refused) {
        return refused;
    }
    auto at = place(path);
    if (!at) {
        return fail(at.error());
    }
    const InodePtr inode = at->directory->directory.find(at->name);
    if (!inode) {
        return fail(not_found());
    }
    if (!inode->directory.entries().empty()) {
        return fail(Errc::io_failed, ENOTEMPTY);
    }
    at->directory->directory.change({{at->name, nullptr}});
    return {};
}

Result<std::vector<io::DirectoryEntry>> SimFileSystem::list(const std::string& path) {
    if (auto refused = refusal(disk_.begin(kFsReads)); !refused) {
        return fail(refused.error());
    }
    auto inode = existing(path);
    if (!inode) {
        return fail(inode.error());
    }
    if (!(*inode)->is_directory) {
        return fail(Errc::io_failed, ENOTDIR);
    }
    std::vector<io::DirectoryEntry> entries;
    for (const auto& [name, child] : (*inode)->directory.entries()) {
        entries.push_back({.name = name,
                           .directory = child->is_directory,
                           .size_bytes = child->file.size_bytes()});
    }
    return entries;
}

Result<void> SimFileSystem::sync_directory(const std::string& path) {
    const DiskEffect effect = disk_.begin(kFsSyncs);
    Result<void> result = refusal(effect);
    auto inode = existing(path);
    if (result && !inode) {
        result = fail(inode.error());
    }
    if (result && effect != DiskEffect::lost) {
        (*inode)->directory.make_durable();
    }
    return report("sync_directory", inode ? (*inode)->number : 0, 0, 0, result);
}

Result<void> SimFileSystem::sync_file_system(const std::string& path) {
    auto inode = existing(path);
    return report("sync_file_system", 0, 0, 0,
                  inode ? do_sync_file_system() : Result<void>(fail(inode.error())));
}

Result<void> SimFileSystem::do_sync_file_system() {
    const DiskEffect effect = disk_.begin(kFsSyncs);
    Result<void> result;
    disk_.visit(disk_.root(), [&](const InodePtr& inode) {
        if (!inode->is_directory) {
            disk_.land_late_writes_of(*inode);
            if (auto synced = disk_.land_sync(inode, inode->file.mark(), effect); !synced) {
                result = synced;
            }
        } else if (effect == DiskEffect::none) {
            inode->directory.make_durable();
        }
    });
    return result;
}

Result<io::Space> SimFileSystem::space(const std::string& path) {
    if (auto inode = existing(path); !inode) {
        return fail(inode.error());
    }
    const uint64_t total = disk_.options().capacity_bytes;
    const uint64_t used = disk_.used_bytes();
    return io::Space{.free_bytes = total > used ? total - used : 0, .total_bytes = total};
}

Result<std::unique_ptr<io::DirectoryLock>> SimFileSystem::lock(const std::string& path) {
    auto opened = open(path, {.create = true, .write = true, .direct = false});
    if (!opened) {
        return fail(opened.error());
    }
    const uint64_t inode = inode_number(descriptors_.file(opened->descriptor));
    close(opened->descriptor);
    if (!locked_.insert(inode).second) {
        return fail(Errc::locked, EWOULDBLOCK);
    }
    return std::make_unique<Lock>(*this, inode);
}

}  // namespace ringlog::simulation
