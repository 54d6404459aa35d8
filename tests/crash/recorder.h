// The seams of io with a recorder in between: whatever stands below (the kernel, or a simulated
// disk), every change of a file or a name is written to a Trace. Explained in
// tests/crash/README.md.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/backend.h"
#include "io/file_system.h"
#include "tests/crash/trace.h"

namespace ringlog::crash {

/// What a disk is told to refuse, while it is told so. Thread safe.
struct Refusals {
    std::atomic<bool> full{false};  ///< Calls that need blocks fail with no_space; none are free.
};

/// Paths are recorded without `root`, which they begin with. Calls happen one at a time.
class RecordingFiles final : public io::FileSystem {
public:
    RecordingFiles(io::FileSystem& below, std::string root, Trace& trace, Refusals& refusals)
        : below_(below), root_(std::move(root)), trace_(trace), refusals_(refusals) {}

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
    [[nodiscard]] std::string relative(const std::string& path) const;
    /// Makes a call that changes something and, if it did, records it.
    Result<void> record(Event event, const std::function<Result<void>()>& call);

    io::FileSystem& below_;
    std::string root_;
    Trace& trace_;
    Refusals& refusals_;
};

/// One core's backend.
class RecordingBackend final : public io::Backend {
public:
    RecordingBackend(io::Backend& below, Trace& trace) : below_(below), trace_(trace) {}

    void submit(io::Op& op) override;
    void cancel(io::Op& op) override;
    uint32_t poll(MonotonicNs deadline) override { return below_.poll(deadline); }
    void wake() override { below_.wake(); }
    Result<io::Handle> attach(int32_t descriptor) override;
    int32_t detach(io::Handle handle) override;
    void close(io::Handle handle) override;
    int16_t register_memory(Bytes memory) override { return below_.register_memory(memory); }
    [[nodiscard]] uint32_t file_ops_in_flight() const override {
        return below_.file_ops_in_flight();
    }
    [[nodiscard]] std::string_view name() const override { return below_.name(); }

private:
    /// The operation that goes below in place of the caller's.
    struct Stand : io::Op {
        io::Op* asked = nullptr;
        RecordingBackend* recorder = nullptr;
        uint64_t operation = 0;
    };
    static void completed(io::Op& op, const io::Completion& completion);
    std::unique_ptr<Stand> take_stand();

    io::Backend& below_;
    Trace& trace_;
    std::map<io::Handle, int32_t> descriptors_;
    std::map<io::Op*, std::unique_ptr<Stand>> stands_;
    std::vector<std::unique_ptr<Stand>> free_;
};

}  // namespace ringlog::crash
