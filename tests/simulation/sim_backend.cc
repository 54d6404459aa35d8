#include "tests/simulation/sim_backend.h"

#include <algorithm>
#include <cerrno>

#include "base/assert.h"
#include "base/checksum.h"

namespace ringlog::simulation {
namespace {

/// backend_data of an operation that waits for the next poll(), and of one that waits for its
/// socket.
constexpr uint64_t kQueued = UINT64_MAX;
constexpr uint64_t kWatching = UINT64_MAX - 1;

bool is_file_op(const io::Op& op) {
    return op.kind == io::Op::Kind::read || op.kind == io::Op::Kind::write ||
           op.kind == io::Op::Kind::flush;
}

DiskOps counted_as(const io::Op& op) {
    switch (op.kind) {
        case io::Op::Kind::read: return kReads;
        case io::Op::Kind::write: return kWrites;
        default: return kFlushes;
    }
}

int32_t errno_of(const Error& error) {
    return error.os_errno != 0 ? error.os_errno : EIO;
}

}  // namespace

SimBackend::SimBackend(const BackendParts& parts)
    : time_(parts.time),
      events_(parts.events),
      trace_(parts.trace),
      disk_(parts.disk),
      network_(parts.network),
      descriptors_(parts.descriptors),
      host_(parts.host),
      life_(parts.life),
      core_(parts.core),
      random_(parts.seed),
      handle_limit_(parts.handle_limit),
      can_register_(random_.chance(3, 4)) {}

SimBackend::~SimBackend() {
    RL_ASSERT(flights_.empty() && queued_.empty(), "operations in flight");
    for (auto& [handle, slot] : slots_) {
        if (slot.socket && slot.socket->stream) {
            slot.socket->stream->on_change = nullptr;
        }
    }
}

SimBackend::Slot& SimBackend::slot(io::Handle handle) {
    const auto found = slots_.find(handle);
    RL_ASSERT(found != slots_.end(), "handle {} is not attached", handle);
    return found->second;
}

void SimBackend::submit(io::Op& op) {
    RL_ASSERT(op.backend_data == 0, "submitted twice");
    Slot& target = slot(op.handle);
    RL_ASSERT(is_file_op(op) ? target.file != nullptr : target.socket != nullptr);
    ++target.in_flight;
    file_ops_ += is_file_op(op) ? 1 : 0;
    op.backend_data = kQueued;
    queued_.push_back(&op);
}

void SimBackend::cancel(io::Op& op) {
    Slot& target = slot(op.handle);
    switch (op.kind) {
        case io::Op::Kind::receive:
        case io::Op::Kind::accept:
        case io::Op::Kind::send: {
            io::Op*& watching = op.kind == io::Op::Kind::receive  ? target.receive
                                : op.kind == io::Op::Kind::accept ? target.accept
                                                                  : target.send;
            if (watching == &op) {
                watching = nullptr;
                finish(op, {.result = -ECANCELED});
            } else if (std::erase(queued_, &op) > 0) {
                finish(op, {.result = -ECANCELED});
            }
            return;
        }
        case io::Op::Kind::connect:
            if (flights_.erase(op.backend_data) > 0) {
                finish(op, {.result = -ECANCELED});
            }
            return;
        case io::Op::Kind::read:
        case io::Op::Kind::write:
        case io::Op::Kind::flush:
            // Before the kernel has begun it can be stopped; afterwards it goes on as if nobody had
            // asked.
            if (random_.chance(1, 2) && std::erase(queued_, &op) > 0) {
                finish(op, {.result = -ECANCELED});
            }
            return;
    }
}

uint32_t SimBackend::poll(MonotonicNs /*deadline*/) {
    woken_ = false;
    for (io::Op* op : std::exchange(queued_, {})) {
        issue(*op);
    }
    return run_finished() + run_ready_handles();
}

Result<io::Handle> SimBackend::attach(int32_t descriptor) {
    if (slots_.size() >= handle_limit_) {
        return fail(Errc::limit_exceeded, EMFILE);
    }
    Slot added{.descriptor = descriptor,
               .file = descriptors_.file(descriptor),
               .socket = descriptors_.socket(descriptor)};
    if (!added.file && !added.socket) {
        return fail(Errc::io_failed, EBADF);
    }
    io::Handle handle = 0;
    while (slots_.contains(handle)) {
        ++handle;
    }
    slots_.emplace(handle, std::move(added));
    watch(handle);
    return handle;
}

int32_t SimBackend::detach(io::Handle handle) {
    Slot& target = slot(handle);
    RL_ASSERT(target.in_flight == 0, "{} operations of handle {} are in flight", target.in_flight,
              handle);
    if (target.socket && target.socket->stream) {
        target.socket->stream->on_change = nullptr;
    }
    if (target.socket && target.socket->listening) {
        target.socket->listening->on_change = nullptr;
    }
    const int32_t descriptor = target.descriptor;
    slots_.erase(handle);
    std::erase(ready_handles_, handle);
    return descriptor;
}

void SimBackend::close(io::Handle handle) {
    const int32_t descriptor = detach(handle);
    if (const auto socket = descriptors_.socket(descriptor)) {
        if (socket->stream) {
            socket->stream->close();
        }
        if (socket->listening) {
            network_.stop_listening(*socket->listening);
        }
    }
    descriptors_.remove(descriptor);
}

int16_t SimBackend::register_memory(Bytes memory) {
    if (!can_register_ || registered_ == INT16_MAX) {
        return -1;
    }
    memories_.push_back(memory);
    return registered_++;
}

void SimBackend::for_each_write_in_flight(const EachWrite& each) const {
    for (const auto& [id, flight] : flights_) {
        if (flight.op->kind == io::Op::Kind::write) {
            each(flight.file->inode, flight.op->position,
                 ByteView(flight.op->data, flight.op->length));
        }
    }
}

void SimBackend::abandon_writes(const std::function<void(uint64_t late_write)>& scheduled) {
    for (const auto& [id, flight] : flights_) {
        const bool never = flight.effect == DiskEffect::hang ||
                           flight.effect == DiskEffect::error || flight.effect == DiskEffect::lost;
        if (flight.op->kind != io::Op::Kind::write || never || random_.chance(1, 4)) {
            continue;
        }
        const io::Op& op = *flight.op;
        scheduled(disk_.add_late_write(flight.file->inode, op.position,
                                       ByteView(op.data, op.length), op.flushed));
    }
}

void SimBackend::issue(io::Op& op) {
    Slot& target = slot(op.handle);
    switch (op.kind) {
        case io::Op::Kind::read:
        case io::Op::Kind::write:
        case io::Op::Kind::flush: issue_file_op(op, target); return;
        case io::Op::Kind::connect: issue_connect(op); return;
        case io::Op::Kind::receive:
            RL_ASSERT(target.receive == nullptr, "two receives of one socket");
            target.receive = &op;
            break;
        case io::Op::Kind::accept:
            RL_ASSERT(target.accept == nullptr, "two accepts of one socket");
            target.accept = &op;
            break;
        case io::Op::Kind::send:
            RL_ASSERT(target.send == nullptr, "two sends of one socket");
            target.send = &op;
            break;
    }
    op.backend_data = kWatching;
    mark_ready(op.handle);
}

int32_t SimBackend::refusal(const io::Op& op, const Slot& target) const {
    if (op.kind == io::Op::Kind::flush) {
        return 0;
    }
    if (op.kind == io::Op::Kind::write && !target.file->write) {
        return -EBADF;
    }
    const uint64_t together = reinterpret_cast<uintptr_t>(op.data) | op.position | op.length;
    if (target.file->direct && together % disk_.options().block_bytes != 0) {
        return -EINVAL;
    }
    if (op.buffer_index >= 0) {
        if (static_cast<size_t>(op.buffer_index) >= memories_.size()) {
            return -EFAULT;
        }
        const Bytes memory = memories_[static_cast<size_t>(op.buffer_index)];
        if (op.data < memory.data() || op.data + op.length > memory.data() + memory.size()) {
            return -EFAULT;
        }
    }
    return 0;
}

void SimBackend::issue_file_op(io::Op& op, const Slot& target) {
    if (const int32_t refused = refusal(op, target); refused != 0) {
        finish(op, {.result = refused});
        return;
    }
    const uint64_t id = next_flight_++;
    op.backend_data = id;
    Flight flight{.op = &op, .file = target.file, .effect = disk_.begin(counted_as(op))};
    const bool flush = op.kind == io::Op::Kind::flush;
    if (flush) {
        disk_.land_late_writes_of(*flight.file->inode);
        flight.sync_to = flight.file->inode->file.mark();
    }
    if (op.kind == io::Op::Kind::write) {
        flight.content_hash = xxh3(ByteView(op.data, op.length));
    }
    record("issue", op, flight.content_hash, static_cast<int64_t>(flight.effect));
    flights_.emplace(id, std::move(flight));
    const int64_t latency = disk_.draw_latency(flush || op.flushed);
    events_.at(time_.now + latency, life_, [this, id] { land(id); });
}

void SimBackend::land(uint64_t id) {
    const auto found = flights_.find(id);
    RL_ASSERT(found != flights_.end());
    const Flight& flight = found->second;
    io::Op& op = *flight.op;
    if (flight.effect == DiskEffect::hang || disk_.crash_requested() != DiskEffect::none) {
        return;  // the node is about to die, or waits for ever
    }
    int32_t result = 0;
    switch (op.kind) {
        case io::Op::Kind::read: result = land_read(flight); break;
        case io::Op::Kind::write: result = land_write(flight); break;
        default: {
            auto synced = disk_.land_sync(flight.file->inode, flight.sync_to, flight.effect);
            result = synced ? 0 : -errno_of(synced.error());
            break;
        }
    }
    flights_.erase(found);
    finish(op, {.result = result});
}

int32_t SimBackend::land_read(const Flight& flight) {
    const io::Op& op = *flight.op;
    const SimFile& file = flight.file->inode->file;
    if (flight.effect == DiskEffect::error || flight.effect == DiskEffect::torn ||
        file.has_bad_sector(op.position, op.length)) {
        return -EIO;
    }
    Bytes to(op.data, op.length);
    if (flight.effect == DiskEffect::short_io && op.length > kSectorBytes) {
        to = to.first((1 + random_.below((op.length - 1) / kSectorBytes)) * kSectorBytes);
    }
    const uint64_t count = file.read(to, op.position);
    if (flight.effect == DiskEffect::corrupt && count > 0) {
        to[random_.below(count)] ^= std::byte{1} << random_.below(8);
    }
    return static_cast<int32_t>(count);
}

int32_t SimBackend::land_write(const Flight& flight) {
    const io::Op& op = *flight.op;
    const ByteView bytes(op.data, op.length);
    RL_ASSERT(xxh3(bytes) == flight.content_hash,
              "the buffer of a write in flight at {} was changed", op.position);
    auto landed =
        disk_.land_write(flight.file->inode, op.position, bytes, op.flushed, flight.effect);
    return landed ? static_cast<int32_t>(*landed) : -errno_of(landed.error());
}

void SimBackend::finish(io::Op& op, io::Completion completion) {
    finished_.push_back({&op, completion});
}

void SimBackend::complete(io::Op& op, const io::Completion& completion) {
    record("complete", op, completion.bytes.empty() ? 0 : xxh3(completion.bytes),
           completion.result);
    if (!completion.more) {
        op.backend_data = 0;
        --slot(op.handle).in_flight;
        file_ops_ -= is_file_op(op) ? 1 : 0;
    }
    op.done(op, completion);
}

uint32_t SimBackend::run_finished() {
    std::vector<Finished> finished = std::exchange(finished_, {});
    const auto count = static_cast<uint32_t>(finished.size());
    while (!finished.empty()) {
        std::swap(finished[random_.below(finished.size())], finished.back());
        const Finished next = finished.back();
        finished.pop_back();
        complete(*next.op, next.completion);
    }
    return count;
}

void SimBackend::record(std::string_view what, const io::Op& op, uint64_t content, int64_t result) {
    trace_.add(time_.now, {.what = what,
                           .node = host_,
                           .core = core_,
                           .position = op.position,
                           .length = static_cast<uint64_t>(op.kind) << 32U | op.length,
                           .content = content,
                           .result = result});
}

}  // namespace ringlog::simulation
