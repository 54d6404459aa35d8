// The two slots of a checkpoint on disk. See engine/checkpoint.h.
//
// Overwriting a slot takes three flushed steps: the header becomes zero; the content is written
// with that zero header; the first block is written again with the header. The first and the last
// change a single sector, so that an interrupted write leaves a slot that says it is empty or holds
// the old checkpoint, and a slot whose hash does not hold is damaged.
#include "engine/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/mutant.h"
#include "engine/whole_io.h"

namespace ringlog::engine {

namespace {

constexpr size_t kSlots = 2;
/// What create() gives a slot: room for about a thousand partitions.
constexpr uint64_t kSlotBytesFirst = 256 << 10;
constexpr uint64_t kSectorBytes = 512;
static_assert(kCheckpointHeaderBytes <= kSectorBytes, "the header lands whole or not at all");

/// Opens `path` on a helper and attaches it to the core; `size_bytes` gets its size.
io::Task<Result<io::File>> open_file(io::Reactor& reactor, std::string path,
                                     io::OpenOptions options, uint64_t& size_bytes) {
    const auto opened =
        co_await reactor.run_blocking([&] { return reactor.files().open(path, options); });
    if (!opened) {
        co_return fail(opened.error());
    }
    size_bytes = opened->size_bytes;
    auto file = io::File::attach(reactor, *opened);
    if (!file) {
        co_await reactor.run_blocking([&] { reactor.files().close(opened->descriptor); });
    }
    co_return file;
}

/// A file of `bytes` zeros in place of what is there, synced but for its name. Blocking.
Result<void> make_zero_file(io::FileSystem& files, const std::string& path, uint64_t bytes) {
    const auto opened = files.open(path, {.create = true, .write = true});
    if (!opened) {
        return fail(opened.error());
    }
    auto done = files.truncate(opened->descriptor, 0);
    if (done) {
        done = files.prewrite(opened->descriptor, 0, bytes);
    }
    files.close(opened->descriptor);
    return done;
}

AlignedBytes encode_aligned(const Checkpoint& checkpoint) {
    const std::vector<std::byte> encoded = encode_checkpoint(checkpoint);
    AlignedBytes aligned(encoded.size());
    std::ranges::copy(encoded, aligned.data());
    return aligned;
}

Result<void> remove_if_there(io::FileSystem& files, const std::string& path) {
    const auto removed = files.remove(path);
    if (!removed && removed.error().code != Errc::not_found) {
        return removed;
    }
    return {};
}

/// The slot to write next: an empty or damaged one before a valid one, of two valid ones the older.
size_t older_slot(const std::vector<SlotReading>& readings) {
    const auto age = [](const SlotReading& reading) -> uint64_t {
        if (reading.checkpoint) {
            return reading.checkpoint->number + 2;
        }
        return reading.error->code == Errc::not_found ? 0 : 1;
    };
    return age(readings[0]) <= age(readings[1]) ? 0 : 1;
}

}  // namespace

std::string CheckpointSlots::path(size_t slot) const {
    return fmt::format("{}/checkpoint-{}.{}", directory_, journal_.value(), slot);
}

io::Task<Result<void>> CheckpointSlots::create() {
    auto& files = reactor_.files();
    const auto done = co_await reactor_.run_blocking([&]() -> Result<void> {
        for (size_t slot = 0; slot < kSlots; ++slot) {
            const auto made = make_zero_file(files, path(slot), kSlotBytesFirst);
            if (!made) {
                return made;
            }
        }
        return files.sync_directory(directory_);
    });
    if (done) {
        next_slot_ = 0;
    }
    co_return done;
}

io::Task<Result<std::vector<SlotReading>>> CheckpointSlots::read() {
    std::vector<SlotReading> readings;
    readings.reserve(kSlots);
    for (size_t slot = 0; slot < kSlots; ++slot) {
        readings.push_back(co_await read_slot(slot));
    }
    const auto listed =
        co_await reactor_.run_blocking([&] { return reactor_.files().list(directory_); });
    if (!listed) {
        co_return fail(listed.error());
    }
    next_slot_ = older_slot(readings) ^ (mutant(Mutant::checkpoint_over_newest) ? 1 : 0);
    co_return readings;
}

io::Task<SlotReading> CheckpointSlots::read_slot(size_t slot) {
    uint64_t file_bytes = 0;
    auto file = co_await open_file(reactor_, path(slot), {}, file_bytes);
    if (!file) {
        co_return SlotReading{.error = file.error()};
    }
    AlignedBytes content(kBlockBytes);
    content.zero();
    auto count = co_await read_whole(*file, content.bytes(), 0);
    const auto wanted = count ? checkpoint_bytes(content.bytes(), journal_) : fail(count.error());
    if (wanted && (*wanted > file_bytes || *wanted < kBlockBytes)) {
        file->close();
        co_return SlotReading{.error = Error{.code = Errc::corrupt_file}};
    }
    if (wanted) {
        content = AlignedBytes(*wanted);
        count = co_await read_whole(*file, content.bytes(), 0);
    }
    file->close();
    if (!wanted || !count) {
        co_return SlotReading{.error = wanted ? count.error() : wanted.error()};
    }
    const ByteView bytes = content.bytes().first(*count);
    auto decoded =
        co_await reactor_.run_blocking([&] { return decode_checkpoint(bytes, journal_); });
    if (!decoded) {
        co_return SlotReading{.error = decoded.error()};
    }
    co_return SlotReading{.checkpoint = std::move(*decoded)};
}

io::Task<Result<void>> CheckpointSlots::write(const Checkpoint& checkpoint) {
    RL_ASSERT(checkpoint.journal == journal_ && next_slot_.has_value());
    const AlignedBytes content =
        co_await reactor_.run_blocking([&] { return encode_aligned(checkpoint); });
    uint64_t file_bytes = 0;
    auto file = co_await open_file(reactor_, path(*next_slot_), {.write = true}, file_bytes);
    if (!file && file.error().code != Errc::not_found) {
        co_return fail(file.error());
    }
    Result<void> done;
    if (file && file_bytes >= content.size()) {
        done = co_await overwrite(*file, content);
    } else {
        done = co_await replace(content);
    }
    if (file) {
        file->close();
    }
    if (done) {
        next_slot_ = 1 - *next_slot_;
    }
    co_return done;
}

io::Task<Result<void>> CheckpointSlots::overwrite(io::File& file, const AlignedBytes& content) {
    constexpr auto kFlushed = io::WriteMode::flushed;
    AlignedBytes first_block(kBlockBytes);
    first_block.zero();
    // The old content behind the header stays; where it cannot be read, this write mends it.
    (void)co_await read_whole(file, first_block.bytes(), 0);
    std::memset(first_block.data(), 0, kCheckpointHeaderBytes);
    auto done = co_await write_whole(file, first_block.bytes(), 0, kFlushed);
    if (!done) {
        co_return done;
    }
    std::memcpy(first_block.data(), content.data(), kBlockBytes);
    std::memset(first_block.data(), 0, kCheckpointHeaderBytes);
    done = co_await write_whole(file, first_block.bytes(), 0, kFlushed);
    if (done && content.size() > kBlockBytes) {
        done =
            co_await write_whole(file, content.bytes().subspan(kBlockBytes), kBlockBytes, kFlushed);
    }
    if (!done) {
        co_return done;
    }
    co_return co_await write_whole(file, content.bytes().first(kBlockBytes), 0, kFlushed);
}

io::Task<Result<void>> CheckpointSlots::replace(const AlignedBytes& content) {
    const std::string target = path(*next_slot_);
    const std::string temporary = target + ".tmp";
    auto& files = reactor_.files();
    // Twice what is needed: the next ones are larger too.
    co_return co_await reactor_.run_blocking([&]() -> Result<void> {
        auto done = make_zero_file(files, temporary, 2 * content.size());
        if (!done) {
            return done;
        }
        const auto opened = files.open(temporary, {.write = true});
        if (!opened) {
            return fail(opened.error());
        }
        done = files.write(opened->descriptor, content.bytes(), 0);
        if (done) {
            done = files.sync_data(opened->descriptor);
        }
        files.close(opened->descriptor);
        if (done) {
            done = files.rename(temporary, target);
        }
        return done ? files.sync_directory(directory_) : done;
    });
}

io::Task<Result<void>> CheckpointSlots::remove() {
    auto& files = reactor_.files();
    next_slot_.reset();
    co_return co_await reactor_.run_blocking([&]() -> Result<void> {
        for (size_t slot = 0; slot < kSlots; ++slot) {
            for (const std::string& name : {path(slot), path(slot) + ".tmp"}) {
                const auto removed = remove_if_there(files, name);
                if (!removed) {
                    return removed;
                }
            }
        }
        return files.sync_directory(directory_);
    });
}

}  // namespace ringlog::engine
