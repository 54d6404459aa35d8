// One suite for every implementation of the seam below the reactor: io_uring, epoll, the
// simulation. An implementation is a Fixture:
//   explicit Fixture(uint16_t cores);              builds that many reactors that reach each other
//   void run(std::function<Task<void>(Reactor&)>); runs the coroutine on core 0 to its end while
//   every core turns; once std::string directory();                       an existing, empty
//   directory std::string host();                            a numeric address to listen on
// INSTANTIATE_TYPED_TEST_SUITE_P(Name, IoFiles, Fixture), and so for IoSockets and IoCores.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "io/file.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::io::suite {

/// Bounds every wait of the suite, so that what never comes fails instead of hanging.
constexpr int64_t kPatienceNs = 30 * kSecondNs;

/// Memory that starts on a block.
class AlignedBuffer {
public:
    explicit AlignedBuffer(size_t size)
        : bytes_(static_cast<std::byte*>(std::aligned_alloc(4096, round_up(size, 4096))), size) {}
    AlignedBuffer(const AlignedBuffer&) = delete;
    AlignedBuffer& operator=(const AlignedBuffer&) = delete;
    ~AlignedBuffer() { std::free(bytes_.data()); }
    [[nodiscard]] Bytes bytes() const { return bytes_; }

    /// Bytes that `seed` determines.
    void fill(uint64_t seed) {
        Random random(seed);
        for (size_t i = 0; i < bytes_.size(); i += sizeof(uint64_t)) {
            const uint64_t word = random.next();
            std::memcpy(&bytes_[i], &word, std::min(sizeof(word), bytes_.size() - i));
        }
    }

private:
    Bytes bytes_;
};

