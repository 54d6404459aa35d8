// The memory that frames are built in and read from: chunks of equal size, filled in order,
// recycled first in first out once nothing in them waits for the segments. One core; slices may be
// read and released on any core. Explained in docs/data_path.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "engine/types.h"
#include "io/event.h"
#include "io/reactor.h"

namespace ringlog::engine {

/// One piece of the window's memory.
struct Chunk {
    std::byte* data = nullptr;
    uint32_t bytes = 0;
    uint32_t used = 0;          ///< Where the next frame may begin; a multiple of kBlockBytes.
    uint64_t serial = 0;        ///< Counts chunks in the order in which they were taken, from 1.
    int16_t buffer_index = -1;  ///< Of the registered buffer, or -1.
    bool adopted = false;       ///< Recovery's: freed instead of reused.
    uint32_t undestaged_pieces = 0;           ///< Pieces in it that are not in a segment yet.
    uint32_t unwritten_frames = 0;            ///< Frames in it that are being built or written.
    std::vector<PartitionNumber> partitions;  ///< Who has pieces in it.
    std::atomic<uint32_t> pins{
        0};  ///< Slices that readers hold, of any core. Release pairs with recycle().
};

/// A counted view into a chunk. Copy and release on any core: the bytes stay until the last one is
/// gone.
class Slice {
public:
    Slice() = default;
    Slice(Chunk& chunk, ByteView bytes) : chunk_(&chunk), bytes_(bytes) {
        chunk.pins.fetch_add(1, std::memory_order_relaxed);
    }
    Slice(const Slice& other) : chunk_(other.chunk_), bytes_(other.bytes_) {
        if (chunk_ != nullptr) {
            chunk_->pins.fetch_add(1, std::memory_order_relaxed);
        }
    }
    Slice(Slice&& other) noexcept
        : chunk_(std::exchange(other.chunk_, nullptr)), bytes_(std::exchange(other.bytes_, {})) {}
    Slice& operator=(Slice other) noexcept {
        std::swap(chunk_, other.chunk_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~Slice() {
        if (chunk_ != nullptr) {
            chunk_->pins.fetch_sub(1, std::memory_order_release);
        }
    }

    [[nodiscard]] ByteView bytes() const { return bytes_; }

private:
    Chunk* chunk_ = nullptr;
    ByteView bytes_;
};

struct WindowOptions {
    uint64_t bytes = 64 << 20;       ///< `ringlog.window.bytes`: what frames may fill.
    uint32_t chunk_bytes = 2 << 20;  ///< At least one frame of the largest size.
    uint32_t spare_chunks = 8;  ///< Chunks beyond, that replace those which readers still hold.
};

/// Told when a chunk is about to be reused: whoever indexes its bytes forgets them.
class WindowObserver {
public:
    virtual ~WindowObserver() = default;
    virtual void on_chunk_recycled(const Chunk& chunk) = 0;
};

class Window {
public:
    Window(io::Reactor& reactor, WindowOptions options, WindowObserver& observer);
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;
    ~Window();

    /// The chunk that is being filled; nullptr before the first advance().
    [[nodiscard]] Chunk* current() { return current_; }
    /// Begins the next chunk. False if there is no room: everything waits for the segments or,
    /// beyond the spare chunks, for readers. Then wait for `space()` and ask again. `reserve`: what
    /// makes room always gets memory, beyond the window if need be (a few KiB per partition that is
    /// being destaged).
    bool advance(bool reserve);
    /// At most so many chunks are in use, after recycling what can be.
    [[nodiscard]] bool fits(size_t chunks);
    [[nodiscard]] uint32_t chunk_bytes() const { return options_.chunk_bytes; }
    /// Notified when advance() may succeed again.
    io::Event& space() { return space_; }

    /// Recovery: takes memory that already holds frames as the oldest chunk. `data` is from
    /// allocate().
    Chunk& adopt(std::byte* data, uint32_t bytes);
    /// Recovery: the adopted chunk holds nothing that is needed.
    void drop_if_unused(Chunk& chunk);
    /// Aligned to kBlockBytes; the content is not defined.
    static std::byte* allocate(uint64_t bytes);
    static void release(std::byte* data);

    /// A piece in `chunk` reached its segment.
    void piece_destaged(Chunk& chunk);
    /// A frame in `chunk` was written.
    void frame_written(Chunk& chunk);
    /// True if the chunk may be pinned: as many chunks as there are spares at the most. If not, the
    /// reader copies.
    [[nodiscard]] bool may_pin(const Chunk& chunk) const;
    /// The serial up to which chunks should be destaged now so that advance() does not have to
    /// wait.
    [[nodiscard]] uint64_t pressure_serial() const;
    /// Chunks that hold bytes which are not in a segment yet.
    [[nodiscard]] size_t chunks_in_use() const { return in_use_.size(); }
    [[nodiscard]] size_t chunks_max() const { return chunks_max_; }
    [[nodiscard]] uint64_t allocated_bytes() const { return allocated_bytes_; }

    /// True if prepare() would do something.
    [[nodiscard]] bool wants_chunk() const;
    /// Touches one more chunk's memory in the background if the next advance() would have to (a
    /// first touch costs microseconds per page).
    io::Task<void> prepare();

private:
    [[nodiscard]] bool recycle_oldest();
    void collect_pinned();
    Chunk* take_free(bool reserve);

    io::Reactor& reactor_;
    WindowOptions options_;
    WindowObserver& observer_;
    size_t chunks_max_;
    uint64_t next_serial_ = 1;
    uint64_t allocated_bytes_ = 0;
    size_t chunk_count_ = 0;  ///< Without adopted ones.
    size_t adopted_in_use_ = 0;
    Chunk* current_ = nullptr;
    std::deque<Chunk*> in_use_;  ///< Oldest first; the current one is the last.
    std::vector<Chunk*> free_;
    std::vector<Chunk*> pinned_;  ///< Recycled, but readers still hold them.
    std::vector<std::unique_ptr<Chunk>> chunks_;
    bool preparing_ = false;
    io::Event space_;
};

}  // namespace ringlog::engine
