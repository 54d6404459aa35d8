// Reading states out of segments. See engine/rebuild.h.
#include "engine/rebuild.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "base/log.h"
#include "engine/manifest.h"
#include "engine/partition_log.h"
#include "engine/segment_directory.h"
#include "engine/segment_reader.h"
#include "engine/segment_store.h"
#include "engine/store.h"
#include "io/file.h"

namespace ringlog::engine {

namespace {

constexpr uint64_t kReadBytes = 1 << 20;
constexpr std::string_view kSegmentSuffix = ".log";

/// A partition's directory, and the base offsets of its segments in order.
struct FoundPartition {
    TopicPartition id;
    std::string directory;
    std::vector<int64_t> segments;
};

template <typename T>
std::optional<T> number_of(std::string_view text) {
    T value{};
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
    return whole && value >= 0 ? std::optional(value) : std::nullopt;
}

std::vector<int64_t> segments_of(const std::vector<io::DirectoryEntry>& entries) {
    std::vector<int64_t> bases;
    for (const io::DirectoryEntry& entry : entries) {
        const std::string_view name = entry.name;
        const auto base = number_of<int64_t>(name.substr(0, name.find('.')));
        if (base && name == segment_file_name(*base, kSegmentSuffix)) {
            bases.push_back(*base);
        }
    }
    std::ranges::sort(bases);
    return bases;
}

/// Blocking.
Result<std::vector<FoundPartition>> find_partitions(io::FileSystem& files, const std::string& root,
                                                    JournalPlace place) {
    const auto listed = files.list(root);
    if (!listed) {
        return fail(listed.error());
    }
    std::vector<FoundPartition> found;
    for (const io::DirectoryEntry& entry : *listed) {
        const size_t dash = entry.name.rfind('-');
        const auto number = dash == std::string::npos || dash == 0
                                ? std::nullopt
                                : number_of<int32_t>(std::string_view(entry.name).substr(dash + 1));
        if (!entry.directory || !number) {
            continue;
        }
        FoundPartition partition;
        partition.directory = root + "/" + entry.name;
        const auto topic_id = read_topic_id(files, partition.directory);
        if (!topic_id || placement_of(*topic_id, *number, place.count) != place.place) {
            continue;
        }
        partition.id = {
            .topic = entry.name.substr(0, dash), .topic_id = *topic_id, .partition = *number};
        const auto inside = files.list(partition.directory);
        if (!inside) {
            return fail(inside.error());
        }
        partition.segments = segments_of(*inside);
        found.push_back(std::move(partition));
    }
    return found;
}

/// Adds the batches of one segment below `end_offset` to `log`, up to the first that does not hold.
io::Task<Result<void>> read_batches(io::Reactor& here, io::File& file, const SegmentRange& range,
                                    int64_t end_offset, PartitionLog& log) {
    io::Semaphore budget(here, std::numeric_limits<int32_t>::max());
    SegmentReader reader(file, budget, range);
    bool begun = false;
    for (;;) {
        const auto batch = co_await reader.next();
        if (!batch && batch.error().code != Errc::corrupt_batch) {
            co_return fail(batch.error());
        }
        if (!batch || !*batch || !(**batch).crc_ok ||
            (**batch).header.last_offset() >= end_offset) {
            co_return Result<void>{};
        }
        const BatchHeader header = (**batch).header;
        if (!begun) {
            log.begin_segment(range.segment_base, here.wall_ms());
            begun = true;
        }
        log.begin_epoch(header.leader_epoch, header.base_offset);
        log.skip_to(header.base_offset);
        log.append(header, here.wall_ms());
    }
}

/// Opens a segment; `size_bytes` gets its size.
io::Task<Result<io::File>> open_segment(io::Reactor& here, std::string path, uint64_t& size_bytes) {
    auto& files = here.files();
    const auto opened = co_await here.run_blocking([&] { return files.open(path, {}); });
    if (!opened) {
        co_return fail(opened.error());
    }
    size_bytes = opened->size_bytes;
    auto file = io::File::attach(here, *opened);
    if (!file) {
        co_await here.run_blocking([&] { files.close(opened->descriptor); });
    }
    co_return file;
}

io::Task<Result<void>> read_segment(io::Reactor& here, std::string path, SegmentRange range,
                                    int64_t end_offset, PartitionLog& log) {
    auto file = co_await open_segment(here, std::move(path), range.valid_bytes);
    if (!file) {
        co_return fail(file.error());
    }
    const auto read = co_await read_batches(here, *file, range, end_offset, log);
    file->close();
    co_return read;
}

io::Task<Result<WholeBatches>> find_end(io::Reactor& here, io::File& file,
                                        const SegmentRange& range) {
    io::Semaphore budget(here, std::numeric_limits<int32_t>::max());
    SegmentReader reader(file, budget, range);
    WholeBatches found;
    for (;;) {
        const auto batch = co_await reader.next();
        if (!batch) {
            co_return fail(batch.error());
        }
        if (!*batch) {
            found.bytes = reader.position();
            co_return found;
        }
        found.max_timestamp = std::max(found.max_timestamp, (**batch).header.max_timestamp);
    }
}

io::Task<Result<std::optional<PartitionState>>> rebuild(io::Reactor& here, FoundPartition found) {
    using Answer = Result<std::optional<PartitionState>>;
    PartitionState begun;
    begun.id = found.id;
    begun.damage = Damage::journal_gap;
    if (!found.segments.empty()) {
        begun.log_start_offset = begun.log_end_offset = found.segments.front();
    }
    PartitionLog log(begun);
    for (size_t i = 0; i < found.segments.size(); ++i) {
        const int64_t base = found.segments[i];
        const int64_t end = i + 1 < found.segments.size() ? found.segments[i + 1]
                                                          : std::numeric_limits<int64_t>::max();
        std::string path = found.directory + "/" + segment_file_name(base, kSegmentSuffix);
        const SegmentRange range{.segment_base = base, .chunk_bytes = kReadBytes};
        const auto read = co_await read_segment(here, std::move(path), range, end, log);
        if (!read) {
            co_return fail(read.error());
        }
    }
    if (log.segments().empty()) {
        co_return Answer(std::nullopt);
    }
    PartitionState state = log.state(Sequence(0));
    state.destaging_base_offset = state.segments.back().base_offset;
    state.destaged_bytes = state.segments.back().bytes;
    log_warn("recovery", "{}: offsets {} to {} are in its segments, and all that is left of it",
             partition_directory_name(state.id), state.log_start_offset, state.log_end_offset - 1);
    co_return Answer(std::move(state));
}

Result<void> rename_if_there(io::FileSystem& files, const std::string& from,
                             const std::string& to) {
    auto renamed = files.rename(from, to);
    return renamed || renamed.error().code == Errc::not_found ? Result<void>{} : renamed;
}

}  // namespace

io::Task<Result<WholeBatches>> whole_batches(io::Reactor& here, std::string path,
                                             int64_t base_offset, uint64_t valid_bytes) {
    uint64_t size_bytes = 0;
    auto file = co_await open_segment(here, std::move(path), size_bytes);
    if (!file) {
        co_return fail(file.error());
    }
    const SegmentRange range{.segment_base = base_offset,
                             .valid_bytes = std::min(valid_bytes, size_bytes),
                             .chunk_bytes = kReadBytes};
    auto end = co_await find_end(here, *file, range);
    file->close();
    co_return end;
}

io::Task<Result<std::vector<PartitionState>>> rebuild_states(io::Reactor& here,
                                                             std::string directory,
                                                             JournalPlace place) {
    auto& files = here.files();
    auto found =
        co_await here.run_blocking([&] { return find_partitions(files, directory, place); });
    if (!found) {
        co_return fail(found.error());
    }
    std::vector<PartitionState> states;
    for (FoundPartition& partition : *found) {
        auto state = co_await rebuild(here, std::move(partition));
        if (!state) {
            co_return fail(state.error());
        }
        if (*state) {
            states.push_back(std::move(**state));
        }
    }
    co_return states;
}

Result<void> set_journal_aside(io::FileSystem& files, const std::string& directory,
                               JournalId journal) {
    for (int slot = 0; slot < 2; ++slot) {
        const std::string path =
            fmt::format("{}/checkpoint-{}.{}", directory, journal.value(), slot);
        auto renamed = rename_if_there(
            files, path,
            fmt::format("{}/given-up.checkpoint.{}.{}", directory, journal.value(), slot));
        if (!renamed) {
            return renamed;
        }
    }
    auto renamed = rename_if_there(files, directory + "/" + journal_directory_name(journal),
                                   fmt::format("{}/given-up.{}", directory, journal.value()));
    return renamed ? files.sync_directory(directory) : renamed;
}

}  // namespace ringlog::engine
