// See broker/log_accept.h.
#include "broker/log_accept.h"

#include <cstdio>
#include <optional>

#include "base/log.h"
#include "engine/manifest.h"
#include "engine/store.h"
#include "io/block_on.h"
#include "io/runtime.h"

namespace ringlog::broker {

namespace {

engine::StoreOptions options_of(const LogAcceptCommand& command, const engine::Manifest& manifest) {
    engine::StoreOptions options;
    options.directory = command.data_directory;
    options.node_id = manifest.node_id;
    options.cores.assign(manifest.journals.size(), io::CoreId(0));
    options.shard.accept_loss = command.confirmed;
    return options;
}

void print_partition(const engine::Partition& partition, std::string_view what) {
    std::printf("%s-%d: offsets %lld to %lld: %.*s\n", partition.id().topic.c_str(),
                partition.id().partition, static_cast<long long>(partition.log_start_offset()),
                static_cast<long long>(partition.log_end_offset()), static_cast<int>(what.size()),
                what.data());
}

/// How many partitions of `shard` the command names and are damaged.
io::Task<Result<uint64_t>> accept_shard(engine::Shard& shard, const LogAcceptCommand& command) {
    uint64_t found = 0;
    for (engine::Partition* const partition : shard.partitions()) {
        const bool named = partition->id().topic == command.topic &&
                           partition->id().partition == command.partition;
        if (!named || partition->log().damage() == engine::Damage::none) {
            continue;
        }
        ++found;
        print_partition(*partition, command.confirmed
                                        ? "accepted as they are; it takes writes again"
                                        : "read-only; --yes accepts them as they are");
        if (command.confirmed) {
            partition->accept_damage();
        }
    }
    // Into both slots: neither may bring the damage back.
    for (int i = 0; i < 2 && found > 0 && command.confirmed; ++i) {
        auto kept = co_await shard.checkpoint();
        if (!kept) {
            co_return fail(kept.error());
        }
    }
    co_return found;
}

io::Task<int> accept_all(io::Reactor& reactor, LogAcceptCommand command) {
    auto& files = reactor.files();
    const auto manifest = engine::read_manifest(files, command.data_directory);
    if (!manifest) {
        std::fprintf(stderr, "ringlog: %s is not a data directory: %s\n",
                     command.data_directory.c_str(), describe(manifest.error()).c_str());
        co_return kExitFailed;
    }
    auto opened = co_await engine::open_store(reactor, options_of(command, *manifest));
    if (!opened) {
        std::fprintf(stderr, "ringlog: %s\n", opened.error().message.c_str());
        co_return kExitFailed;
    }
    uint64_t found = 0;
    int status = kExitOk;
    for (const auto& shard : opened->shards) {
        const auto accepted = co_await accept_shard(*shard, command);
        if (!accepted) {
            std::fprintf(stderr, "ringlog: not accepted: %s\n", describe(accepted.error()).c_str());
            status = kExitFailed;
        }
        found += accepted.value_or(0);
        const auto closed = co_await shard->close(true);
        status = closed ? status : kExitFailed;
    }
    opened->shards.clear();
    if (found == 0 && status == kExitOk) {
        std::printf("%s-%d is not damaged\n", command.topic.c_str(), command.partition);
    }
    co_return status;
}

}  // namespace

int accept_log(const LogAcceptCommand& command) {
    auto runtime = io::Runtime::create({.cpus = {io::allowed_cpus().front()}, .pin = false});
    if (!runtime) {
        std::fprintf(stderr, "ringlog: %s\n", describe(runtime.error()).c_str());
        return kExitFailed;
    }
    return io::block_on((*runtime)->reactor(io::CoreId(0)),
                        accept_all((*runtime)->reactor(io::CoreId(0)), command));
}

}  // namespace ringlog::broker
