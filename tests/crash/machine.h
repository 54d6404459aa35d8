// Something that runs the product's code: reactors over the kernel (RealMachine), or over the files
// of an image, in one thread and in no time (ImageMachine). Both can record. Explained in
// tests/crash/README.md.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "io/mesh.h"
#include "io/reactor.h"
#include "io/runtime.h"
#include "io/task.h"
#include "tests/crash/recorder.h"
#include "tests/simulation/sim_file_system.h"

namespace ringlog::crash {

using Body = std::function<io::Task<void>(io::Reactor&)>;

class Machine {
public:
    virtual ~Machine() = default;
    /// Runs `body` on core 0 until it has ended and nothing else runs. Once per machine. False if
    /// it never ended: everything waits for nothing.
    virtual bool run(const Body& body) = 0;
    /// Where the data directory is to be: absolute, below what is recorded.
    [[nodiscard]] virtual std::string directory() const = 0;
    [[nodiscard]] virtual std::string name() const = 0;
};

struct RealOptions {
    io::IoChoice io = io::IoChoice::automatic;
    uint16_t cores = 1;
    std::string root;  ///< An existing directory; the data directory is `<root>/data`.
};

/// The product's own backends, helpers and file system, with a recorder in between.
class RealMachine final : public Machine {
public:
    RealMachine(RealOptions options, Trace& trace, Refusals& refusals);
    ~RealMachine() override;
    bool run(const Body& body) override;
    [[nodiscard]] std::string directory() const override { return options_.root + "/data"; }
    [[nodiscard]] std::string name() const override { return std::string(below_.front()->name()); }

private:
    RealOptions options_;
    SystemClock clock_;
    io::PosixFileSystem files_below_;
    io::PosixNetwork network_;
    RecordingFiles files_;
    io::Mesh mesh_;
    std::vector<std::unique_ptr<io::Backend>> below_;
    std::vector<std::unique_ptr<RecordingBackend>> backends_;
    std::vector<std::unique_ptr<io::Reactor>> reactors_;
    std::unique_ptr<io::HelperThreads> helpers_;
};

/// Time that goes on only when everything waits for it.
class ImageClock final : public Clock {
public:
    [[nodiscard]] MonotonicNs monotonic_ns() const override { return now; }
    [[nodiscard]] WallMs wall_ms() const override {
        return 1'700'000'000'000 + now / kMillisecondNs;
    }
    MonotonicNs now = kSecondNs;
};

/// A backend of files alone: operations happen at the next poll, or, given a seed, in any order and
/// some polls later.
class ImageBackend final : public io::Backend {
public:
    ImageBackend(simulation::SimDisk& disk, simulation::Descriptors& descriptors, uint64_t seed)
        : disk_(disk), descriptors_(descriptors), random_(seed), in_order_(seed == 0) {}

    void submit(io::Op& op) override;
    void cancel(io::Op& /*op*/) override {}
    uint32_t poll(MonotonicNs deadline) override;
    void wake() override {}
    Result<io::Handle> attach(int32_t descriptor) override;
    int32_t detach(io::Handle handle) override { return handle; }
    void close(io::Handle handle) override { descriptors_.remove(handle); }
    int16_t register_memory(Bytes /*memory*/) override { return -1; }
    [[nodiscard]] uint32_t file_ops_in_flight() const override {
        return static_cast<uint32_t>(queued_.size());
    }
    [[nodiscard]] std::string_view name() const override { return "simulated"; }
    [[nodiscard]] bool has_work() const { return !queued_.empty(); }

private:
    struct Queued {
        io::Op* op;
        simulation::Mark sync_to;  ///< flush: what had completed when it was submitted.
    };
    int32_t perform(const Queued& queued);

    simulation::SimDisk& disk_;
    simulation::Descriptors& descriptors_;
    Random random_;
    bool in_order_;
    std::vector<Queued> queued_;
};

/// Runs blocking calls at once.
class ImageHelpers final : public io::Helpers {
public:
    void run(io::Reactor& home, io::BlockingCall& call) override {
        call.run();
        home.blocking_call_done(call);
    }
};

struct ImageOptions {
    uint16_t cores = 1;
    uint64_t seed = 0;             ///< 0: operations complete in order, at once.
    Trace* trace = nullptr;        ///< Null: not recorded.
    Refusals* refusals = nullptr;  ///< With a trace.
    uint64_t turns_max = 2'000'000;
};

class ImageMachine final : public Machine {
public:
    ImageMachine(simulation::SimDisk& disk, const ImageOptions& options);
    ~ImageMachine() override;
    bool run(const Body& body) override;
    [[nodiscard]] std::string directory() const override { return "/data"; }
    [[nodiscard]] std::string name() const override { return "simulated"; }

private:
    bool turn_all();

    ImageOptions options_;
    ImageClock clock_;
    simulation::Descriptors descriptors_;
    simulation::SimFileSystem files_below_;
    std::unique_ptr<RecordingFiles> recording_files_;
    io::PosixNetwork network_;
    ImageHelpers helpers_;
    std::unique_ptr<io::Mesh> mesh_;
    std::vector<std::unique_ptr<ImageBackend>> below_;
    std::vector<std::unique_ptr<RecordingBackend>> recording_backends_;
    std::vector<std::unique_ptr<io::Reactor>> reactors_;
};

}  // namespace ringlog::crash
