// The Backend over io_uring: one ring for the files, sockets and doorbell of a core, one system
// call per turn. Explained in docs/architecture.md, "Reactor".
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <deque>
#include <memory>
#include <vector>

#include "io/backend.h"
#include "io/uring_buffers.h"
#include "io/uring_ring.h"

namespace ringlog::io {

struct UringOptions {
    UringSizes sizes;
    uint16_t receive_buffers = 64;  ///< Of 64 KiB each; a power of two.
};

/// Core: created on any thread; the thread of the first poll() is its core from then on (the kernel
/// checks). A handle below the number of registered files is an index into that table; one above it
/// is a plain descriptor. Destroying it does not wait: of operations still in flight the kernel may
/// go on using the buffers.
class UringBackend final : public Backend {
public:
    /// Errors: io_failed with the errno that io_uring_setup gave; EPERM and ENOSYS mean that it is
    /// not allowed here.
    static Result<std::unique_ptr<Backend>> create(const UringOptions& options = {});
    ~UringBackend() override;

    void submit(Op& op) override;
    void cancel(Op& op) override;
    uint32_t poll(MonotonicNs deadline) override;
    void wake() override;
    Result<Handle> attach(int32_t descriptor) override;
    int32_t detach(Handle handle) override;
    void close(Handle handle) override;
    int16_t register_memory(Bytes memory) override;
    [[nodiscard]] uint32_t file_ops_in_flight() const override { return file_ops_; }
    [[nodiscard]] std::string_view name() const override { return "io_uring"; }

private:
    /// What a submission points to until the kernel has read it.
    struct Argument {
        msghdr message;
        sockaddr_storage address;
    };
    /// An operation that found the queue full, or the request to cancel one.
    struct Waiting {
        Op* op;
        bool cancel;
    };
    struct Refused {
        Op* op;
        int32_t result;
    };

    UringBackend(std::unique_ptr<UringRing> ring, std::unique_ptr<UringBuffers> buffers,
                 int32_t doorbell);

    bool try_submit(Op& op);
    bool try_cancel(Op& op);
    void submit_waiting();
    void arm_doorbell();
    void fill(io_uring_sqe& submission, Op& op);
    void fill_file(io_uring_sqe& submission, const Op& op);
    void fill_socket(io_uring_sqe& submission, const Op& op);
    bool target(io_uring_sqe& submission, Handle handle);
    uint32_t run_completions();
    bool dispatch(const io_uring_cqe& entry);
    void complete_multishot(Op& op, const io_uring_cqe& entry);
    void finish(Op& op, int32_t result);

    std::unique_ptr<UringRing> ring_;
    std::unique_ptr<UringBuffers> buffers_;
    /// An eventfd with a multishot poll on it: never read, each write posts a completion.
    /// IORING_MSG_RING from the waking thread was measured to cost the same (26 us for a call to
    /// another core and back), and needs Linux 6.13.
    int32_t doorbell_;
    bool doorbell_armed_ = false;
    std::vector<Argument> arguments_;  ///< One per slot of the submission queue.
    std::deque<Waiting> waiting_;
    std::vector<Refused> refused_;
    std::vector<int32_t> descriptors_;     ///< By handle; -1 where free.
    std::vector<Handle> free_registered_;  ///< Handles below file_slots().
    std::vector<Handle> free_plain_;
    uint32_t file_ops_ = 0;
    uint32_t memory_count_ = 0;
};

}  // namespace ringlog::io
