// See io/probe.h. The lines for people are in probe_lines.cc.
#include "io/probe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

#include "io/posix_file_system.h"
#include "io/runtime.h"
#include "io/uring_ring.h"

namespace ringlog::io {

namespace {

constexpr std::array<std::pair<uint32_t, std::string_view>, 16> kFeatures = {{
    {IORING_FEAT_SINGLE_MMAP, "single_mmap"},
    {IORING_FEAT_NODROP, "nodrop"},
    {IORING_FEAT_SUBMIT_STABLE, "submit_stable"},
    {IORING_FEAT_RW_CUR_POS, "rw_cur_pos"},
    {IORING_FEAT_CUR_PERSONALITY, "cur_personality"},
    {IORING_FEAT_FAST_POLL, "fast_poll"},
    {IORING_FEAT_POLL_32BITS, "poll_32bits"},
    {IORING_FEAT_SQPOLL_NONFIXED, "sqpoll_nonfixed"},
    {IORING_FEAT_EXT_ARG, "ext_arg"},
    {IORING_FEAT_NATIVE_WORKERS, "native_workers"},
    {IORING_FEAT_RSRC_TAGS, "rsrc_tags"},
    {IORING_FEAT_CQE_SKIP, "cqe_skip"},
    {IORING_FEAT_LINKED_FILE, "linked_file"},
    {uring::kFeatRegisteredRing, "registered_ring"},
    {uring::kFeatBundles, "bundles"},
    {uring::kFeatMinTimeout, "min_timeout"},
}};

constexpr std::array<std::pair<uint32_t, std::string_view>, 8> kFileSystems = {{
    {0xEF53, "ext4"},
    {0x58465342, "xfs"},
    {0x9123683E, "btrfs"},
    {0x01021994, "tmpfs"},
    {0x794C7630, "overlay"},
    {0x6969, "nfs"},
    {0x2FC12FC1, "zfs"},
    {0x65735546, "fuse"},
}};

UringProbe probe_uring() {
    UringProbe probe;
    const auto ring = UringRing::create(UringSizes{.submissions = 4, .completions = 8});
    if (!ring) {
        probe.os_errno = ring.error().os_errno;
        return probe;
    }
    probe.allowed = true;
    probe.features = (*ring)->raw()->features;
    for (const auto& [bit, name] : kFeatures) {
        if ((probe.features & bit) != 0) {
            probe.names.emplace_back(name);
        }
    }
    io_uring_probe* operations = io_uring_get_probe_ring((*ring)->raw());
    if (operations != nullptr) {
        probe.last_operation = operations->last_op;
        io_uring_free_probe(operations);
    }
    return probe;
}

/// The first line of a file; empty if it cannot be read.
std::string line_in(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

uint32_t number_in(const std::filesystem::path& path) {
    std::ifstream file(path);
    uint32_t value = 0;
    file >> value;
    return value;
}

DirectoryProbe probe_directory(const std::string& path) {
    DirectoryProbe probe;
    probe.path = path;
    struct statfs status{};
    const int file = ::open(path.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0 || fstatfs(file, &status) != 0) {
        probe.os_errno = errno;
        return probe;
    }
    const auto type = static_cast<uint32_t>(status.f_type);
    const auto* known =
        std::ranges::find(kFileSystems, type, &std::pair<uint32_t, std::string_view>::first);
    probe.file_system =
        known != kFileSystems.end() ? std::string(known->second) : fmt::format("{:#x}", type);
    const DirectAlignment alignment = direct_alignment(file);
    probe.direct =
        alignment.supported && fcntl(file, F_SETFL, fcntl(file, F_GETFL) | O_DIRECT) == 0;
    probe.offset_alignment_bytes = alignment.offset_bytes;
    probe.memory_alignment_bytes = alignment.memory_bytes;
    probe.block_bytes =
        std::max({4096U, alignment.offset_bytes, alignment.memory_bytes, alignment.physical_bytes});
    ::close(file);
    return probe;
}

/// "[none] mq-deadline" says "none".
std::string chosen(const std::string& line) {
    const size_t open = line.find('[');
    const size_t close = line.find(']');
    return open == std::string::npos || close == std::string::npos
               ? line
               : line.substr(open + 1, close - open - 1);
}

DeviceProbe probe_device(const std::string& directory) {
    DeviceProbe probe;
    struct stat status{};
    if (stat(directory.c_str(), &status) != 0) {
        return probe;
    }
    std::error_code error;
    std::filesystem::path device =
        std::filesystem::canonical(fmt::format("/sys/dev/block/{}:{}", gnu_dev_major(status.st_dev),
                                               gnu_dev_minor(status.st_dev)),
                                   error);
    if (error) {
        return probe;
    }
    if (!std::filesystem::exists(device / "queue", error)) {
        device = device.parent_path();  // A partition: its disk has the queue.
    }
    const std::filesystem::path queue = device / "queue";
    probe.name = device.filename();
    probe.logical_block_bytes = number_in(queue / "logical_block_size");
    probe.physical_block_bytes = number_in(queue / "physical_block_size");
    probe.write_cache = line_in(queue / "write_cache") == "write back";
    probe.fua = number_in(queue / "fua") == 1;
    probe.queue_depth = number_in(queue / "nr_requests");
    probe.scheduler = chosen(line_in(queue / "scheduler"));
    return probe;
}

uint64_t limit_of(__rlimit_resource_t resource) {
    rlimit limit{};
    getrlimit(resource, &limit);
    return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

ProcessProbe probe_process() {
    ProcessProbe probe;
    probe.locked_memory_bytes = limit_of(RLIMIT_MEMLOCK);
    probe.open_files = limit_of(RLIMIT_NOFILE);
    probe.cpus = static_cast<uint32_t>(allowed_cpus().size());
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket >= 0) {
        std::array<char, 32> name{};
        socklen_t length = name.size() - 1;
        getsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name.data(), &length);
        probe.congestion_control = name.data();
        constexpr std::string_view kCubic = "cubic";
        probe.cubic =
            setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, kCubic.data(), kCubic.size()) == 0;
        ::close(socket);
    }
    return probe;
}

}  // namespace

IoProbe probe_io(const std::string& directory) {
    utsname name{};
    uname(&name);
    return IoProbe{.kernel = name.release,
                   .uring = probe_uring(),
                   .directory = probe_directory(directory),
                   .device = probe_device(directory),
                   .process = probe_process()};
}

}  // namespace ringlog::io
