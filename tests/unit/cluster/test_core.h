// One core for tests of asynchronous code that needs no files or sockets: a clock that jumps to the
// next deadline and helpers that run blocking calls at once. One thread, deterministic.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::cluster::testing {

class JumpClock final : public Clock {
public:
    [[nodiscard]] MonotonicNs monotonic_ns() const override { return now; }
    [[nodiscard]] WallMs wall_ms() const override {
        return 1'700'000'000'000 + now / kMillisecondNs;
    }
    MonotonicNs now = 1'000'000'000;
};

/// Runs no operations; waiting moves the clock.
class IdleBackend final : public io::Backend {
public:
    explicit IdleBackend(JumpClock& clock) : clock_(clock) {}
    void submit(io::Op&) override { FAIL() << "no I/O here"; }
    void cancel(io::Op&) override {}
    uint32_t poll(MonotonicNs deadline) override {
        if (!woken_ && deadline != INT64_MAX && deadline > clock_.now) {
            clock_.now = deadline;
        }
        woken_ = false;
        return 0;
    }
    void wake() override { woken_ = true; }
    Result<io::Handle> attach(int32_t) override { return fail(Errc::unsupported); }
    int32_t detach(io::Handle) override { return -1; }
    void close(io::Handle) override {}
    int16_t register_memory(Bytes) override { return -1; }
    [[nodiscard]] uint32_t file_ops_in_flight() const override { return 0; }
    [[nodiscard]] std::string_view name() const override { return "idle"; }

private:
    JumpClock& clock_;
    bool woken_ = false;
};

class InlineHelpers final : public io::Helpers {
public:
    void run(io::Reactor& home, io::BlockingCall& call) override {
        call.run();
        home.blocking_call_done(call);
    }
};

class NoFiles final : public io::FileSystem {
public:
    Result<io::OpenedFile> open(const std::string&, io::OpenOptions) override { return no(); }
    void close(int32_t) override {}
    Result<uint64_t> read(int32_t, Bytes, uint64_t) override { return no(); }
    Result<void> write(int32_t, ByteView, uint64_t) override { return no(); }
    Result<void> sync_data(int32_t) override { return no(); }
    Result<void> prewrite(int32_t, uint64_t, uint64_t) override { return no(); }
    Result<void> preallocate(int32_t, uint64_t, uint64_t) override { return no(); }
    Result<void> truncate(int32_t, uint64_t) override { return no(); }
    Result<void> make_directory(const std::string&) override { return no(); }
    Result<void> rename(const std::string&, const std::string&) override { return no(); }
    Result<void> remove(const std::string&) override { return no(); }
    Result<std::vector<io::DirectoryEntry>> list(const std::string&) override { return no(); }
    Result<void> sync_directory(const std::string&) override { return no(); }
    Result<void> sync_file_system(const std::string&) override { return no(); }
    Result<io::Space> space(const std::string&) override { return no(); }
    Result<std::unique_ptr<io::DirectoryLock>> lock(const std::string&) override { return no(); }

private:
    static std::unexpected<Error> no() { return fail(Errc::unsupported); }
};

class NoNetwork final : public io::Network {
public:
    Result<int32_t> listen(const std::string&, uint16_t) override {
        return fail(Errc::unsupported);
    }
    Result<int32_t> open_socket(const std::string&) override { return fail(Errc::unsupported); }
    Result<uint16_t> local_port(int32_t) override { return fail(Errc::unsupported); }
    std::string peer_address(int32_t) override { return {}; }
    void tune(int32_t) override {}
    void shutdown(int32_t) override {}
    void close(int32_t) override {}
};

/// A reactor over all of the above.
class TestCore {
public:
    io::Reactor& reactor() { return reactor_; }
    JumpClock& clock() { return clock_; }

    /// Turns until `task` has finished; a test failure (and abort) if it never does.
    template <typename T>
    T run(io::Task<T> task) {
        std::optional<T> value;
        io::TaskGroup group;
        group.spawn(store<T>(std::move(task), value));
        turn_until([&] { return value.has_value(); });
        return std::move(*value);
    }
    void run(io::Task<void> task) {
        bool done = false;
        io::TaskGroup group;
        group.spawn(mark(std::move(task), done));
        turn_until([&] { return done; });
    }
    /// Turns until `done()`.
    template <typename F>
    void turn_until(F done) {
        for (int i = 0; i < 1'000'000 && !done(); ++i) {
            reactor_.turn(true);
        }
        RL_ASSERT(done(), "the task waits for something that never happens");
    }

private:
    template <typename T>
    static io::Task<void> store(io::Task<T> task, std::optional<T>& value) {
        value.emplace(co_await std::move(task));
    }
    static io::Task<void> mark(io::Task<void> task, bool& done) {
        co_await std::move(task);
        done = true;
    }

    JumpClock clock_;
    IdleBackend backend_{clock_};
    InlineHelpers helpers_;
    NoFiles files_;
    NoNetwork network_;
    io::Reactor reactor_{io::ReactorParts{.backend = backend_,
                                          .helpers = helpers_,
                                          .files = files_,
                                          .network = network_,
                                          .clock = clock_,
                                          .seed = 1}};
};

}  // namespace ringlog::cluster::testing
