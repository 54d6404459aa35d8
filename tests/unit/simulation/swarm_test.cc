// Everything at once: a small replicated register over the network and the disk, with faults of all
// classes, crashes and restarts; each seed runs twice.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "io/event.h"
#include "io/file.h"
#include "io/mesh.h"
#include "io/socket.h"
#include "tests/simulation/sim_client.h"
#include "tests/simulation/sim_world.h"

namespace ringlog::simulation {
namespace {

using io::Task;

constexpr uint16_t kPort = 9092;
constexpr uint64_t kSlots = 8;

struct Freed {
    void operator()(std::byte* block) const { std::free(block); }
};
using Block = std::unique_ptr<std::byte, Freed>;

Block make_block(uint64_t value) {
    Block block(static_cast<std::byte*>(std::aligned_alloc(4096, 4096)));
    std::fill_n(block.get(), 4096, std::byte{0});
    store_le(block.get(), value);
    return block;
}

Result<io::OpenedFile> open_register(io::FileSystem& files) {
    auto opened = files.open("/register", {.create = true, .write = true});
    if (!opened) {
        return opened;
    }
    Result<void> prepared;
    if (opened->size_bytes < kSlots * 4096) {
        prepared = files.prewrite(opened->descriptor, 0, kSlots * 4096);
    } else {
        prepared = files.sync_data(opened->descriptor);
    }
    if (prepared) {
        prepared = files.sync_directory("/");
    }
    if (!prepared) {
        return fail(prepared.error());
    }
    return opened;
}

/// A process that stores each 8-byte number that it receives in slot (number % kSlots), flushed,
/// and echoes it then.
class Server {
public:
    explicit Server(SimNode& node) : node_(node), groups_(node.core_count()) {}

    Task<void> start() {
        io::FileSystem& files = node_.files();
        auto opened =
            co_await node_.reactor().run_blocking([&files] { return open_register(files); });
        if (!opened) {
            co_return;
        }
        file_ = std::move(*io::File::attach(node_.reactor(), *opened));
        auto descriptor = node_.network().listen("", kPort);
        auto listener = io::Listener::start(node_.reactor(), *descriptor,
                                            [this](int32_t accepted) { accept(accepted); });
        listener_ = std::move(*listener);
    }

private:
    struct Connection final : io::Receiver {
        explicit Connection(io::Reactor& reactor) : changed(reactor) {}
        void on_bytes(ByteView bytes) override {
            input.insert(input.end(), bytes.begin(), bytes.end());
            changed.notify_all();
        }
        void on_end(Error /*why*/) override {
            ended = true;
            changed.notify_all();
        }
        std::unique_ptr<io::Socket> socket;
        std::vector<std::byte> input;
        bool ended = false;
        io::Event changed;
    };

    void accept(int32_t descriptor) {
        auto connection = std::make_unique<Connection>(node_.reactor());
        connection->socket = std::move(*io::Socket::attach(node_.reactor(), descriptor));
        groups_[0].spawn(serve(std::move(connection)));
    }

    Task<void> serve(std::unique_ptr<Connection> connection) {
        connection->socket->start_receiving(*connection);
        while (true) {
            if (connection->input.size() < 8) {
                if (connection->ended) {
                    break;
                }
                co_await connection->changed.wait();
                continue;
            }
            uint64_t number = load_le<uint64_t>(connection->input.data());
            connection->input.erase(connection->input.begin(), connection->input.begin() + 8);
            const Block block = make_block(number);
            auto written = co_await file_.write(ByteView(block.get(), 4096), number % kSlots * 4096,
                                                io::WriteMode::flushed);
            if (!written || *written != 4096) {
                break;
            }
            iovec part{.iov_base = &number, .iov_len = 8};
            auto sent = co_await connection->socket->send(std::span(&part, 1));
            if (!sent) {
                break;
            }
        }
        co_await connection->socket->close();
    }

    SimNode& node_;
    io::File file_;
    std::unique_ptr<io::Listener> listener_;
    std::vector<io::TaskGroup> groups_;
};

struct Outcome {
    uint64_t acked = 0;
    uint64_t crashes = 0;
    uint64_t hash = 0;
};

/// One client counts up; the largest acknowledged number of each slot must be there, or a later
/// one.
Outcome run_swarm(uint64_t seed) {
    WorldOptions options;
    options.network.reset_per_million = 5'000;
    SimWorld world(seed, options);
    SimNode& node = world.add_node();
    node.disk().set_rates({.write_error = 5'000, .torn = 5'000, .short_io = 5'000, .slow = 10'000});
    SimClient client(world);
    std::map<uint64_t, uint64_t> acked;
    uint64_t next = kSlots;
    uint64_t given_up = 0;
    Outcome outcome;
    const auto start = [&] { node.spawn(0, node.own(std::make_unique<Server>(node)).start()); };
    const auto check_disk = [&] {
        for (const auto& [slot, number] : acked) {
            const std::vector<std::byte> bytes = node.disk().read_all("/register");
            const auto found = load_le<uint64_t>(&bytes.at(slot * 4096));
            EXPECT_GE(found, number) << "slot " << slot << " seed " << seed;
            EXPECT_EQ(found % kSlots, slot);
        }
    };
    start();
    uint64_t in_flight = 0;
    for (int i = 0; i < 200; ++i) {
        if (client.ended() || !client.connected() || i - given_up > 20) {
            client.connect(node, kPort);
            world.run_until([&] { return client.connected() || client.ended(); },
                            {.duration_ns = kSecondNs});
            in_flight = 0;
            given_up = static_cast<uint64_t>(i);
        }
        if (client.connected() && !client.ended() && in_flight == 0) {
            std::array<std::byte, 8> request{};
            store_le(request.data(), ++next);
            client.send(request);
            in_flight = next;
        }
        world.run_until([&] { return client.received().size() >= 8 || client.ended(); },
                        {.duration_ns = 5 * kMillisecondNs});
        if (client.received().size() >= 8) {
            acked[in_flight % kSlots] = load_le<uint64_t>(client.received().data());
            client.consume(8);
            in_flight = 0;
            given_up = static_cast<uint64_t>(i);
            ++outcome.acked;
        }
        if (world.random().chance(1, 20)) {
            node.crash(world.random().chance(1, 2) ? CrashKind::kill : CrashKind::power_loss,
                       {.garbage_per_thousand = 0});
            check_disk();
            ++outcome.crashes;
            node.restart();
            start();
        }
        if (world.random().chance(1, 30)) {
            world.network().clog(client.host(), node.host(), 3 * kMillisecondNs);
        }
        if (world.random().chance(1, 30)) {
            node.pause(0, 10 * kMillisecondNs);
        }
    }
    check_disk();
    node.crash(CrashKind::kill);
    outcome.hash = world.trace().hash();
    return outcome;
}

TEST(Swarm, NothingAcknowledgedIsLostAndEverySeedRunsTheSameTwice) {
    uint64_t acked = 0;
    uint64_t crashes = 0;
    for (uint64_t seed = 1; seed <= 30; ++seed) {
        SCOPED_TRACE(seed);
        const Outcome first = run_swarm(seed);
        const Outcome second = run_swarm(seed);
        ASSERT_EQ(first.hash, second.hash);
        ASSERT_EQ(first.acked, second.acked);
        ASSERT_FALSE(HasFailure());
        acked += first.acked;
        crashes += first.crashes;
    }
    EXPECT_GT(acked, 500u);
    EXPECT_GT(crashes, 200u);
}

}  // namespace
}  // namespace ringlog::simulation
