// Whole reads and writes. See engine/whole_io.h.
#include "engine/whole_io.h"

#include <algorithm>

#include "engine/types.h"

namespace ringlog::engine {

namespace {

/// One operation asks for at most this much, so that other operations of the core get between.
constexpr uint64_t kOperationBytesMax = 1 << 20;
/// Operations in a row that may move less than a block: a write that does so more often is broken,
/// a read that moves the same count so often has met the end of the file.
constexpr int kShortOperationsMax = 3;

}  // namespace

io::Task<Result<void>> write_whole(io::File& file, ByteView from, uint64_t position,
                                   io::WriteMode mode) {
    RL_ASSERT(position % kBlockBytes == 0 && from.size() % kBlockBytes == 0);
    uint64_t done = 0;
    int without_progress = 0;
    while (done < from.size()) {
        const uint64_t length = std::min(from.size() - done, kOperationBytesMax);
        const auto moved = co_await file.write(from.subspan(done, length), position + done, mode);
        if (!moved) {
            co_return fail(moved.error());
        }
        const uint64_t whole_blocks = round_down(*moved, kBlockBytes);
        without_progress = whole_blocks == 0 ? without_progress + 1 : 0;
        if (without_progress > kShortOperationsMax) {
            co_return fail(Errc::short_write, 0, static_cast<int64_t>(position + done));
        }
        done += whole_blocks;
    }
    co_return Result<void>{};
}

io::Task<Result<uint64_t>> read_whole(io::File& file, Bytes to, uint64_t position) {
    RL_ASSERT(position % kBlockBytes == 0 && to.size() % kBlockBytes == 0);
    uint64_t done = 0;
    uint64_t last_short = UINT64_MAX;
    int same_count = 0;
    while (done < to.size()) {
        const uint64_t length = std::min(to.size() - done, kOperationBytesMax);
        const auto moved = co_await file.read(to.subspan(done, length), position + done);
        if (!moved) {
            co_return fail(moved.error());
        }
        const uint64_t whole_blocks = round_down(*moved, kBlockBytes);
        if (whole_blocks > 0) {
            done += whole_blocks;
            last_short = UINT64_MAX;
            continue;
        }
        same_count = *moved == last_short ? same_count + 1 : 1;
        last_short = *moved;
        if (same_count == kShortOperationsMax) {
            co_return done + *moved;
        }
    }
    co_return done;
}

}  // namespace ringlog::engine
