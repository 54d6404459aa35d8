// Indexes of segments: loaded when they are needed, rebuilt where the files are missing or wrong,
// written as they grow. See engine/segment_store.h; docs/on_disk_format.md, "Sparse indexes", says
// what is believed and when.
#include "engine/segment_store_state.h"

namespace ringlog::engine {

namespace {

constexpr uint64_t kScanChunkBytes = 256 << 10;
/// A file of this size holds more entries than a segment of 2 GiB can need.
constexpr uint64_t kIndexFileBytesMax = 64 << 20;

struct IndexFiles {
    std::vector<std::byte> offsets;
    std::vector<std::byte> times;
};

/// Blocking. The bytes of an index file; nothing if it cannot be read.
std::vector<std::byte> read_index_file(io::FileSystem& files, const std::string& path) {
    const auto opened = files.open(path, {.direct = false});
    if (!opened) {
        return {};
    }
    std::vector<std::byte> bytes(std::min(opened->size_bytes, kIndexFileBytesMax));
    const auto count = files.read(opened->descriptor, bytes, 0);
    files.close(opened->descriptor);
    bytes.resize(count.value_or(0));
    return bytes;
}

/// Blocking. Puts `bytes` at `position`; the file ends behind them. Whatever happens, it never has
/// rows of before behind rows of now.
Result<void> write_index_file(io::FileSystem& files, const std::string& path, ByteView bytes,
                              uint64_t position) {
    const auto opened = files.open(path, {.create = true, .write = true, .direct = false});
    if (!opened) {
        return fail(opened.error());
    }
    Result<void> done;
    if (opened->size_bytes > position) {
        done = files.truncate(opened->descriptor, position);
    }
    if (done && !bytes.empty()) {
        done = files.write(opened->descriptor, bytes, position);
    }
    files.close(opened->descriptor);
    return done;
}

/// Blocking. Cuts the file before its first row that does not rise or is of `offset` (relative) or
/// behind; rows are of `row_bytes`, the offset stands at `offset_at` in them. A file that cannot be
/// cut is removed.
Result<void> cut_index_file(io::FileSystem& files, const std::string& path, size_t row_bytes,
                            size_t offset_at, int64_t offset) {
    const auto opened = files.open(path, {.write = true, .direct = false});
    if (!opened && opened.error().code == Errc::not_found) {
        return Result<void>{};
    }
    Result<void> done = opened ? Result<void>{} : fail(opened.error());
    if (opened) {
        std::vector<std::byte> bytes(std::min(opened->size_bytes, kIndexFileBytesMax));
        const auto count = files.read(opened->descriptor, bytes, 0);
        bytes.resize(count.value_or(0));
        size_t kept = 0;
        for (int64_t last = -1; kept + row_bytes <= bytes.size(); kept += row_bytes) {
            const auto next = load_be<int32_t>(&bytes[kept + offset_at]);
            if (next <= last || next >= offset) {
                break;
            }
            last = next;
        }
        if (kept != opened->size_bytes) {
            done = files.truncate(opened->descriptor, kept);
        }
        files.close(opened->descriptor);
    }
    return done ? done : files.remove(path);
}

}  // namespace

io::Task<Result<void>> SegmentStore::State::cut_index_files(CachedSegment& segment,
                                                            int64_t new_from) {
    if (new_from >= segment.rows_end) {
        co_return Result<void>{};
    }
    while (segment.index_busy) {
        co_await changed.wait();
    }
    const int64_t relative = new_from - segment.base_offset;
    const std::string offsets_path = path(*segment.partition, segment.base_offset, ".index");
    const std::string times_path = path(*segment.partition, segment.base_offset, ".timeindex");
    segment.index_busy = true;
    const auto cut = co_await reactor.run_blocking([&]() -> Result<void> {
        const auto done =
            cut_index_file(reactor.files(), times_path, SegmentIndex::kTimeEntryBytes, 8, relative);
        return done ? cut_index_file(reactor.files(), offsets_path, SegmentIndex::kOffsetEntryBytes,
                                     0, relative)
                    : done;
    });
    segment.index_busy = false;
    segment.files_known = false;
    changed.notify_all();
    if (cut) {
        segment.rows_end = new_from;
    }
    co_return cut;
}

void SegmentStore::State::add_to_index(CachedSegment& segment, const IndexedBatch& batch) {
    if (!segment.index) {
        segment.index.emplace(segment.base_offset, options.index_interval_bytes, batch.position);
        segment.files_known = false;
        touch_index(segment);
    } else if (segment.index->truncate(batch.position)) {
        ++segment.index_changes;
        segment.files_known = false;
    } else if (segment.index->begin() == 0 && !segment.index->is_next(batch)) {
        // It was loaded up to where the file ended some turns ago, and missed what came since.
        segment.index->set_times_complete(false);
    }
    segment.index->add(batch);
    segment.rows_end = batch.last_offset + 1;
}

void SegmentStore::State::touch_index(CachedSegment& segment) {
    if (segment.linked()) {
        segment.unlink();
        --hot_count;
    }
    if (segment.index) {
        hot.push_back(segment);
        ++hot_count;
    }
}

void SegmentStore::State::drop_index(CachedSegment& segment) {
    segment.index.reset();
    segment.files_known = false;
    ++segment.index_changes;
    touch_index(segment);
}

io::Task<Result<void>> SegmentStore::State::load_index(CachedSegment& segment, io::File& file,
                                                       IndexWish wish) {
    while (segment.index_busy) {
        co_await changed.wait();
    }
    const bool complete = segment.index && segment.index->begin() == 0;
    if (complete && (!wish.times || segment.index->times_complete())) {
        touch_index(segment);
        co_return Result<void>{};
    }
    if (!segment.index && wish.valid_bytes == 0) {
        co_return Result<void>{};
    }
    if (complete) {
        // Only its times are wanted: all of it is read again, up to where new batches will come.
        segment.index.emplace(segment.base_offset, options.index_interval_bytes, wish.valid_bytes);
        ++segment.index_changes;
        segment.files_wrong = true;
    }
    segment.index_busy = true;
    const uint64_t limit = segment.index ? segment.index->begin() : wish.valid_bytes;
    auto head = co_await build_index(segment, file, wish, limit);
    segment.index_busy = false;
    changed.notify_all();
    if (!head) {
        co_return fail(head.error());
    }
    const size_t offsets = head->offsets().size();
    if (!segment.index) {
        segment.index = std::move(*head);
    } else {
        // New batches came meanwhile; they may have replaced old ones.
        if (head->truncate(segment.index->begin())) {
            segment.files_known = false;
        }
        segment.index->prepend(std::move(*head));
    }
    segment.persisted_offsets = std::min(segment.persisted_offsets, offsets);
    touch_index(segment);
    co_return Result<void>{};
}

io::Task<Result<SegmentIndex>> SegmentStore::State::build_index(CachedSegment& segment,
                                                                io::File& file, IndexWish wish,
                                                                uint64_t limit) {
    const int64_t base = segment.base_offset;
    const uint32_t interval = options.index_interval_bytes;
    segment.files_known = false;
    if (!segment.files_wrong) {
        const std::string offsets_path = path(*segment.partition, base, ".index");
        const std::string times_path = path(*segment.partition, base, ".timeindex");
        const IndexFiles bytes = co_await reactor.run_blocking([&] {
            return IndexFiles{read_index_file(reactor.files(), offsets_path),
                              read_index_file(reactor.files(), times_path)};
        });
        auto index = SegmentIndex::decode(base, interval, bytes.offsets, bytes.times, limit,
                                          wish.max_timestamp);
        if (index && (index->times_complete() || !wish.times)) {
            segment.persisted_offsets = index->offsets().size();
            segment.persisted_times = index->times().size();
            segment.persisted_position = index->last_position();
            const auto agreed = co_await scan(file, base, *index, limit);
            if (!agreed) {
                co_return fail(agreed.error());
            }
            segment.files_known = *agreed;
            if (*agreed) {
                co_return std::move(*index);
            }
        }
    }
    SegmentIndex index(base, interval, 0);
    const auto scanned = co_await scan(file, base, index, limit);
    if (!scanned) {
        co_return fail(scanned.error());
    }
    segment.files_wrong = false;
    co_return index;
}

io::Task<Result<bool>> SegmentStore::State::scan(io::File& file, int64_t base_offset,
                                                 SegmentIndex& index, uint64_t limit) {
    SegmentReader reader(
        file, read_budget,
        {.segment_base = base_offset, .valid_bytes = limit, .chunk_bytes = kScanChunkBytes});
    std::optional<OffsetEntry> last;
    if (!index.offsets().empty()) {
        last = index.offsets().back();
        reader.seek(last->position, base_offset);
    }
    while (true) {
        const auto batch = co_await reader.next();
        if (!batch && batch.error().code != Errc::corrupt_batch) {
            co_return fail(batch.error());
        }
        const bool there = batch && batch->has_value();
        if (last && (!there || (*batch)->header.last_offset() != last->last_offset)) {
            co_return false;
        }
        if (!there) {
            co_return true;
        }
        last.reset();
        const StoredBatch& stored = **batch;
        if (stored.crc_ok) {
            index.add({.base_offset = stored.header.base_offset,
                       .last_offset = stored.header.last_offset(),
                       .position = stored.position,
                       .max_timestamp = stored.header.max_timestamp});
        }
    }
}

io::Task<void> SegmentStore::State::persist_index(CachedSegment& segment) {
    while (segment.index_busy) {
        co_await changed.wait();
    }
    if (!segment.index || segment.index->begin() != 0) {
        co_return;
    }
    const SegmentIndex& index = *segment.index;
    const bool append = segment.files_known;
    const size_t first_offset = append ? segment.persisted_offsets : 0;
    const size_t first_time = append ? segment.persisted_times : 0;
    const size_t offsets_count = index.offsets().size();
    const size_t times_count = index.times().size();
    const uint64_t position = index.last_position();
    // Incomplete times are not written: what is in the file is a true beginning, or nothing.
    const bool with_times = index.times_complete();
    const IndexFiles bytes{index.encode_offsets(first_offset),
                           with_times ? index.encode_times(first_time) : std::vector<std::byte>()};
    const std::string offsets_path = path(*segment.partition, segment.base_offset, ".index");
    const std::string times_path = path(*segment.partition, segment.base_offset, ".timeindex");
    const uint64_t changes = segment.index_changes;
    segment.index_busy = true;
    const auto written = co_await reactor.run_blocking([&]() -> Result<void> {
        if (with_times || !append) {
            const auto done = write_index_file(reactor.files(), times_path, bytes.times,
                                               first_time * SegmentIndex::kTimeEntryBytes);
            if (!done) {
                return done;
            }
        }
        return write_index_file(reactor.files(), offsets_path, bytes.offsets,
                                first_offset * SegmentIndex::kOffsetEntryBytes);
    });
    segment.index_busy = false;
    changed.notify_all();
    segment.files_known = written && changes == segment.index_changes;
    segment.persisted_offsets = offsets_count;
    segment.persisted_times = with_times ? times_count : first_time;
    segment.persisted_position = position;
}

io::Task<void> SegmentStore::State::drop_cold_indexes() {
    while (hot_count > options.hot_indexes_max) {
        CachedSegment* victim = hot.front();
        while (victim != nullptr && victim->index_busy) {
            victim = hot.next(*victim);
        }
        if (victim == nullptr) {
            co_return;
        }
        const Use use(*this, victim->partition->shared_from_this());
        if (!victim->index->offsets().empty()) {
            co_await persist_index(*victim);
        }
        if (victim->index && !victim->index_busy) {
            drop_index(*victim);
        }
    }
}

}  // namespace ringlog::engine
