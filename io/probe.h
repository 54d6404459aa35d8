// What the kernel, the file system and the limits of this process offer: for `ringlog version
// --probe` and for the tuner. Plain thread; blocks; leaves nothing behind.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ringlog::io {

struct UringProbe {
    bool allowed = false;
    int32_t os_errno = 0;  ///< Why not.
    uint32_t features = 0;
    uint32_t last_operation = 0;
    std::vector<std::string> names;  ///< Of the features.
};

struct DirectoryProbe {
    std::string path;
    int32_t os_errno = 0;     ///< Not 0: the directory cannot be used, and nothing below is known.
    std::string file_system;  ///< "ext4", "xfs", ... or its number.
    bool direct = false;      ///< O_DIRECT is possible.
    uint32_t offset_alignment_bytes = 0;
    uint32_t memory_alignment_bytes = 0;
    uint32_t block_bytes = 0;  ///< What our direct I/O is aligned to.
};

/// The block device under a directory, as sysfs tells; `name` is empty where there is none
/// (overlay, network, memory).
struct DeviceProbe {
    std::string name;
    uint32_t logical_block_bytes = 0;
    uint32_t physical_block_bytes = 0;
    bool write_cache = false;  ///< Volatile: a flushed write needs FUA or a flush.
    bool fua = false;
    uint32_t queue_depth = 0;
    std::string scheduler;
};

struct ProcessProbe {
    uint64_t locked_memory_bytes = 0;  ///< RLIMIT_MEMLOCK; UINT64_MAX: no limit.
    uint64_t open_files = 0;           ///< RLIMIT_NOFILE.
    uint32_t cpus = 0;
    std::string congestion_control;  ///< The default of new sockets.
    bool cubic = false;              ///< It can be chosen.
};

struct IoProbe {
    std::string kernel;  ///< "6.1.0-18-amd64"
    UringProbe uring;
    DirectoryProbe directory;
    DeviceProbe device;
    ProcessProbe process;
};

IoProbe probe_io(const std::string& directory);

/// One line per finding, "io_uring: allowed, 62 operations: ...", for people.
std::vector<std::string> probe_lines(const IoProbe& probe);

}  // namespace ringlog::io
