#include "tests/crash/recorder.h"

#include <cerrno>
#include <utility>

#include "base/assert.h"

namespace ringlog::crash {

std::string RecordingFiles::relative(const std::string& path) const {
    RL_ASSERT(path.starts_with(root_), "{} is not below {}", path, root_);
    return path.substr(root_.size());
}

Result<void> RecordingFiles::record(Event event, const std::function<Result<void>()>& call) {
    const std::lock_guard guard(trace_.mutex());
    Result<void> done = call();
    if (done) {
        trace_.add_locked(std::move(event));
    }
    return done;
}

Result<io::OpenedFile> RecordingFiles::open(const std::string& path, io::OpenOptions options) {
    const std::lock_guard guard(trace_.mutex());
    auto opened = below_.open(path, options);
    if (opened) {
        trace_.add_locked({.kind = EventKind::open,
                           .create = options.create,
                           .descriptor = opened->descriptor,
                           .path = relative(path)});
    }
    return opened;
}

void RecordingFiles::close(int32_t descriptor) {
    const std::lock_guard guard(trace_.mutex());
    trace_.add_locked({.kind = EventKind::close, .descriptor = descriptor});
    below_.close(descriptor);
}

Result<uint64_t> RecordingFiles::read(int32_t descriptor, Bytes to, uint64_t position) {
    return below_.read(descriptor, to, position);
}

Result<void> RecordingFiles::write(int32_t descriptor, ByteView from, uint64_t position) {
    if (refusals_.full) {
        return fail(Errc::no_space, ENOSPC);
    }
    return record({.kind = EventKind::file_write,
                   .descriptor = descriptor,
                   .position = position,
                   .bytes = {from.begin(), from.end()}},
                  [&] { return below_.write(descriptor, from, position); });
}

Result<void> RecordingFiles::sync_data(int32_t descriptor) {
    return record({.kind = EventKind::file_sync, .descriptor = descriptor},
                  [&] { return below_.sync_data(descriptor); });
}

Result<void> RecordingFiles::prewrite(int32_t descriptor, uint64_t from, uint64_t to) {
    if (refusals_.full) {
        return fail(Errc::no_space, ENOSPC);
    }
    Event event{.kind = EventKind::prewrite_begun,
                .descriptor = descriptor,
                .position = from,
                .length = to - from};
    trace_.add(event);
    event.kind = EventKind::prewrite_done;
    return record(std::move(event), [&] { return below_.prewrite(descriptor, from, to); });
}

Result<void> RecordingFiles::preallocate(int32_t descriptor, uint64_t from, uint64_t to) {
    if (refusals_.full) {
        return fail(Errc::no_space, ENOSPC);
    }
    return record({.kind = EventKind::preallocate,
                   .descriptor = descriptor,
                   .position = from,
                   .length = to - from},
                  [&] { return below_.preallocate(descriptor, from, to); });
}

Result<void> RecordingFiles::truncate(int32_t descriptor, uint64_t size_bytes) {
    return record({.kind = EventKind::truncate, .descriptor = descriptor, .length = size_bytes},
                  [&] { return below_.truncate(descriptor, size_bytes); });
}

Result<void> RecordingFiles::make_directory(const std::string& path) {
    return record({.kind = EventKind::make_directory, .path = relative(path)},
                  [&] { return below_.make_directory(path); });
}

Result<void> RecordingFiles::rename(const std::string& from, const std::string& to) {
    return record({.kind = EventKind::rename, .path = relative(from), .target = relative(to)},
                  [&] { return below_.rename(from, to); });
}

Result<void> RecordingFiles::remove(const std::string& path) {
    return record({.kind = EventKind::remove, .path = relative(path)},
                  [&] { return below_.remove(path); });
}

Result<std::vector<io::DirectoryEntry>> RecordingFiles::list(const std::string& path) {
    return below_.list(path);
}

Result<void> RecordingFiles::sync_directory(const std::string& path) {
    return record({.kind = EventKind::sync_directory, .path = relative(path)},
                  [&] { return below_.sync_directory(path); });
}

Result<void> RecordingFiles::sync_file_system(const std::string& path) {
    return record({.kind = EventKind::sync_file_system},
                  [&] { return below_.sync_file_system(path); });
}

Result<io::Space> RecordingFiles::space(const std::string& path) {
    auto space = below_.space(path);
    if (space && refusals_.full) {
        space->free_bytes = 0;
    }
    return space;
}

Result<std::unique_ptr<io::DirectoryLock>> RecordingFiles::lock(const std::string& path) {
    const std::lock_guard guard(trace_.mutex());
    auto lock = below_.lock(path);
    if (lock) {
        // The name that it leaves; its descriptor is nobody's here.
        trace_.add_locked({.kind = EventKind::open, .create = true, .path = relative(path)});
    }
    return lock;
}

std::unique_ptr<RecordingBackend::Stand> RecordingBackend::take_stand() {
    if (free_.empty()) {
        return std::make_unique<Stand>();
    }
    auto stand = std::move(free_.back());
    free_.pop_back();
    return stand;
}

void RecordingBackend::submit(io::Op& op) {
    auto stand = take_stand();
    static_cast<io::Op&>(*stand) = op;
    stand->asked = &op;
    stand->recorder = this;
    stand->done = completed;
    stand->backend_data = 0;
    stand->operation = 0;
    op.backend_data = 1;
    const bool write = op.kind == io::Op::Kind::write;
    if (write || op.kind == io::Op::Kind::flush) {
        const std::lock_guard guard(trace_.mutex());
        stand->operation = trace_.next_operation();
        Event event{
            .kind = write ? EventKind::write_submitted : EventKind::flush_submitted,
            .flushed = op.flushed,
            .descriptor = descriptors_.at(op.handle),
            .operation = stand->operation,
            .position = op.position,
        };
        if (write) {
            event.bytes.assign(op.data, op.data + op.length);
        }
        trace_.add_locked(std::move(event));
    }
    Stand& submitted = *stand;
    stands_.emplace(&op, std::move(stand));
    below_.submit(submitted);
}

void RecordingBackend::completed(io::Op& op, const io::Completion& completion) {
    auto& stand = static_cast<Stand&>(op);
    io::Op& asked = *stand.asked;
    RecordingBackend& self = *stand.recorder;
    if (stand.operation != 0) {
        self.trace_.add({.kind = op.kind == io::Op::Kind::write ? EventKind::write_completed
                                                                : EventKind::flush_completed,
                         .operation = stand.operation,
                         .result = completion.result});
    }
    if (!completion.more) {
        const auto found = self.stands_.find(&asked);
        self.free_.push_back(std::move(found->second));
        self.stands_.erase(found);
        asked.backend_data = 0;
    }
    asked.done(asked, completion);
}

void RecordingBackend::cancel(io::Op& op) {
    const auto found = stands_.find(&op);
    RL_ASSERT(found != stands_.end(), "not submitted");
    below_.cancel(*found->second);
}

Result<io::Handle> RecordingBackend::attach(int32_t descriptor) {
    auto handle = below_.attach(descriptor);
    if (handle) {
        descriptors_[*handle] = descriptor;
    }
    return handle;
}

int32_t RecordingBackend::detach(io::Handle handle) {
    descriptors_.erase(handle);
    return below_.detach(handle);
}

void RecordingBackend::close(io::Handle handle) {
    const std::lock_guard guard(trace_.mutex());
    trace_.add_locked({.kind = EventKind::close, .descriptor = descriptors_.at(handle)});
    descriptors_.erase(handle);
    below_.close(handle);
}

}  // namespace ringlog::crash
