#include "bench/device_loop.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <time.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/clock.h"
#include "base/random.h"

namespace ringlog::bench {
namespace {

constexpr size_t kWriteBytesMax = size_t{1} << 20;
constexpr unsigned kRingEntries = 8;

int64_t thread_cpu_ns() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * kSecondNs + time.tv_nsec;
}

}  // namespace

Result<std::unique_ptr<DeviceFile>> DeviceFile::create(const std::string& path,
                                                       uint64_t file_bytes) {
    if (file_bytes == 0 || file_bytes % kWriteBytesMax != 0) {
        return fail(Errc::invalid_argument);
    }
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_DIRECT | O_CLOEXEC, 0644));
    if (!fd.valid()) {
        return fail(Errc::io_failed, errno);
    }
    std::unique_ptr<DeviceFile> file(new DeviceFile(std::move(fd), path, file_bytes));
    if (auto done = file->prewrite(); !done) {
        return fail(done.error());
    }
    if (auto done = file->open_ring(); !done) {
        return fail(done.error());
    }
    return file;
}

DeviceFile::DeviceFile(Fd fd, std::string path, uint64_t file_bytes)
    : fd_(std::move(fd)),
      path_(std::move(path)),
      file_bytes_(file_bytes),
      buffer_(static_cast<std::byte*>(std::aligned_alloc(kDeviceBlockBytes, kWriteBytesMax))) {
    Random random(1);
    for (size_t at = 0; at < kWriteBytesMax; at += sizeof(uint64_t)) {
        const uint64_t bits = random.next();
        std::memcpy(buffer_ + at, &bits, sizeof(bits));
    }
}

DeviceFile::~DeviceFile() {
    if (ring_open_) {
        ::io_uring_queue_exit(&ring_);
    }
    ::unlink(path_.c_str());
    std::free(buffer_);
}

Result<void> DeviceFile::prewrite() {
    for (uint64_t position = 0; position < file_bytes_; position += kWriteBytesMax) {
        const ssize_t written =
            ::pwrite(fd_.get(), buffer_, kWriteBytesMax, static_cast<off_t>(position));
        if (written != static_cast<ssize_t>(kWriteBytesMax)) {
            return written < 0 ? fail(Errc::io_failed, errno) : fail(Errc::short_write);
        }
    }
    if (::fsync(fd_.get()) != 0) {
        return fail(Errc::io_failed, errno);
    }
    return {};
}

Result<void> DeviceFile::open_ring() {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    int done = ::io_uring_queue_init_params(kRingEntries, &ring_, &params);
    if (done == -EINVAL) {  // before Linux 6.1
        params = {};
        done = ::io_uring_queue_init_params(kRingEntries, &ring_, &params);
    }
    if (done < 0) {
        return fail(Errc::io_failed, -done);
    }
    ring_open_ = true;
    const int fd = fd_.get();
    const iovec buffer{.iov_base = buffer_, .iov_len = kWriteBytesMax};
    done = ::io_uring_register_files(&ring_, &fd, 1);
    if (done == 0) {
        done = ::io_uring_register_buffers(&ring_, &buffer, 1);
    }
    if (done < 0) {
        return fail(Errc::io_failed, -done);
    }
    return {};
}

Result<void> DeviceFile::write_next(size_t bytes, Rung rung) {
    if (position_ + bytes > file_bytes_) {
        position_ = 0;
    }
    io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_write_fixed(sqe, 0, buffer_, static_cast<unsigned>(bytes), position_, 0);
    sqe->flags |= IOSQE_FIXED_FILE;
    sqe->rw_flags = rung == Rung::power ? RWF_DSYNC : 0;
    position_ += bytes;
    int done = 0;
    do {
        done = ::io_uring_submit_and_wait(&ring_, 1);
    } while (done == -EINTR);
    io_uring_cqe* cqe = nullptr;
    if (done < 0 || ::io_uring_wait_cqe(&ring_, &cqe) < 0) {
        return fail(Errc::io_failed, -done);
    }
    const int written = cqe->res;
    ::io_uring_cqe_seen(&ring_, cqe);
    if (written != static_cast<int>(bytes)) {
        return written < 0 ? fail(Errc::io_failed, -written) : fail(Errc::short_write);
    }
    return {};
}

Result<DeviceReport> run_device(DeviceFile& file, size_t bytes, Rung rung, double seconds) {
    const SystemClock clock;
    DeviceReport report;
    const auto window_ns = static_cast<int64_t>(seconds * static_cast<double>(kSecondNs));
    const MonotonicNs measure_ns = clock.monotonic_ns() + window_ns / 10;
    const MonotonicNs end_ns = measure_ns + window_ns;
    int64_t cpu_from_ns = 0;
    MonotonicNs before = clock.monotonic_ns();
    while (before < end_ns) {
        const bool measured = before >= measure_ns;
        if (measured && cpu_from_ns == 0) {
            cpu_from_ns = thread_cpu_ns();
        }
        if (auto written = file.write_next(bytes, rung); !written) {
            return fail(written.error());
        }
        const MonotonicNs after = clock.monotonic_ns();
        if (measured) {
            report.write_ns.record(static_cast<uint64_t>(after - before));
        }
        before = after;
    }
    report.seconds = static_cast<double>(before - measure_ns) / kSecondNs;
    report.cpu_ns = thread_cpu_ns() - cpu_from_ns;
    return report;
}

}  // namespace ringlog::bench
