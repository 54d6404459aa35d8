// The Backend where io_uring is not allowed: epoll (edge triggered) for sockets, two threads with
// positioned I/O for files. The same contract, checked by the same tests. Explained in
// docs/architecture.md, "Reactor".
#pragma once

#include <sys/epoll.h>

#include <ctime>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "io/backend.h"
#include "io/file_lane.h"

namespace ringlog::io {

/// Core: created on any thread; one thread polls. Two threads of its own run file operations: reads
/// do not wait behind flushes.
class EpollBackend final : public Backend {
public:
    /// Errors: io_failed with the errno (no descriptors).
    static Result<std::unique_ptr<Backend>> create();
    /// Waits for the file operations that its threads have begun.
    ~EpollBackend() override;

    void submit(Op& op) override;
    void cancel(Op& op) override;
    uint32_t poll(MonotonicNs deadline) override;
    void wake() override;
    Result<Handle> attach(int32_t descriptor) override;
    int32_t detach(Handle handle) override;
    void close(Handle handle) override;
    int16_t register_memory(Bytes memory) override;
    [[nodiscard]] uint32_t file_ops_in_flight() const override { return file_ops_; }
    [[nodiscard]] std::string_view name() const override { return "epoll"; }

private:
    static constexpr size_t kReceiveBytes = 64 * 1024;

    /// One direction of a socket: at most one operation, and whether the last call found nothing to
    /// do.
    struct Side {
        Op* op = nullptr;
        bool queued = false;  ///< In ready_.
        bool cancelled = false;
        bool started = false;  ///< connect: the kernel was asked.
    };
    struct Entry {
        int32_t descriptor = -1;
        bool watched = false;  ///< epoll knows it: a socket.
        Side in;               ///< accept, receive
        Side out;              ///< send, connect
    };
    struct Ready {
        Handle handle;
        bool out;
    };

    EpollBackend(int32_t epoll, int32_t doorbell);

    Entry& entry_of(Handle handle);
    static Side& side_of(Entry& entry, const Op& op);
    void enqueue(Handle handle, bool out);
    void push_files();
    void wait(MonotonicNs deadline);
    int wait_for_events(std::span<epoll_event> events, const timespec* limit);
    uint32_t run_files();
    uint32_t run_sockets();
    uint32_t advance(Handle handle, bool out);
    uint32_t accept_some(Handle handle);
    uint32_t receive_some(Handle handle);
    uint32_t send_some(Handle handle);
    uint32_t connect_some(Handle handle);
    void finish(Side& side, int32_t result);

    int32_t epoll_;
    int32_t doorbell_;          ///< An eventfd: wake() and finished file operations.
    bool fine_timeout_ = true;  ///< epoll_pwait2 is there.
    std::unique_ptr<FileLane> reads_;
    std::unique_ptr<FileLane> writes_;
    std::deque<Op*> waiting_reads_;
    std::deque<Op*> waiting_writes_;
    uint32_t file_ops_ = 0;
    std::deque<Entry> entries_;  ///< By handle; a deque, since callbacks may attach.
    std::vector<Handle> free_;
    std::vector<Ready> ready_;
    std::vector<Ready> running_;
    std::unique_ptr<std::byte[]>
        buffer_;  ///< What receive() reads into, for the time of one callback.
};

}  // namespace ringlog::io
