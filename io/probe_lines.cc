// What a probe found, in words. See io/probe.h.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "io/probe.h"

namespace ringlog::io {

namespace {

std::string uring_line(const UringProbe& uring) {
    if (!uring.allowed) {
        return fmt::format("io_uring: not available ({}); epoll is used",
                           describe(Error{Errc::io_failed, uring.os_errno}));
    }
    return fmt::format("io_uring: available, operations up to {}, features {}",
                       uring.last_operation, fmt::join(uring.names, " "));
}

std::string directory_line(const DirectoryProbe& directory) {
    if (directory.os_errno != 0) {
        return fmt::format("directory {}: cannot be used ({})", directory.path,
                           describe(Error{Errc::io_failed, directory.os_errno}));
    }
    const std::string alignment =
        directory.offset_alignment_bytes == 0
            ? "alignment not told"
            : fmt::format("alignment {} in the file, {} in memory",
                          directory.offset_alignment_bytes, directory.memory_alignment_bytes);
    return fmt::format("directory {}: {}, direct I/O {} ({}), blocks of {}", directory.path,
                       directory.file_system, directory.direct ? "yes" : "refused", alignment,
                       directory.block_bytes);
}

/// What the kernel makes of one flushed write to blocks that were written before.
std::string_view flushed_write(const DeviceProbe& device) {
    if (!device.write_cache) {
        return "a plain write (no volatile cache)";
    }
    return device.fua ? "one FUA write" : "a write and a flush";
}

std::string device_line(const DeviceProbe& device) {
    if (device.name.empty()) {
        return "device: none found under the directory";
    }
    return fmt::format(
        "device {}: blocks {} logical, {} physical; a flushed write is {}; queue of {}, scheduler "
        "{}",
        device.name, device.logical_block_bytes, device.physical_block_bytes, flushed_write(device),
        device.queue_depth, device.scheduler);
}

std::string limit_text(uint64_t limit) {
    return limit == UINT64_MAX ? "unlimited" : std::to_string(limit);
}

}  // namespace

std::vector<std::string> probe_lines(const IoProbe& probe) {
    const ProcessProbe& process = probe.process;
    return {
        fmt::format("kernel: {}", probe.kernel),
        uring_line(probe.uring),
        directory_line(probe.directory),
        device_line(probe.device),
        fmt::format("limits: {} bytes of locked memory, {} open files, {} CPUs",
                    limit_text(process.locked_memory_bytes), limit_text(process.open_files),
                    process.cpus),
        fmt::format("network: congestion control {}, cubic {}", process.congestion_control,
                    process.cubic ? "can be chosen" : "cannot be chosen"),
    };
}

}  // namespace ringlog::io
