// One simulated machine: a disk and an address that stay, and a process that lives, dies and is
// started again. One thread. Explained in tests/simulation/README.md.
//
// What becomes of a dead process: its coroutines wait for things that never happen, and hold
// objects whose destructors demand an orderly end. So the whole life (reactors, backends,
// mailboxes, root frames, what own() was given) moves to a graveyard that is reachable until the
// program ends and is never run again. A life that ended in order is destroyed.
#pragma once

#include <coroutine>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "io/mesh.h"
#include "io/reactor.h"
#include "io/task.h"
#include "tests/simulation/sim_backend.h"
#include "tests/simulation/sim_clock.h"
#include "tests/simulation/sim_disk.h"
#include "tests/simulation/sim_file_system.h"
#include "tests/simulation/sim_network.h"

namespace ringlog::simulation {

class SimWorld;

struct NodeOptions {
    uint16_t cores = 1;
    DiskOptions disk;
    int64_t helper_ns = 50'000;          ///< The least that a blocking call takes.
    int64_t helper_jitter_ns = 500'000;  ///< Added: uniform below this.
    bool shuffle = true;  ///< Ready coroutines of a core run in an order drawn from the seed.
    WallMs wall_ms = 1'700'000'000'000;  ///< What its wall clock shows at world time 0.
};

enum class CrashKind : uint8_t {
    kill,  ///< The process ends (kill -9): the kernel, its page cache and writes in flight live on.
    power_loss,  ///< The machine ends: what was not durable may be gone.
};

class SimNode;

/// io::Helpers as events: each call runs whole, at some later moment.
class SimHelpers final : public io::Helpers {
public:
    explicit SimHelpers(SimNode& node, LifeId life) : node_(node), life_(life) {}
    void run(io::Reactor& home, io::BlockingCall& call) override;

private:
    SimNode& node_;
    LifeId life_;
};

/// io::Network of one life.
class SimHostNetwork final : public io::Network {
public:
    SimHostNetwork(SimNetwork& network, Descriptors& descriptors, HostId host)
        : network_(network), descriptors_(descriptors), host_(host) {}
    Result<int32_t> listen(const std::string& host, uint16_t port) override;
    Result<int32_t> open_socket(const std::string& address) override;
    Result<uint16_t> local_port(int32_t descriptor) override;
    std::string peer_address(int32_t descriptor) override;
    void tune(int32_t descriptor) override;
    void shutdown(int32_t descriptor) override;
    void close(int32_t descriptor) override;

private:
    SimNetwork& network_;
    Descriptors& descriptors_;
    HostId host_;
};

/// One core of one life.
struct SimCore {
    std::unique_ptr<SimBackend> backend;
    std::unique_ptr<io::Reactor> reactor;
    bool hot = true;  ///< It may have something to do.
    MonotonicNs paused_until = 0;
};

/// Keeps an object of any type.
struct OwnedBase {
    virtual ~OwnedBase() = default;
};
template <typename T>
struct Owned final : OwnedBase {
    explicit Owned(std::unique_ptr<T> o) : object(std::move(o)) {}
    std::unique_ptr<T> object;
};

/// A process, from its start to its end. Destroyed from the bottom up.
struct SimLife {
    SimLife(SimNode& node, LifeId life, uint16_t cores);
    SimLife(const SimLife&) = delete;
    SimLife& operator=(const SimLife&) = delete;
    ~SimLife();
    /// Nothing runs: it may be destroyed.
    [[nodiscard]] bool is_over() const;

    LifeId id;
    std::shared_ptr<SimClock> clock;
    Descriptors descriptors;
    SimFileSystem files;
    SimHostNetwork network;
    SimHelpers helpers;
    std::unique_ptr<io::Mesh> mesh;
    std::vector<SimCore> cores;
    uint64_t next_root = 1;
    uint64_t blocking_calls = 0;                        ///< That helpers have.
    std::map<uint64_t, std::coroutine_handle<>> roots;  ///< Spawned tasks that have not ended.
    std::vector<std::unique_ptr<OwnedBase>> owned;
    std::vector<EventQueue::Action>
        last_events;  ///< Of a dead life: what would have happened to it.
};

class SimNode {
public:
    /// On `disk` (a copy of another's), or on a new one.
    SimNode(SimWorld& world, HostId host, uint64_t seed, NodeOptions options,
            std::unique_ptr<SimDisk> disk);
    SimNode(const SimNode&) = delete;
    SimNode& operator=(const SimNode&) = delete;
    ~SimNode();

