// Open files: opening, reading, writing, growing. The calls on names are in posix_directory.cc. See
// io/posix_file_system.h.
#include "io/posix_file_system.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

namespace ringlog::io {

namespace {

constexpr uint32_t kSmallestBlockBytes = 4096;
constexpr size_t kZeroBytes = size_t{1} << 20;

/// Never written: its pages are the kernel's zero page until somebody does.
alignas(kSmallestBlockBytes) constinit std::array<std::byte, kZeroBytes> zeros{};

std::unexpected<Error> failed(int32_t error, int64_t at = -1) {
    Error result = error_of_errno(error);
    result.at = at;
    return fail(result);
}

/// The number in the first line of `path`, or 0.
uint32_t number_in_file(const std::string& path) {
    FILE* file = std::fopen(path.c_str(), "re");
    if (file == nullptr) {
        return 0;
    }
    unsigned value = 0;
    const int fields = std::fscanf(file, "%u", &value);
    std::fclose(file);
    return fields == 1 ? value : 0;
}

uint32_t physical_block_bytes(dev_t device) {
    const std::string base =
        fmt::format("/sys/dev/block/{}:{}", gnu_dev_major(device), gnu_dev_minor(device));
    // A partition has no queue of its own; its disk is the directory above.
    const uint32_t own = number_in_file(base + "/queue/physical_block_size");
    return own != 0 ? own : number_in_file(base + "/../queue/physical_block_size");
}

/// True if the file now bypasses the page cache.
bool set_direct(int32_t descriptor) {
    const int flags = fcntl(descriptor, F_GETFL);
    return flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_DIRECT) == 0;
}

}  // namespace

Error error_of_errno(int32_t error) {
    Errc code = Errc::io_failed;
    if (error == ENOENT) {
        code = Errc::not_found;
    } else if (error == EEXIST) {
        code = Errc::exists;
    } else if (error == ENOSPC || error == EDQUOT) {
        code = Errc::no_space;
    }
    return Error{.code = code, .os_errno = error};
}

DirectAlignment direct_alignment(int32_t descriptor) {
    DirectAlignment alignment;
    struct statx status{};
    if (::statx(descriptor, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) == 0 &&
        (status.stx_mask & STATX_DIOALIGN) != 0) {
        alignment.supported = status.stx_dio_offset_align != 0;
        alignment.offset_bytes = status.stx_dio_offset_align;
        alignment.memory_bytes = status.stx_dio_mem_align;
    }
    alignment.physical_bytes =
        physical_block_bytes(gnu_dev_makedev(status.stx_dev_major, status.stx_dev_minor));
    return alignment;
}

Result<OpenedFile> PosixFileSystem::open(const std::string& path, OpenOptions options) {
    int flags = O_CLOEXEC | (options.write ? O_RDWR : O_RDONLY);
    flags |= options.create ? O_CREAT : 0;
    flags |= options.create && options.exclusive ? O_EXCL : 0;
    OpenedFile opened;
    opened.descriptor = ::open(path.c_str(), flags, 0644);
    if (opened.descriptor < 0) {
        return failed(errno);
    }
    struct stat status{};
    if (fstat(opened.descriptor, &status) != 0) {
        const int32_t error = errno;
        ::close(opened.descriptor);
        return failed(error);
    }
    opened.size_bytes = static_cast<uint64_t>(status.st_size);
    opened.block_bytes = kSmallestBlockBytes;
    if (options.direct) {
        // Not by O_DIRECT in open(): where it is refused, open() would have created the file before
        // it failed.
        const DirectAlignment alignment = direct_alignment(opened.descriptor);
        opened.direct = alignment.supported && set_direct(opened.descriptor);
        opened.block_bytes = std::max({kSmallestBlockBytes, alignment.offset_bytes,
                                       alignment.memory_bytes, alignment.physical_bytes});
    }
    return opened;
}

void PosixFileSystem::close(int32_t descriptor) {
    ::close(descriptor);
}

Result<uint64_t> PosixFileSystem::read(int32_t descriptor, Bytes to, uint64_t position) {
    uint64_t count = 0;
    while (count < to.size()) {
        const Bytes rest = to.subspan(count);
        const auto at = static_cast<off_t>(position + count);
        const ssize_t moved = pread(descriptor, rest.data(), rest.size(), at);
        if (moved < 0 && errno == EINTR) {
            continue;
        }
        if (moved < 0) {
            return failed(errno, at);
        }
        count += static_cast<uint64_t>(moved);
        // The end of the file, or a last part of it behind which a direct read cannot go on.
        if (moved == 0 || moved % 512 != 0) {
            break;
        }
    }
    return count;
}

Result<void> PosixFileSystem::write(int32_t descriptor, ByteView from, uint64_t position) {
    while (!from.empty()) {
        const auto at = static_cast<off_t>(position);
        const ssize_t moved = pwrite(descriptor, from.data(), from.size(), at);
        if (moved < 0 && errno == EINTR) {
            continue;
        }
        if (moved <= 0) {
            return failed(moved < 0 ? errno : EIO, at);
        }
        from = from.subspan(static_cast<size_t>(moved));
        position += static_cast<uint64_t>(moved);
    }
    return {};
}

Result<void> PosixFileSystem::sync_data(int32_t descriptor) {
    if (fdatasync(descriptor) != 0) {
        return failed(errno);
    }
    return {};
}

Result<void> PosixFileSystem::prewrite(int32_t descriptor, uint64_t from, uint64_t to) {
    // Reserving first keeps the blocks together, and a full disk says so before anything is
    // written.
    auto reserved = preallocate(descriptor, from, to);
    if (!reserved) {
        return reserved;
    }
    for (uint64_t position = from; position < to;) {
        const size_t length = std::min<uint64_t>(kZeroBytes, to - position);
        auto written = write(descriptor, ByteView(zeros).first(length), position);
        if (!written) {
            return written;
        }
        position += length;
    }
    return sync_data(descriptor);
}

Result<void> PosixFileSystem::preallocate(int32_t descriptor, uint64_t from, uint64_t to) {
    if (from >= to) {
        return {};
    }
    int result = 0;
    do {
        result = fallocate(descriptor, 0, static_cast<off_t>(from), static_cast<off_t>(to - from));
    } while (result != 0 && errno == EINTR);
    if (result == 0) {
        return {};
    }
    if (errno != EOPNOTSUPP && errno != ENOSYS) {
        return failed(errno);
    }
    struct stat status{};
    if (fstat(descriptor, &status) != 0) {
        return failed(errno);
    }
    return static_cast<uint64_t>(status.st_size) < to ? truncate(descriptor, to) : Result<void>{};
}

Result<void> PosixFileSystem::truncate(int32_t descriptor, uint64_t size_bytes) {
    if (ftruncate(descriptor, static_cast<off_t>(size_bytes)) != 0) {
        return failed(errno);
    }
    return {};
}

}  // namespace ringlog::io