inline bool same_bytes(ByteView a, ByteView b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

/// Opens (and creates) `path` for direct I/O and attaches it.
inline Task<File> open_file(Reactor& reactor, std::string path) {
    const auto opened = co_await reactor.run_blocking([&reactor, &path] {
        return reactor.files().open(path, OpenOptions{.create = true, .write = true});
    });
    RL_ASSERT(opened.has_value(), "{}: {}", path, describe(opened.error()));
    auto file = File::attach(reactor, *opened);
    RL_ASSERT(file.has_value());
    co_return std::move(*file);
}

inline Task<void> write_and_read_back(Reactor& reactor, std::string path, WriteMode mode,
                                      bool registered) {
    File file = co_await open_file(reactor, path);
    AlignedBuffer from(64 * 1024);
    AlignedBuffer to(64 * 1024);
    from.fill(1);
    const int16_t index = registered ? reactor.backend().register_memory(from.bytes()) : -1;
    FileOp write = file.write(from.bytes(), 8192, mode, index);
    const auto written = co_await write;
    EXPECT_EQ(written, 64U * 1024);
    FileOp flush = file.flush();
    const auto flushed = co_await flush;
    EXPECT_TRUE(flushed.has_value());
    FileOp read = file.read(to.bytes(), 8192);
    const auto count = co_await read;
    EXPECT_EQ(count, 64U * 1024);
    EXPECT_TRUE(same_bytes(from.bytes(), to.bytes()));
    FileOp part = file.read(from.bytes().first(4096), 8192 + 4096, index);
    const auto part_count = co_await part;
    EXPECT_EQ(part_count, 4096U);
    EXPECT_TRUE(same_bytes(from.bytes().first(4096), to.bytes().subspan(4096, 4096)));
    EXPECT_EQ(reactor.backend().file_ops_in_flight(), 0U);
    file.close();
}

inline Task<void> read_at_the_end(Reactor& reactor, std::string path) {
    const auto opened = co_await reactor.run_blocking([&reactor, &path] {
        auto file =
            reactor.files().open(path, OpenOptions{.create = true, .write = true, .direct = false});
        const std::string text(5000, 'x');
        EXPECT_TRUE(reactor.files().write(file->descriptor, as_bytes(text), 0).has_value());
        EXPECT_TRUE(reactor.files().sync_data(file->descriptor).has_value());
        reactor.files().close(file->descriptor);
        return reactor.files().open(path, OpenOptions{});
    });
    EXPECT_EQ(opened->size_bytes, 5000U);
    File file = std::move(*File::attach(reactor, *opened));
    AlignedBuffer to(8192);
    FileOp across = file.read(to.bytes(), 0);
    const auto across_count = co_await across;
    EXPECT_EQ(across_count, 5000U);
    EXPECT_EQ(as_text(to.bytes())[4999], 'x');
    FileOp behind = file.read(to.bytes(), 8192);
    const auto behind_count = co_await behind;
    EXPECT_EQ(behind_count, 0U);
    file.close();
}

inline Task<void> misaligned(Reactor& reactor, std::string path) {
    File file = co_await open_file(reactor, path);
    if (file.direct()) {
        AlignedBuffer buffer(8192);
        FileOp at_odd_position = file.write(buffer.bytes().first(4096), 7, WriteMode::plain);
        const auto position_result = co_await at_odd_position;
        EXPECT_FALSE(position_result.has_value());
        EXPECT_EQ(position_result.error().os_errno, EINVAL);
        FileOp odd_length = file.write(buffer.bytes().first(100), 0, WriteMode::flushed);
        const auto length_result = co_await odd_length;
        EXPECT_FALSE(length_result.has_value());
        EXPECT_EQ(length_result.error().code, Errc::io_failed);
    }
    file.close();
}

inline Task<void> one_block(Reactor&, File& file, Bytes block, uint64_t position, uint32_t& done) {
    FileOp write = file.write(block, position, WriteMode::plain);
    const auto written = co_await write;
    EXPECT_EQ(written, 4096U);
    std::ranges::fill(block, std::byte{0});
    FileOp read = file.read(block, position);
    const auto count = co_await read;
    EXPECT_EQ(count, 4096U);
    EXPECT_EQ(load_le<uint64_t>(block.data()), position);
    ++done;
}

/// More operations at once than any queue below has room for.
inline Task<void> many_at_once(Reactor& reactor, std::string path) {
    constexpr uint32_t kBlocks = 1500;
    File file = co_await open_file(reactor, path);
    AlignedBuffer buffer(size_t{kBlocks} * 4096);
    TaskGroup tasks;
    uint32_t done = 0;
    for (uint64_t i = 0; i < kBlocks; ++i) {
        const Bytes block = buffer.bytes().subspan(i * 4096, 4096);
        store_le<uint64_t>(block.data(), i * 4096);
        tasks.spawn(one_block(reactor, file, block, i * 4096, done));
    }
    EXPECT_EQ(reactor.backend().file_ops_in_flight(), kBlocks);
    co_await tasks.close();
    EXPECT_EQ(done, kBlocks);
    EXPECT_EQ(reactor.backend().file_ops_in_flight(), 0U);
    file.close();
}

inline Task<void> closed_handles_are_reused(Reactor& reactor, std::string path) {
    AlignedBuffer buffer(4096);
    for (int i = 0; i < 50; ++i) {
        File file = co_await open_file(reactor, path + std::to_string(i % 3));
        buffer.fill(static_cast<uint64_t>(i));
        FileOp write = file.write(buffer.bytes(), 0, WriteMode::plain);
        const auto written = co_await write;
        EXPECT_EQ(written, 4096U);
        file.close();
    }
}

/// Names and metadata; runs as one blocking call.
inline void file_system_contract(FileSystem& files, const std::string& root) {
    const std::string directory = root + "/d";
    EXPECT_TRUE(files.make_directory(directory).has_value());
    EXPECT_EQ(files.make_directory(directory).error().code, Errc::exists);
    EXPECT_EQ(files.open(directory + "/none", {}).error().code, Errc::not_found);
    const OpenOptions fresh{.create = true, .exclusive = true, .write = true};
    auto file = files.open(directory + "/b", fresh);
    ASSERT_TRUE(file.has_value());
    EXPECT_GE(file->block_bytes, 4096U);
    EXPECT_EQ(files.open(directory + "/b", fresh).error().code, Errc::exists);
    EXPECT_TRUE(files.prewrite(file->descriptor, 0, 65536).has_value());
    EXPECT_TRUE(files.preallocate(file->descriptor, 65536, 131072).has_value());
    AlignedBuffer buffer(4096);
    buffer.fill(3);
    EXPECT_EQ(files.read(file->descriptor, buffer.bytes(), 61440), 4096U);
    EXPECT_TRUE(std::ranges::all_of(buffer.bytes(), [](std::byte b) { return b == std::byte{}; }));
    EXPECT_EQ(files.read(file->descriptor, buffer.bytes(), 131072), 0U);
    EXPECT_TRUE(files.truncate(file->descriptor, 4096).has_value());
    EXPECT_TRUE(files.sync_data(file->descriptor).has_value());
    files.close(file->descriptor);

    EXPECT_TRUE(files.rename(directory + "/b", directory + "/c").has_value());
    EXPECT_EQ(files.rename(directory + "/b", directory + "/c").error().code, Errc::not_found);
    auto other = files.open(directory + "/a", fresh);
    files.close(other->descriptor);
    EXPECT_TRUE(files.sync_directory(directory).has_value());
    EXPECT_TRUE(files.sync_file_system(directory).has_value());
    const auto entries = files.list(root);
    ASSERT_TRUE(entries.has_value());
    EXPECT_TRUE(entries->size() == 1 && entries->front().directory);
    const auto inner = files.list(directory);
    ASSERT_TRUE(inner.has_value() && inner->size() == 2);
    EXPECT_EQ((*inner)[0].name, "a");
    EXPECT_EQ((*inner)[1].name, "c");
    EXPECT_EQ((*inner)[1].size_bytes, 4096U);
    EXPECT_FALSE(files.remove(directory).has_value());  // Not empty.
    EXPECT_TRUE(files.remove(directory + "/a").has_value());
    EXPECT_EQ(files.remove(directory + "/a").error().code, Errc::not_found);
    const auto space = files.space(directory);
    ASSERT_TRUE(space.has_value());
    EXPECT_GT(space->free_bytes, 0U);
    EXPECT_GE(space->total_bytes, space->free_bytes);
}

inline Task<void> file_system(Reactor& reactor, std::string root) {
    co_await reactor.run_blocking(
        [&reactor, &root] { file_system_contract(reactor.files(), root); });
}

template <typename Fixture>
class IoFiles : public testing::Test {};
TYPED_TEST_SUITE_P(IoFiles);

TYPED_TEST_P(IoFiles, WrittenBytesAreReadBackInEveryMode) {
    TypeParam fixture(1);
    const std::string path = fixture.directory() + "/file";
    fixture.run([&path](Reactor& reactor) -> Task<void> {
        return write_and_read_back(reactor, path, WriteMode::plain, false);
    });
}
TYPED_TEST_P(IoFiles, FlushedWritesFromRegisteredMemoryAreReadBack) {
    TypeParam fixture(1);
    const std::string path = fixture.directory() + "/file";
    fixture.run([&path](Reactor& reactor) -> Task<void> {
        return write_and_read_back(reactor, path, WriteMode::flushed, true);
    });
}
TYPED_TEST_P(IoFiles, AReadIsShortAtTheEndOfTheFile) {
    TypeParam fixture(1);
    const std::string path = fixture.directory() + "/file";
    fixture.run([&path](Reactor& reactor) { return read_at_the_end(reactor, path); });
}
TYPED_TEST_P(IoFiles, AMisalignedDirectOperationFails) {
    TypeParam fixture(1);
    const std::string path = fixture.directory() + "/file";
    fixture.run([&path](Reactor& reactor) { return misaligned(reactor, path); });
}
TYPED_TEST_P(IoFiles, MoreOperationsThanTheQueuesHoldAllComplete) {
    TypeParam fixture(1);
    const std::string path = fixture.directory() + "/file";
    fixture.run([&path](Reactor& reactor) { return many_at_once(reactor, path); });
}
TYPED_TEST_P(IoFiles, AHandleIsUsedAgainAfterClose) {
    TypeParam fixture(1);
    const std::string path = fixture.directory() + "/file";
    fixture.run([&path](Reactor& reactor) { return closed_handles_are_reused(reactor, path); });
}
TYPED_TEST_P(IoFiles, TheFileSystemKeepsItsContract) {
    TypeParam fixture(1);
    const std::string root = fixture.directory();
    fixture.run([&root](Reactor& reactor) { return file_system(reactor, root); });
}
REGISTER_TYPED_TEST_SUITE_P(IoFiles, WrittenBytesAreReadBackInEveryMode,
                            FlushedWritesFromRegisteredMemoryAreReadBack,
                            AReadIsShortAtTheEndOfTheFile, AMisalignedDirectOperationFails,
                            MoreOperationsThanTheQueuesHoldAllComplete,
                            AHandleIsUsedAgainAfterClose, TheFileSystemKeepsItsContract);

}  // namespace ringlog::io::suite
