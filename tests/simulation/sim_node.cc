#include "tests/simulation/sim_node.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>

#include "io/address.h"
#include "tests/simulation/sim_world.h"

namespace ringlog::simulation {
namespace {

/// How long the kernel may hold on to a write of a dead process.
constexpr uint64_t kLateWriteNs = 100 * kMillisecondNs;

/// Frames of dead processes. Reachable for ever, never run.
std::vector<std::unique_ptr<SimLife>>& graveyard() {
    static auto* const dead = new std::vector<std::unique_ptr<SimLife>>;
    return *dead;
}

/// A spawned task: starts when its reactor resumes it, and is a root of its life until it ends.
struct Root {
    struct promise_type {
        Root get_return_object() {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
    std::coroutine_handle<promise_type> handle;
};

Root run_root(SimLife& life, uint64_t number, io::Task<void> task) {
    co_await std::move(task);
    life.roots.erase(number);
}

}  // namespace

void SimHelpers::run(io::Reactor& home, io::BlockingCall& call) {
    Random& random = node_.random_;
    const int64_t delay =
        node_.options_.helper_ns +
        static_cast<int64_t>(random.below(static_cast<uint64_t>(node_.options_.helper_jitter_ns)));
    ++node_.life().blocking_calls;
    node_.world_.at(node_.world_.now() + delay, life_, [this, &home, &call] {
        call.run();
        if (!node_.disk_->take_hung_call()) {
            --node_.life().blocking_calls;
            home.blocking_call_done(call);
        }
    });
}

Result<int32_t> SimHostNetwork::listen(const std::string& host, uint16_t port) {
    auto queue = network_.listen(host_, host, port);
    if (!queue) {
        return fail(queue.error());
    }
    auto socket = std::make_shared<OpenSocket>();
    socket->listening = std::move(*queue);
    return descriptors_.add(std::move(socket));
}

Result<int32_t> SimHostNetwork::open_socket(const std::string& address) {
    if (!io::parse_address(address)) {
        return fail(Errc::invalid_argument);
    }
    return descriptors_.add(std::make_shared<OpenSocket>());
}

Result<uint16_t> SimHostNetwork::local_port(int32_t descriptor) {
    const auto socket = descriptors_.socket(descriptor);
    if (!socket || !socket->listening) {
        return fail(Errc::io_failed, EBADF);
    }
    return socket->listening->port;
}

std::string SimHostNetwork::peer_address(int32_t descriptor) {
    const auto socket = descriptors_.socket(descriptor);
    return socket && socket->stream ? socket->stream->peer() : std::string{};
}

void SimHostNetwork::tune(int32_t descriptor) {
    RL_ASSERT(descriptors_.socket(descriptor) != nullptr);
}

void SimHostNetwork::shutdown(int32_t descriptor) {
    const auto socket = descriptors_.socket(descriptor);
    if (socket && socket->stream) {
        socket->stream->shutdown();
    }
}

void SimHostNetwork::close(int32_t descriptor) {
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

SimLife::SimLife(SimNode& node, LifeId life, uint16_t core_count)
    : id(life),
      clock(node.clock_),
      files(*node.disk_, descriptors,
            [&world = node.world_, host = node.host_](std::string_view what, uint64_t inode,
                                                      uint64_t position, uint64_t length,
                                                      int64_t result) {
                world.trace().add(world.now(), {.what = what,
                                                .node = host,
                                                .core = inode,
                                                .position = position,
                                                .length = length,
                                                .result = result});
            }),
      network(node.world_.network(), descriptors, node.host_),
      helpers(node, life) {
    mesh = std::make_unique<io::Mesh>(core_count);
    for (uint16_t i = 0; i < core_count; ++i) {
        SimCore& core = cores.emplace_back();
        core.backend = std::make_unique<SimBackend>(BackendParts{.time = node.world_.time(),
                                                                 .events = node.world_.events(),
                                                                 .trace = node.world_.trace(),
                                                                 .disk = *node.disk_,
                                                                 .network = node.world_.network(),
                                                                 .descriptors = descriptors,
                                                                 .host = node.host_,
                                                                 .life = life,
                                                                 .core = i,
                                                                 .seed = node.random_.fork()});
        core.reactor =
            std::make_unique<io::Reactor>(io::ReactorParts{.backend = *core.backend,
                                                           .helpers = helpers,
                                                           .files = files,
                                                           .network = network,
                                                           .clock = *node.clock_,
                                                           .mesh = mesh.get(),
                                                           .core = io::CoreId(i),
                                                           .seed = node.random_.fork(),
                                                           .shuffle = node.options_.shuffle});
    }
}

SimLife::~SimLife() {
    while (!owned.empty()) {
        owned.pop_back();
    }
}

bool SimLife::is_over() const {
    bool idle = roots.empty() && blocking_calls == 0;
    for (const SimCore& core : cores) {
        idle = idle && core.backend->is_idle();
    }
    return idle;
}

SimNode::SimNode(SimWorld& world, HostId host, uint64_t seed, NodeOptions options,
                 std::unique_ptr<SimDisk> disk)
    : world_(world),
      host_(host),
      random_(seed),
      options_(options),
      wall_base_ms_(options.wall_ms),
      disk_(std::move(disk)) {
    const uint64_t disk_seed = random_.fork();
    if (!disk_) {
        disk_ = std::make_unique<SimDisk>(disk_seed, options.disk);
    }
    start(options_.cores);
}

SimNode::~SimNode() {
    if (life_ && !life_->is_over()) {
        graveyard().push_back(std::move(life_));
    }
}

void SimNode::start(uint16_t cores) {
    RL_ASSERT(!up(), "node {} is up", host_);
    ++starts_;
    if (!clock_) {
        // A boot begins the monotonic clock anew.
        const auto boot_ns = static_cast<int64_t>(kSecondNs + random_.below(kSecondNs));
        clock_ = std::make_shared<SimClock>(world_.time(), boot_ns - world_.now(), wall_base_ms_);
    }
    world_.network().set_up(host_, true);
    life_ = std::make_unique<SimLife>(*this, world_.next_life(), cores);
    world_.record("start", host_, cores);
}

void SimNode::restart(std::optional<uint16_t> cores) {
    start(cores.value_or(options_.cores));
}

void SimNode::spawn(uint16_t core, io::Task<void> task) {
    SimLife& here = life();
    const uint64_t number = here.next_root++;
    const Root root = run_root(here, number, std::move(task));
    here.roots.emplace(number, root.handle);
    here.cores[core].reactor->schedule(root.handle);
    make_hot();
}

void SimNode::crash(CrashKind kind, const PowerLoss& how) {
    world_.record(kind == CrashKind::kill ? "kill" : "power_loss", host_, 0);
    SimLife& dying = life();
    for (SimCore& core : dying.cores) {
        core.backend->abandon_writes([&](uint64_t late) {
            const int64_t held =
                random_.chance(1, 2) ? static_cast<int64_t>(random_.below(kLateWriteNs)) : 0;
            world_.at(world_.now() + disk_->draw_latency(true) + held, kNobody, [this, late] {
                world_.record("late_write", host_, late);
                disk_->land_late_write(late);
            });
        });
    }
    world_.network().process_ended(host_, kind == CrashKind::power_loss);
    dying.last_events = world_.events().take_owned_by(dying.id);
    graveyard().push_back(std::move(life_));
    disk_->process_died();
    if (kind == CrashKind::power_loss) {
        disk_->lose_power(how);
        wall_base_ms_ = clock_->wall_base_ms();
        clock_.reset();
    }
}

std::unique_ptr<SimDisk> SimNode::copy_disk(uint64_t seed) const {
    std::unique_ptr<SimDisk> copied = disk_->copy(seed);
    for (size_t i = 0; life_ && i < life_->cores.size(); ++i) {
        life_->cores[i].backend->for_each_write_in_flight(
            [&](const InodePtr& inode, uint64_t position, ByteView bytes) {
                if (InodePtr same = copied->find_inode(inode->number)) {
                    copied->add_late_write(std::move(same), position, bytes, false);
                }
            });
    }
    return copied;
}

void SimNode::stop() {
    RL_ASSERT(life().is_over(), "{} tasks of node {} still run", life().roots.size(), host_);
    world_.record("stop", host_, 0);
    world_.network().process_ended(host_, false);
    life_.reset();
}

void SimNode::pause(uint16_t core, int64_t duration_ns) {
    life().cores[core].paused_until = world_.now() + duration_ns;
}

bool SimNode::crash_if_requested() {
    const DiskEffect requested = disk_->crash_requested();
    if (requested == DiskEffect::none) {
        return false;
    }
    crash(requested == DiskEffect::kill ? CrashKind::kill : CrashKind::power_loss, power_loss_);
    return true;
}

void SimNode::make_hot() {
    if (life_) {
        for (SimCore& core : life_->cores) {
            core.hot = true;
        }
    }
}

MonotonicNs SimNode::next_time(const SimCore& core) const {
    const bool hot = core.hot || core.backend->has_work();
    const MonotonicNs timer = clock_->to_world(core.reactor->timers().next_deadline());
    return std::max(hot ? MonotonicNs{0} : timer, core.paused_until);
}

MonotonicNs SimNode::next_time() const {
    MonotonicNs next = INT64_MAX;
    for (const SimCore& core : life().cores) {
        next = std::min(next, next_time(core));
    }
    return next;
}

bool SimNode::is_runnable(uint16_t core) const {
    return next_time(life().cores[core]) <= world_.now();
}

bool SimNode::turn(uint16_t core) {
    SimCore& running = life().cores[core];
    const bool ran = running.reactor->turn(false);
    if (ran) {
        make_hot();  // it may have sent messages, or become ready again
    } else {
        running.hot = false;
    }
    return ran;
}

bool SimNode::run_world_until(const std::function<bool()>& done) {
    const bool reached = world_.run_until(done);
    if (!reached) {
        fmt::print(stderr, "seed {}: a task of node {} still waits at {} ns after {} steps\n",
                   world_.seed(), host_, world_.now(), world_.steps());
    }
    return reached;
}

}  // namespace ringlog::simulation
