// Whole reads and writes. See engine/whole_io.h.
#include "engine/whole_io.h"

#include <algorithm>

#include "engine/types.h"

namespace ringlog::engine {

namespace {

/// One operation asks for at most this much, so that other operations of the core get between.
constexpr uint64_t kOperationBytesMax = 1 << 20;

}  // namespace

io::Task<Result<void>> write_whole(io::File& file, ByteView from, uint64_t position,
                                   io::WriteMode mode) {
    RL_ASSERT(position % kBlockBytes == 0 && from.size() % kBlockBytes == 0);
    uint64_t done = 0;
    while (done < from.size()) {
        const uint64_t length = std::min(from.size() - done, kOperationBytesMax);
        const auto moved = co_await file.write(from.subspan(done, length), position + done, mode);
        if (!moved) {
            co_return fail(moved.error());
        }
        const uint64_t whole_blocks = round_down(*moved, kBlockBytes);
        if (whole_blocks == 0) {
            co_return fail(Errc::short_write, 0, static_cast<int64_t>(position + done));
        }
        done += whole_blocks;
    }
    co_return Result<void>{};
}

io::Task<Result<uint64_t>> read_whole(io::File& file, Bytes to, uint64_t position) {
    RL_ASSERT(position % kBlockBytes == 0 && to.size() % kBlockBytes == 0);
    uint64_t done = 0;
    while (done < to.size()) {
        const uint64_t length = std::min(to.size() - done, kOperationBytesMax);
        const auto moved = co_await file.read(to.subspan(done, length), position + done);
        if (!moved) {
            co_return fail(moved.error());
        }
        const uint64_t whole_blocks = round_down(*moved, kBlockBytes);
        if (whole_blocks == 0) {
            co_return done + *moved;
        }
        done += whole_blocks;
    }
    co_return done;
}

}  // namespace ringlog::engine
