// The raw device: the journal's exact write pattern and nothing else. One file whose blocks have
// all been written before, opened O_DIRECT, sequential writes that are multiples of 4 KiB, one in
// flight, through a ring with DEFER_TASKRUN that waits in the kernel (a spinning thread delays
// direct-I/O completions). Blocking; the calling thread owns the object.
#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/histogram.h"
#include "bench/fd.h"

namespace ringlog::bench {

constexpr size_t kDeviceBlockBytes = 4096;

/// What a completed write survives: see docs/benchmarks.md, "Rungs".
enum class Rung : uint8_t { power, crash };

class DeviceFile {
public:
    /// Creates `path` and writes `file_bytes` (a multiple of 1 MiB) of it, then syncs. Errors:
    /// io_failed (O_DIRECT refused, no space, no io_uring), invalid_argument.
    static Result<std::unique_ptr<DeviceFile>> create(const std::string& path, uint64_t file_bytes);

    /// Closes and removes the file.
    ~DeviceFile();
    DeviceFile(const DeviceFile&) = delete;
    DeviceFile& operator=(const DeviceFile&) = delete;

    /// Writes the next `bytes` (a multiple of a block, at most 1 MiB) and waits until the rung
    /// holds; starts over at the file's end. Errors: io_failed, short_write.
    Result<void> write_next(size_t bytes, Rung rung);

    /// The buffer that write_next() writes from, for a server that receives into it.
    [[nodiscard]] std::byte* buffer() { return buffer_; }

private:
    DeviceFile(Fd fd, std::string path, uint64_t file_bytes);
    Result<void> prewrite();
    Result<void> open_ring();

    Fd fd_;
    std::string path_;
    uint64_t file_bytes_;
    uint64_t position_ = 0;
    std::byte* buffer_ = nullptr;
    io_uring ring_{};
    bool ring_open_ = false;
};

struct DeviceReport {
    Histogram write_ns;
    double seconds = 0;
    int64_t cpu_ns = 0;  ///< Of the calling thread.
};

/// Writes for `seconds`, after a tenth of that unmeasured.
Result<DeviceReport> run_device(DeviceFile& file, size_t bytes, Rung rung, double seconds);

}  // namespace ringlog::bench
