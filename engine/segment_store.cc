// Segment files: made, written, cut, closed and deleted. See engine/segment_store.h.
#include "engine/segment_store.h"

#include <algorithm>
#include <cstring>

#include "base/mutant.h"
#include "engine/segment_directory.h"
#include "engine/segment_store_state.h"
#include "engine/whole_io.h"

namespace ringlog::engine {

namespace {

/// After this many bytes of batches, their entries go to the index files: what a start after a
/// crash has to read again.
constexpr uint64_t kPersistIntervalBytes = 8 << 20;
constexpr uint64_t kSecondTierFactor = 16;
/// Writes from memory that is not aligned go through a copy of at most this size.
constexpr uint64_t kCopyBytesMax = 256 << 10;

/// Blocking. Makes a segment file of `bytes`, its name durable.
Result<io::OpenedFile> create_segment(io::FileSystem& files, const std::string& directory,
                                      const std::string& path, uint64_t bytes) {
    auto opened = files.open(path, {.create = true, .write = true});
    if (!opened) {
        return opened;
    }
    auto done = files.preallocate(opened->descriptor, 0, bytes);
    if (done) {
        done = files.sync_directory(directory);
    }
    if (!done) {
        files.close(opened->descriptor);
        return fail(done.error());
    }
    opened->size_bytes = bytes;
    return opened;
}

Result<void> truncate_file(io::FileSystem& files, const std::string& path, uint64_t bytes) {
    const auto opened = files.open(path, {.write = true, .direct = false});
    if (!opened) {
        const bool nothing = bytes == 0 && opened.error().code == Errc::not_found;
        return nothing ? Result<void>{} : fail(opened.error());
    }
    Result<void> done;
    if (opened->size_bytes != bytes) {
        done = files.truncate(opened->descriptor, bytes);
    }
    files.close(opened->descriptor);
    return done;
}

io::Task<Result<void>> write_aligned(io::File& file, ByteView bytes, uint64_t position) {
    if (reinterpret_cast<uintptr_t>(bytes.data()) % kBlockBytes == 0) {
        co_return co_await write_whole(file, bytes, position, io::WriteMode::plain);
    }
    const AlignedBytes copy(std::min<uint64_t>(bytes.size(), kCopyBytesMax));
    for (uint64_t done = 0; done < bytes.size();) {
        const uint64_t length = std::min(copy.size(), bytes.size() - done);
        std::memcpy(copy.data(), bytes.data() + done, length);
        const auto written = co_await write_whole(file, copy.bytes().first(length), position + done,
                                                  io::WriteMode::plain);
        if (!written) {
            co_return written;
        }
        done += length;
    }
    co_return Result<void>{};
}

}  // namespace

SegmentStore::State::PartitionPtr SegmentStore::State::partition(const TopicPartition& id) {
    PartitionPtr& partition = partitions[{id.topic_id, id.partition}];
    if (!partition) {
        partition = std::make_shared<CachedPartition>();
        partition->directory = options.directory + "/" + partition_directory_name(id);
    }
    return partition;
}

CachedSegment& SegmentStore::State::segment(CachedPartition& partition, int64_t base_offset) {
    auto& segment = partition.segments[base_offset];
    if (!segment) {
        segment = std::make_unique<CachedSegment>();
        segment->partition = &partition;
        segment->base_offset = base_offset;
    }
    return *segment;
}

std::string SegmentStore::State::path(const CachedPartition& partition, int64_t base_offset,
                                      std::string_view suffix) {
    return partition.directory + "/" + segment_file_name(base_offset, suffix);
}

uint64_t SegmentStore::State::tier(const CachedPartition& partition, uint64_t end) const {
    const uint64_t first = options.preallocate_first_bytes;
    const uint64_t shown = std::min(partition.shown_bytes, options.preallocate_most_bytes);
    const uint64_t wanted = std::max(end, shown);
    uint64_t size = first;
    while (size < wanted) {
        size *= size == first ? kSecondTierFactor : 2;
    }
    // Where its segments have been of one size, the next one is as large and no larger.
    const uint64_t most =
        shown >= end && shown > 0 ? round_up(shown, first) : options.preallocate_most_bytes;
    return std::max(std::min(size, most), round_up(end, kBlockBytes));
}

io::Task<Result<DescriptorCache::Lease>> SegmentStore::State::open_reader(CachedSegment& segment) {
    const std::string name = path(*segment.partition, segment.base_offset, ".log");
    co_return co_await descriptors.acquire(segment.reader,
                                           [&] { return reactor.files().open(name, {}); });
}

io::Task<Result<DescriptorCache::Lease>> SegmentStore::State::open_writer(CachedSegment& segment,
                                                                          uint64_t end) {
    const std::string& directory = segment.partition->directory;
    const std::string name = path(*segment.partition, segment.base_offset, ".log");
    const uint64_t size = tier(*segment.partition, end);
    co_return co_await descriptors.acquire(segment.writer, [&]() -> Result<io::OpenedFile> {
        auto opened = reactor.files().open(name, {.write = true});
        if (!opened && opened.error().code == Errc::not_found) {
            opened = create_segment(reactor.files(), directory, name, size);
        }
        if (opened) {
            segment.allocated_bytes = opened->size_bytes;
        }
        return opened;
    });
}

io::Task<Result<void>> SegmentStore::State::reserve(CachedSegment& segment, uint64_t end) {
    if (end <= segment.allocated_bytes) {
        co_return Result<void>{};
    }
    const std::string name = path(*segment.partition, segment.base_offset, ".log");
    const uint64_t from = segment.allocated_bytes;
    const uint64_t to = tier(*segment.partition, end);
    auto& files = reactor.files();
    const auto done = co_await reactor.run_blocking([&]() -> Result<void> {
        const auto opened = files.open(name, {.write = true, .direct = false});
        if (!opened) {
            return fail(opened.error());
        }
        const auto reserved = files.preallocate(opened->descriptor, from, to);
        files.close(opened->descriptor);
        return reserved;
    });
    if (done) {
        segment.allocated_bytes = to;
    }
    co_return done;
}

io::Task<void> SegmentStore::State::forget(PartitionPtr partition, bool persist) {
    while (partition->operations > 0 || persist) {
        while (partition->operations > 0) {
            co_await changed.wait();
        }
        if (persist) {
            const Use use(*this, partition);
            for (auto& [base_offset, segment] : partition->segments) {
                if (segment->index && segment->index->begin() == 0 &&
                    !segment->index->offsets().empty()) {
                    segment->index->finish_times();
                    co_await persist_index(*segment);
                }
            }
            persist = false;
        }
    }
    const auto known =
        std::ranges::find(partitions, partition, [](const auto& p) { return p.second; });
    if (known == partitions.end()) {
        co_return;  // Somebody else forgot it meanwhile.
    }
    for (auto& [base_offset, segment] : partition->segments) {
        descriptors.forget(segment->reader);
        descriptors.forget(segment->writer);
        drop_index(*segment);
    }
    partitions.erase(known);
}

SegmentStore::SegmentStore(io::Reactor& reactor, SegmentStoreOptions options)
    : state_(std::make_unique<State>(reactor, std::move(options))) {}

SegmentStore::~SegmentStore() {
    RL_ASSERT(state_->partitions.empty(), "close() was not awaited");
}

io::Task<Result<void>> SegmentStore::create_partition(const TopicPartition& id) {
    const std::string& root = state_->options.directory;
    auto& files = state_->reactor.files();
    co_return co_await state_->reactor.run_blocking(
        [&] { return make_partition_directory(files, root, id); });
}

io::Task<Result<void>> SegmentStore::write(const TopicPartition& id, int64_t base_offset,
                                           uint64_t position, ByteView bytes, int64_t new_from) {
    RL_ASSERT(position % kBlockBytes == 0 && bytes.size() % kBlockBytes == 0);
    State& state = *state_;
    const State::Use partition(state, state.partition(id));
    CachedSegment& segment = State::segment(*partition, base_offset);
    const uint64_t end = position + bytes.size();
    Result<void> done = co_await state.cut_index_files(segment, new_from);
    if (!done) {
        co_return done;
    }
    {
        const auto lease = co_await state.open_writer(segment, end);
        if (!lease) {
            co_return fail(lease.error());
        }
        done = co_await state.reserve(segment, end);
        if (done) {
            done = co_await write_aligned(lease->file(), bytes, position);
        }
    }
    if (!done) {
        co_return done;
    }
    const uint64_t persisted = segment.files_known ? segment.persisted_position : 0;
    if (segment.index && segment.index->last_position() >=
                             std::max(segment.index->begin(), persisted) + kPersistIntervalBytes) {
        if (segment.index->begin() != 0) {
            const auto lease = co_await state.open_reader(segment);
            if (lease) {
                (void)co_await state.load_index(segment, lease->file(), {});
            }
        }
        co_await state.persist_index(segment);
    }
    co_await state.drop_cold_indexes();
    co_return done;
}

void SegmentStore::index(const TopicPartition& id, int64_t base_offset, const IndexedBatch& batch) {
    const State::PartitionPtr partition = state_->partition(id);
    state_->add_to_index(State::segment(*partition, base_offset), batch);
}

io::Task<Result<void>> SegmentStore::seal(const TopicPartition& id, const SegmentState& segment) {
    State& state = *state_;
    const State::Use partition(state, state.partition(id));
    CachedSegment& cached = State::segment(*partition, segment.base_offset);
    if (segment.bytes > 0) {
        const auto lease = co_await state.open_reader(cached);
        if (!lease) {
            co_return fail(lease.error());
        }
        const auto loaded = co_await state.load_index(
            cached, lease->file(),
            {.valid_bytes = segment.bytes, .times = true, .max_timestamp = segment.max_timestamp});
        if (loaded && cached.index) {
            cached.index->finish_times();
            co_await state.persist_index(cached);
        }
    }
    state.descriptors.forget(cached.writer);
    const std::string name = State::path(*partition, segment.base_offset, ".log");
    const uint64_t end =
        mutant(Mutant::segment_cut_short) ? round_down(segment.bytes, kBlockBytes) : segment.bytes;
    const auto cut = co_await state.reactor.run_blocking(
        [&] { return truncate_file(state.reactor.files(), name, end); });
    if (cut) {
        partition->shown_bytes = std::max(partition->shown_bytes, segment.bytes);
    }
    co_return cut;
}

io::Task<void> SegmentStore::evict(const TopicPartition& id) {
    const auto known = state_->partitions.find({id.topic_id, id.partition});
    if (known != state_->partitions.end()) {
        co_await state_->forget(known->second, true);
    }
}

io::Task<Result<void>> SegmentStore::rename_deleted(const TopicPartition& id) {
    const auto known = state_->partitions.find({id.topic_id, id.partition});
    if (known != state_->partitions.end()) {
        co_await state_->forget(known->second, false);
    }
    auto& files = state_->reactor.files();
    const std::string& root = state_->options.directory;
    co_return co_await state_->reactor.run_blocking(
        [&] { return rename_partition_directory_deleted(files, root, id); });
}

io::Task<Result<void>> SegmentStore::remove_deleted() {
    auto& reactor = state_->reactor;
    const std::string root = state_->options.directory;
    const auto entries = co_await reactor.run_blocking([&] { return reactor.files().list(root); });
    if (!entries) {
        co_return fail(entries.error());
    }
    Result<void> first_error;
    for (const io::DirectoryEntry& entry : *entries) {
        if (!entry.directory || !is_deleted_directory_name(entry.name)) {
            continue;
        }
        const std::string directory = root + "/" + entry.name;
        const auto names =
            co_await reactor.run_blocking([&] { return reactor.files().list(directory); });
        Result<void> removed;
        for (size_t i = 0; names && removed && i < names->size(); ++i) {
            const std::string name = directory + "/" + (*names)[i].name;
            removed = co_await reactor.run_blocking([&] { return reactor.files().remove(name); });
        }
        if (!names) {
            removed = fail(names.error());
        }
        if (removed) {
            removed =
                co_await reactor.run_blocking([&] { return reactor.files().remove(directory); });
        }
        if (!removed && first_error) {
            first_error = removed;
        }
    }
    co_return first_error;
}

io::Task<void> SegmentStore::close() {
    while (!state_->partitions.empty()) {
        co_await state_->forget(state_->partitions.begin()->second, true);
    }
}

}  // namespace ringlog::engine
