#include "tests/crash/machine.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/assert.h"

namespace ringlog::crash {
namespace {

io::Task<void> run_and_note(io::Task<void> body, bool& ended) {
    co_await std::move(body);
    ended = true;
}

struct Outcome {
    io::TaskGroup tasks;
    bool ended = false;
};

}  // namespace

void ImageBackend::submit(io::Op& op) {
    op.backend_data = 1;
    const auto file = descriptors_.file(op.handle);
    RL_ASSERT(file != nullptr, "handle {} is no open file", op.handle);
    queued_.push_back({.op = &op, .sync_to = file->inode->file.mark()});
}

int32_t ImageBackend::perform(const Queued& queued) {
    io::Op& op = *queued.op;
    const auto file = descriptors_.file(op.handle);
    switch (op.kind) {
        case io::Op::Kind::read:
            return static_cast<int32_t>(file->inode->file.read({op.data, op.length}, op.position));
        case io::Op::Kind::write: {
            auto landed = disk_.land_write(file->inode, op.position, {op.data, op.length},
                                           op.flushed, simulation::DiskEffect::none);
            return landed ? static_cast<int32_t>(*landed) : -ENOSPC;
        }
        case io::Op::Kind::flush:
            (void)disk_.land_sync(file->inode, queued.sync_to, simulation::DiskEffect::none);
            return 0;
        default: return -EINVAL;
    }
}

uint32_t ImageBackend::poll(MonotonicNs /*deadline*/) {
    uint32_t count = 0;
    std::vector<Queued> due = std::exchange(queued_, {});
    for (const Queued& queued : due) {
        if (!in_order_ && random_.chance(1, 2)) {
            queued_.push_back(queued);
            continue;
        }
        const int32_t result = perform(queued);
        queued.op->backend_data = 0;
        queued.op->done(*queued.op, {.result = result});
        ++count;
    }
    return count;
}

Result<io::Handle> ImageBackend::attach(int32_t descriptor) {
    if (!descriptors_.file(descriptor)) {
        return fail(Errc::io_failed, EBADF);
    }
    return descriptor;
}

ImageMachine::ImageMachine(simulation::SimDisk& disk, const ImageOptions& options)
    : options_(options),
      files_below_(disk, descriptors_,
                   [](std::string_view, uint64_t, uint64_t, uint64_t, int64_t) {}) {
    io::FileSystem* files = &files_below_;
    if (options_.trace != nullptr) {
        recording_files_ =
            std::make_unique<RecordingFiles>(files_below_, "", *options_.trace, *options_.refusals);
        files = recording_files_.get();
    }
    mesh_ = options_.cores > 1 ? std::make_unique<io::Mesh>(options_.cores) : nullptr;
    for (uint16_t core = 0; core < options_.cores; ++core) {
        below_.push_back(std::make_unique<ImageBackend>(
            disk, descriptors_, options_.seed == 0 ? 0 : options_.seed + core));
        io::Backend* backend = below_.back().get();
        if (options_.trace != nullptr) {
            recording_backends_.push_back(
                std::make_unique<RecordingBackend>(*backend, *options_.trace));
            backend = recording_backends_.back().get();
        }
        reactors_.push_back(
            std::make_unique<io::Reactor>(io::ReactorParts{.backend = *backend,
                                                           .helpers = helpers_,
                                                           .files = *files,
                                                           .network = network_,
                                                           .clock = clock_,
                                                           .mesh = mesh_.get(),
                                                           .core = io::CoreId(core),
                                                           .seed = options_.seed + core + 1}));
    }
}

ImageMachine::~ImageMachine() = default;

bool ImageMachine::turn_all() {
    bool worked = false;
    for (size_t core = 0; core < reactors_.size(); ++core) {
        worked |= reactors_[core]->turn(false) || below_[core]->has_work();
    }
    return worked;
}

bool ImageMachine::run(const Body& body) {
    // What never ends is never destroyed.
    auto outcome = std::make_unique<Outcome>();
    bool& ended = outcome->ended;
    outcome->tasks.spawn(run_and_note(body(*reactors_[0]), ended));
    for (uint64_t turn = 0; turn < options_.turns_max && !ended; ++turn) {
        if (turn_all()) {
            clock_.now += kMicrosecondNs;
            continue;
        }
        MonotonicNs next = INT64_MAX;
        for (const auto& reactor : reactors_) {
            next = std::min(next, reactor->timers().next_deadline());
        }
        if (next == INT64_MAX) {
            break;
        }
        clock_.now = std::max(next, clock_.now);
    }
    if (!ended) {
        (void)outcome.release();
        return false;
    }
    return true;
}

}  // namespace ringlog::crash
