#include "tests/simulation/cluster/node_driver.h"

#include <fmt/format.h>

#include <cmath>

namespace ringlog::simulation {
namespace {

constexpr int64_t kStartLimitNs = 120 * kSecondNs;
constexpr int64_t kStopLimitNs = 60 * kSecondNs;
constexpr int64_t kDrainNs = kSecondNs;
constexpr uint32_t kStopTries = 2000;

NodeOptions node_options(const Swarm& swarm) {
    return {.cores = swarm.cores_first, .disk = swarm.disk};
}

}  // namespace

struct NodeDriver::Outcome {
    NodeDriver& driver;
    uint64_t life;
    std::string failure;  ///< Empty: it went well.
};

NodeDriver::NodeDriver(Cluster& cluster, uint32_t index)
    : cluster_(cluster),
      index_(index),
      random_(cluster.swarm.seed * 31 + index),
      node_(cluster.world.add_node(node_options(cluster.swarm))),
      watch_(cluster.judge),
      cores_(cluster.swarm.cores_first) {
    node_.disk().set_on_landed([this](const Inode& inode, uint64_t position, ByteView bytes, bool) {
        watch_.landed(inode, position, bytes);
    });
}

NodeDriver::~NodeDriver() {
    if (node_.up()) {
        node_.crash(CrashKind::kill);
    }
}

cluster::MemoryStoreFaults NodeDriver::metadata_faults() const {
    const Swarm& swarm = cluster_.swarm;
    const bool quiet = cluster_.quiet();
    return {.seed = swarm.seed + life_,
            .delay_max_ns = quiet ? 0 : swarm.metadata_delay_ns,
            .lost_request_permille = quiet ? 0 : swarm.metadata_lost_permille,
            .lost_answer_permille = quiet ? 0 : swarm.metadata_lost_permille};
}

io::Task<broker::OpenedMetadata> NodeDriver::open_metadata(io::Reactor& reactor) {
    auto store =
        std::make_unique<cluster::MemoryStore>(reactor, cluster_.metadata, metadata_faults());
    store_ = store.get();
    co_return store;
}

broker::MetadataOpener NodeDriver::metadata_opener() {
    return [this](io::Reactor& reactor, bool) { return open_metadata(reactor); };
}

broker::BrokerOptions NodeDriver::options() {
    const Swarm& swarm = cluster_.swarm;
    broker::BrokerOptions options;
    options.config.data_directory = "data";
    options.config.node_id = static_cast<int32_t>(index_) + 1;
    options.config.listeners.front().host = "";
    options.config.listeners.front().port = kBrokerPort;
    options.config.durability = swarm.durability;
    options.config.flush_ms = 5;
    options.config.journal_bytes = swarm.journal_bytes;
    options.config.window_bytes = swarm.window_bytes;
    options.config.auto_create_topics = false;
    options.config.topic_defaults.configs["max.message.bytes"] =
        std::to_string(swarm.batch_bytes_max);
    options.shard = swarm.shard;
    options.open_metadata = metadata_opener();
    return options;
}

void NodeDriver::later(int64_t delay_ns, std::function<void()> action) {
    cluster_.world.after(delay_ns, [this, life = life_, action = std::move(action)] {
        if (life == life_) {
            action();
        }
    });
}

void NodeDriver::apply_faults() {
    const Swarm& swarm = cluster_.swarm;
    DiskRates rates = swarm.rates;
    const bool starting = state_ == State::starting;
    if (starting && !swarm.honesty()) {
        // Bytes that cannot be read while starting are damage, by design: reported, not served.
        rates.read_error = 0;
    }
    const bool off = cluster_.quiet() || (starting && (calm_start_ || !swarm.rates_in_start));
    node_.disk().set_rates(off ? DiskRates{} : rates);
    faults_in_start_ = faults_in_start_ || (starting && !off);
    if (store_ != nullptr && (starting || serving())) {
        store_->set_faults(metadata_faults());
    }
    if (cluster_.quiet()) {
        node_.disk().arm(std::shared_ptr<FaultPlan>{});
        node_.disk().set_capacity(UINT64_MAX);
    }
}

void NodeDriver::start() {
    const Swarm& swarm = cluster_.swarm;
    const bool change = swarm.on(Switch::core_change) && !fresh_;
    const auto cores = change ? static_cast<uint16_t>(1 + random_.below(swarm.cores_max)) : cores_;
    cluster_.judge.mark(Met::core_changes, cores != cores_ ? 1 : 0);
    cores_ = cores;
    if (!std::exchange(fresh_, false)) {
        node_.restart(cores);
    }
    ++life_;
    state_ = State::starting;
    faults_in_start_ =
        !cluster_.quiet() && (swarm.on(Switch::metadata_loss) || swarm.on(Switch::full_disk));
    stays_down_ = false;
    cluster_.judge.mark(Met::starts);
    cluster_.judge.disturb_until(cluster_.world.now());
    RL_TELL(cluster_.judge, -1, -1, "node {}: starts with {} cores (life {})", index_, cores,
            life_);
    node_.clock().set_drift(swarm.drift_ppm);
    node_.disk().arm(std::shared_ptr<FaultPlan>{});
    store_ = nullptr;
    cluster_.inspector.starting(*this);
    apply_faults();
    broker_ = &node_.own(std::make_unique<broker::Broker>(node_.reactor(0), options()));
    const auto outcome = std::make_shared<Outcome>(Outcome{*this, life_, {}});
    node_.spawn(0, boot(*broker_, outcome));
    if (!cluster_.quiet()) {
        plan_accidents();
    }
    later(kStartLimitNs, [this] {
        if (state_ == State::starting) {
            if (cluster_.swarm.on(Switch::hang)) {
                crash(CrashKind::kill);
            } else {
                cluster_.judge.violate(Invariant::starts, "a start does not end");
            }
        }
    });
}

void NodeDriver::plan_accidents() {
    const Swarm& swarm = cluster_.swarm;
    const bool power = swarm.on(Switch::power_loss) && random_.chance(1, 2);
    const CrashKind kind = power ? CrashKind::power_loss : CrashKind::kill;
    const auto at = static_cast<int64_t>(random_.below(30 * kMillisecondNs));
    if (swarm.on(Switch::crash_in_start) && random_.chance(1, 3)) {
        later(at, [this, kind] {
            if (state_ == State::starting && !cluster_.quiet()) {
                cluster_.judge.mark(Met::crashes_in_start);
                crash(kind);
            }
        });
    }
    const uint64_t nth = 1 + random_.below(random_.chance(1, 2) ? 100 : 3000);
    const DiskOps kinds = random_.chance(1, 2) ? kWrites : kChanges;
    if (swarm.on(Switch::crash_at_operation) && random_.chance(1, 3)) {
        armed_kind_ = kind;
        node_.disk().arm({.effect = power ? DiskEffect::power_loss : DiskEffect::kill,
                          .kinds = kinds,
                          .nth = nth});
    }
}

io::Task<void> NodeDriver::boot(broker::Broker& broker, std::shared_ptr<Outcome> outcome) {
    const broker::Started started = co_await broker.start();
    outcome->failure = started ? std::string{} : started.error().text;
    NodeDriver& driver = outcome->driver;
    driver.cluster_.world.after(0, [outcome] { outcome->driver.booted(outcome); });
}

void NodeDriver::booted(const std::shared_ptr<Outcome>& outcome) {
    if (outcome->life != life_ || state_ != State::starting) {
        return;
    }
    if (!outcome->failure.empty()) {
        refused(outcome->failure);
        return;
    }
    calm_start_ = false;
    state_ = State::serving;
    cluster_.judge.disturb_until(cluster_.world.now());
    RL_TELL(cluster_.judge, -1, -1, "node {}: serves", index_);
    cluster_.inspector.started(*this);
    apply_faults();
    if (!cluster_.quiet()) {
        plan_end();
    }
}

void NodeDriver::plan_end() {
    const double longest = static_cast<double>(cluster_.swarm.length.life_ms) * 1e6;
    const double part = static_cast<double>(random_.below(1000)) / 1000.0;
    const double slowness = cluster_.swarm.on(Switch::latency) ? 5 : 1;
    constexpr double kShortest = 0.001;  // of the longest
    later(static_cast<int64_t>(longest * slowness * std::pow(kShortest, part)),
          [this] { served_long_enough(); });
}

void NodeDriver::refused(const std::string& text) {
    RL_TELL(cluster_.judge, -1, -1, "node {}: does not start: {}", index_, text);
    cluster_.judge.mark(Met::starts_refused);
    const bool excused = faults_in_start_ || cluster_.inspector.disk_is_full(*this);
    if (!excused && !cluster_.swarm.honesty()) {
        cluster_.judge.violate(Invariant::starts, "a start was refused: " + text);
        return;
    }
    if (!excused) {
        cluster_.gave_up = true;  // it said what was lost, and that an operator must accept it
    }
    calm_start_ = true;
    crash(CrashKind::kill);
}

void NodeDriver::served_long_enough() {
    const Swarm& swarm = cluster_.swarm;
    if (state_ != State::serving || cluster_.quiet()) {
        return;
    }
    std::vector<Switch> ways;
    for (const Switch way : {Switch::kill, Switch::power_loss, Switch::clean_stop}) {
        if (swarm.on(way)) {
            ways.push_back(way);
        }
    }
    if (ways.empty()) {
        ++life_;  // it lives on; what was planned for the old life does not happen
        later(static_cast<int64_t>(swarm.length.life_ms) * kMillisecondNs,
              [this] { served_long_enough(); });
        return;
    }
    switch (ways[random_.below(ways.size())]) {
        case Switch::kill: crash(CrashKind::kill); break;
        case Switch::power_loss: crash(CrashKind::power_loss); break;
        default: stop(); break;
    }
}

void NodeDriver::stop(bool for_good) {
    if (state_ != State::serving) {
        return;
    }
    stays_down_ = for_good;
    count_life();
    state_ = State::stopping;
    stops_in_quiet_ = cluster_.quiet();
    RL_TELL(cluster_.judge, -1, -1, "node {}: stops in order", index_);
    const auto outcome = std::make_shared<Outcome>(Outcome{*this, life_, {}});
    node_.spawn(0, shut_down(*broker_, outcome));
    later(kStopLimitNs, [this] {
        if (state_ != State::stopping) {
            return;
        }
        if (stops_in_quiet_) {
            cluster_.judge.violate(Invariant::starts, "an orderly stop does not end");
        } else {
            crash(CrashKind::kill);
        }
    });
}

io::Task<void> NodeDriver::shut_down(broker::Broker& broker, std::shared_ptr<Outcome> outcome) {
    co_await broker.drain(kDrainNs);
    const bool in_order = co_await broker.stop();
    outcome->failure = in_order ? "" : "a journal was not closed in order";
    outcome->driver.cluster_.world.after(0, [outcome] { outcome->driver.stopped(outcome, 0); });
}

void NodeDriver::stopped(const std::shared_ptr<Outcome>& outcome, uint32_t tries) {
    if (outcome->life != life_ || state_ != State::stopping) {
        return;
    }
    if (stops_in_quiet_ && !outcome->failure.empty()) {
        cluster_.judge.violate(Invariant::starts, outcome->failure);
        return;
    }
    if (!node_.is_over()) {
        if (tries > kStopTries) {
            crash(CrashKind::kill);  // a helper hangs
            return;
        }
        later(kMillisecondNs, [this, outcome, tries] { stopped(outcome, tries + 1); });
        return;
    }
    cluster_.judge.mark(Met::clean_stops);
    RL_TELL(cluster_.judge, -1, -1, "node {}: has stopped", index_);
    node_.stop();
    broker_ = nullptr;
    state_ = State::down;
    forget_what_may_be_lost(false);
    start_again();
}

void NodeDriver::crash(CrashKind kind) {
    count_life();
    PowerLoss how;
    how.garbage_per_thousand = random_.chance(1, 2) ? 0 : 50;
    node_.crash(kind, how);
    ended(kind);
}

void NodeDriver::notice_death() {
    if (state_ != State::down && !node_.up()) {
        cluster_.judge.mark(Met::crashes_at_operation);
        ended(armed_kind_);
    }
}

void NodeDriver::ended(CrashKind kind) {
    const bool power = kind == CrashKind::power_loss;
    RL_TELL(cluster_.judge, -1, -1, "node {}: {}", index_, power ? "power loss" : "kill");
    cluster_.judge.mark(power ? Met::power_losses : Met::kills);
    cluster_.judge.disturb_until(cluster_.world.now());
    state_ = State::down;
    broker_ = nullptr;
    node_.disk().arm(std::shared_ptr<FaultPlan>{});
    forget_what_may_be_lost(power);
    start_again();
}

void NodeDriver::forget_what_may_be_lost(bool power) {
    const bool unflushed = power && cluster_.swarm.durability == engine::Durability::crash;
    if (unflushed || cluster_.swarm.honesty()) {
        cluster_.inspector.cut_logs(*this, cluster_.swarm.honesty());
    }
}

void NodeDriver::start_again() {
    ++life_;
    if (stays_down_) {
        return;
    }
    const bool wait = cluster_.swarm.on(Switch::restart_delay) && !cluster_.quiet();
    const uint64_t longest = wait ? 2 * kSecondNs : 5 * kMillisecondNs;
    later(static_cast<int64_t>(random_.below(longest)), [this] {
        if (state_ == State::down && !cluster_.gave_up) {
            start();
        }
    });
}

bool NodeDriver::ailing() const {
    return !serving() || cluster_.inspector.ails(*this);
}

void NodeDriver::count_life() {
    if (serving()) {
        cluster_.inspector.count(*this);
    }
}

}  // namespace ringlog::simulation