    [[nodiscard]] HostId host() const { return host_; }
    /// "10.0.0.1".
    [[nodiscard]] std::string ip() const { return SimNetwork::ip_of(host_); }
    [[nodiscard]] bool up() const { return life_ != nullptr; }
    /// How often it was started.
    [[nodiscard]] uint64_t starts() const { return starts_; }
    [[nodiscard]] uint16_t core_count() const { return static_cast<uint16_t>(life().cores.size()); }
    io::Reactor& reactor(uint16_t core = 0) { return *life().cores[core].reactor; }
    SimDisk& disk() { return *disk_; }
    /// What the disk would be if the power went now, before lose_power() decided what is left: with
    /// the writes that are under way. The node lives on.
    [[nodiscard]] std::unique_ptr<SimDisk> copy_disk(uint64_t seed) const;
    SimClock& clock() { return *clock_; }
    SimWorld& world() { return world_; }
    /// Of this life; a restart makes new ones.
    SimFileSystem& files() { return life().files; }
    io::Network& network() { return life().network; }

    /// Starts `task` on `core` when the world runs.
    void spawn(uint16_t core, io::Task<void> task);
    /// Runs the world until `task` has ended on `core` and gives what it returned: nothing (or
    /// false for void) if the node died first, or a limit of the world was reached (which is
    /// reported).
    template <typename T>
    auto run(uint16_t core, io::Task<T> task)
        -> std::conditional_t<std::is_void_v<T>, bool, std::optional<T>>;
    /// Keeps an object for as long as this life: destroyed (last first) by an orderly stop(), kept
    /// for ever after a crash. What coroutines of the node refer to belongs here, not on the test's
    /// stack.
    template <typename T>
    T& own(std::unique_ptr<T> object) {
        T& reference = *object;
        life().owned.push_back(std::make_unique<Owned<T>>(std::move(object)));
        return reference;
    }

    /// Ends the process at once. The node is down after it.
    void crash(CrashKind kind, const PowerLoss& how = {});
    /// Ends a process whose tasks have all ended. Asserts that.
    void stop();
    /// Every task has ended: stop() may be called.
    [[nodiscard]] bool is_over() const { return life().is_over(); }
    /// A new process on the same disk. The node is down before.
    void restart(std::optional<uint16_t> cores = {});
    /// The core does nothing for so long (a stopped process: all cores; a busy machine: one).
    void pause(uint16_t core, int64_t duration_ns);

    /// How a power_loss that a disk fault causes treats what is not durable.
    void set_power_loss(const PowerLoss& how) { power_loss_ = how; }

private:
    friend class SimWorld;
    friend class SimHelpers;
    friend struct SimLife;

    template <typename T>
    struct Outcome {
        std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
    };
    template <typename T>
    static io::Task<void> keep_outcome(io::Task<T> task, std::shared_ptr<Outcome<T>> outcome);

    SimLife& life() const {
        RL_ASSERT(life_ != nullptr, "node {} is down", host_);
        return *life_;
    }
    void start(uint16_t cores);
    /// True if the node died of a fault of its disk.
    bool crash_if_requested();
    /// Somebody from outside may have given it work. Nothing if it is down.
    void make_hot();
    [[nodiscard]] MonotonicNs next_time(const SimCore& core) const;
    [[nodiscard]] MonotonicNs next_time() const;
    [[nodiscard]] bool is_runnable(uint16_t core) const;
    /// One turn; true if anything ran.
    bool turn(uint16_t core);
    bool run_world_until(const std::function<bool()>& done);

    SimWorld& world_;
    HostId host_;
    Random random_;
    NodeOptions options_;
    WallMs wall_base_ms_;
    std::unique_ptr<SimDisk> disk_;
    PowerLoss power_loss_;
    uint64_t starts_ = 0;
    std::shared_ptr<SimClock> clock_;  ///< Null after a power loss.
    std::unique_ptr<SimLife> life_;
};

template <typename T>
io::Task<void> SimNode::keep_outcome(io::Task<T> task, std::shared_ptr<Outcome<T>> outcome) {
    if constexpr (std::is_void_v<T>) {
        co_await std::move(task);
        outcome->value.emplace(true);
    } else {
        outcome->value.emplace(co_await std::move(task));
    }
}

template <typename T>
auto SimNode::run(uint16_t core, io::Task<T> task)
    -> std::conditional_t<std::is_void_v<T>, bool, std::optional<T>> {
    auto outcome = std::make_shared<Outcome<T>>();
    spawn(core, keep_outcome<T>(std::move(task), outcome));
    const uint64_t life_number = starts_;
    run_world_until([&] { return outcome->value.has_value() || !up() || starts_ != life_number; });
    if constexpr (std::is_void_v<T>) {
        return outcome->value.has_value();
    } else {
        return std::move(outcome->value);
    }
}

}  // namespace ringlog::simulation
