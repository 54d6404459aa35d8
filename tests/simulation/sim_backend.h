// io::Backend of one core of a simulated node: operations become events of the world, completions
// arrive in an order drawn from the seed. One thread; poll() never waits. Explained in
// tests/simulation/README.md.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "io/backend.h"
#include "tests/simulation/descriptors.h"
#include "tests/simulation/event_queue.h"
#include "tests/simulation/sim_disk.h"
#include "tests/simulation/sim_network.h"
#include "tests/simulation/trace.h"

namespace ringlog::simulation {

/// What a backend is built over: the world's, the node's, and its life's.
struct BackendParts {
    const WorldTime& time;
    EventQueue& events;
    Trace& trace;
    SimDisk& disk;
    SimNetwork& network;
    Descriptors& descriptors;
    HostId host = 0;
    LifeId life = 0;
    uint16_t core = 0;
    uint64_t seed = 0;
    uint64_t handle_limit = 65'536;
};

class SimBackend final : public io::Backend {
public:
    explicit SimBackend(const BackendParts& parts);
    ~SimBackend() override;

    void submit(io::Op& op) override;
    void cancel(io::Op& op) override;
    uint32_t poll(MonotonicNs deadline) override;
    void wake() override { woken_ = true; }
    Result<io::Handle> attach(int32_t descriptor) override;
    int32_t detach(io::Handle handle) override;
    void close(io::Handle handle) override;
    int16_t register_memory(Bytes memory) override;
    [[nodiscard]] uint32_t file_ops_in_flight() const override { return file_ops_; }
    [[nodiscard]] std::string_view name() const override { return "simulated"; }

    /// poll() would do something.
    [[nodiscard]] bool has_work() const {
        return woken_ || !queued_.empty() || !finished_.empty() || !ready_handles_.empty();
    }
    /// Nothing is in flight: the life may be destroyed.
    [[nodiscard]] bool is_idle() const {
        return queued_.empty() && flights_.empty() && finished_.empty();
    }
    /// What the kernel holds of writes: the inode, position, bytes.
    using EachWrite = std::function<void(const InodePtr&, uint64_t, ByteView)>;
    void for_each_write_in_flight(const EachWrite& each) const;
    /// The process died: writes that the kernel holds go to the disk, which lands them late, or
    /// never.
    void abandon_writes(const std::function<void(uint64_t late_write)>& scheduled);

private:
    struct Slot {
        int32_t descriptor = -1;
        std::shared_ptr<OpenFile> file;
        std::shared_ptr<OpenSocket> socket;
        uint32_t in_flight = 0;
        io::Op* receive = nullptr;
        io::Op* accept = nullptr;
        io::Op* send = nullptr;
    };
    /// A file operation or a connect that the kernel has.
    struct Flight {
        io::Op* op;
        std::shared_ptr<OpenFile> file;
        DiskEffect effect = DiskEffect::none;
        Mark sync_to = 0;  ///< flush: what had completed when it was submitted.
        uint64_t content_hash =
            0;  ///< write: of the buffer, which must not change while it is in flight.
    };
    struct Finished {
        io::Op* op;
        io::Completion completion;
    };

    Slot& slot(io::Handle handle);
    void issue(io::Op& op);
    void issue_file_op(io::Op& op, const Slot& slot);
    void issue_connect(io::Op& op);
    [[nodiscard]] int32_t refusal(const io::Op& op, const Slot& slot) const;
    void land(uint64_t id);
    int32_t land_read(const Flight& flight);
    int32_t land_write(const Flight& flight);
    void finish(io::Op& op, io::Completion completion);
    void connected(uint64_t id, Result<std::shared_ptr<StreamEnd>> result);

    void watch(io::Handle handle);
    void mark_ready(io::Handle handle);
    uint32_t run_finished();
    uint32_t run_ready_handles();
    uint32_t run_socket(io::Handle handle);
    uint32_t run_receive(io::Handle handle);
    uint32_t run_send(Slot& slot);
    /// Whether a multishot operation stays armed after a completion; clears it if not.
    bool goes_on(io::Op*& multishot);
    uint32_t run_accept(io::Handle handle);
    void complete(io::Op& op, const io::Completion& completion);
    void record(std::string_view what, const io::Op& op, uint64_t content, int64_t result);

    const WorldTime& time_;
    EventQueue& events_;
    Trace& trace_;
    SimDisk& disk_;
    SimNetwork& network_;
    Descriptors& descriptors_;
    HostId host_;
    LifeId life_;
    uint16_t core_;
    Random random_;
    uint64_t handle_limit_;
    bool woken_ = false;
    bool can_register_;
    int16_t registered_ = 0;
    uint32_t file_ops_ = 0;
    uint64_t next_flight_ = 1;
    std::map<io::Handle, Slot> slots_;
    std::vector<io::Op*> queued_;
    std::map<uint64_t, Flight> flights_;
    std::vector<Finished> finished_;
    std::vector<io::Handle> ready_handles_;
    std::vector<Bytes> memories_;
};

}  // namespace ringlog::simulation
