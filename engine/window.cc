// Chunks and their recycling. See engine/window.h.
#include "engine/window.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/assert.h"
#include "base/mutant.h"

namespace ringlog::engine {

namespace {

/// Chunks that are kept free beyond the half at which the destager is asked to make room.
constexpr size_t kPressureFraction = 2;
constexpr size_t kHugePageBytes = 2 << 20;

}  // namespace

std::byte* Window::allocate(uint64_t bytes) {
    const uint64_t alignment = bytes >= kHugePageBytes ? kHugePageBytes : kBlockBytes;
    void* data = std::aligned_alloc(alignment, round_up(bytes, alignment));
    RL_ASSERT(data != nullptr, "out of memory: {} bytes", bytes);
    return static_cast<std::byte*>(data);
}

void Window::release(std::byte* data) {
    std::free(data);
}

Window::Window(io::Reactor& reactor, WindowOptions options, WindowObserver& observer)
    : reactor_(reactor),
      options_(options),
      observer_(observer),
      chunks_max_(std::max<size_t>(3, options.bytes / options.chunk_bytes)),
      space_(reactor) {}

Window::~Window() {
    for (const auto& chunk : chunks_) {
        RL_ASSERT(chunk->pins.load(std::memory_order_acquire) == 0, "a slice outlives its window");
        release(chunk->data);
    }
}

Chunk* Window::take_free(bool reserve) {
    if (!free_.empty()) {
        Chunk* chunk = free_.back();
        free_.pop_back();
        return chunk;
    }
    if (!reserve && chunk_count_ >= chunks_max_ + options_.spare_chunks) {
        return nullptr;
    }
    auto chunk = std::make_unique<Chunk>();
    chunk->data = allocate(options_.chunk_bytes);
    chunk->bytes = options_.chunk_bytes;
    chunk->buffer_index = reactor_.backend().register_memory({chunk->data, chunk->bytes});
    allocated_bytes_ += chunk->bytes;
    ++chunk_count_;
    chunks_.push_back(std::move(chunk));
    return chunks_.back().get();
}

void Window::collect_pinned() {
    std::erase_if(pinned_, [this](Chunk* chunk) {
        if (chunk->pins.load(std::memory_order_acquire) != 0) {
            return false;
        }
        free_.push_back(chunk);
        return true;
    });
}

bool Window::recycle_oldest() {
    Chunk* oldest = in_use_.front();
    if (oldest == current_ || oldest->undestaged_pieces > 0 || oldest->unwritten_frames > 0) {
        return false;
    }
    in_use_.pop_front();
    if (!mutant(Mutant::recycled_chunk_readable)) {
        observer_.on_chunk_recycled(*oldest);
    }
    oldest->partitions.clear();
    oldest->used = 0;
    if (oldest->adopted) {
        --adopted_in_use_;
        // Kept until the window ends if a reader holds it; there are few, and only after a start.
        if (oldest->pins.load(std::memory_order_acquire) == 0) {
            release(oldest->data);
            allocated_bytes_ -= oldest->bytes;
            std::erase_if(chunks_, [oldest](const auto& chunk) { return chunk.get() == oldest; });
        }
        return true;
    }
    if (oldest->pins.load(std::memory_order_acquire) == 0 || mutant(Mutant::pinned_chunk_reused)) {
        free_.push_back(oldest);
    } else {
        pinned_.push_back(oldest);
    }
    return true;
}

bool Window::advance(bool reserve) {
    collect_pinned();
    while (in_use_.size() - adopted_in_use_ >= chunks_max_) {
        if (!recycle_oldest()) {
            if (!reserve) {
                return false;
            }
            break;
        }
    }
    Chunk* chunk = take_free(reserve);
    if (chunk == nullptr) {
        return false;
    }
    chunk->serial = next_serial_++;
    chunk->used = 0;
    current_ = chunk;
    in_use_.push_back(chunk);
    return true;
}

bool Window::fits(size_t chunks) {
    while (in_use_.size() - adopted_in_use_ > chunks) {
        if (!recycle_oldest()) {
            return false;
        }
    }
    return true;
}

Chunk& Window::adopt(std::byte* data, uint32_t bytes) {
    auto chunk = std::make_unique<Chunk>();
    chunk->data = data;
    chunk->bytes = bytes;
    chunk->used = bytes;
    chunk->serial = next_serial_++;
    chunk->adopted = true;
    allocated_bytes_ += bytes;
    ++adopted_in_use_;
    in_use_.push_back(chunk.get());
    chunks_.push_back(std::move(chunk));
    return *chunks_.back();
}

void Window::drop_if_unused(Chunk& chunk) {
    if (chunk.partitions.empty() && chunk.undestaged_pieces == 0) {
        --adopted_in_use_;
        std::erase(in_use_, &chunk);
        release(chunk.data);
        allocated_bytes_ -= chunk.bytes;
        std::erase_if(chunks_, [&chunk](const auto& owned) { return owned.get() == &chunk; });
    }
}

void Window::piece_destaged(Chunk& chunk) {
    RL_ASSERT(chunk.undestaged_pieces > 0);
    if (--chunk.undestaged_pieces == 0) {
        space_.notify_all();
    }
}

void Window::frame_written(Chunk& chunk) {
    RL_ASSERT(chunk.unwritten_frames > 0);
    if (--chunk.unwritten_frames == 0) {
        space_.notify_all();
    }
}

bool Window::may_pin(const Chunk& chunk) const {
    if (chunk.pins.load(std::memory_order_relaxed) > 0) {
        return true;
    }
    // A pinned chunk that is recycled under its reader is replaced from the spares: no more may be
    // pinned than there are.
    const auto pinned = std::ranges::count_if(
        in_use_, [](const Chunk* used) { return used->pins.load(std::memory_order_relaxed) > 0; });
    return static_cast<size_t>(pinned) + pinned_.size() < options_.spare_chunks;
}

uint64_t Window::pressure_serial() const {
    const size_t comfortable = chunks_max_ / kPressureFraction;
    if (in_use_.size() <= comfortable) {
        return 0;
    }
    return in_use_[in_use_.size() - comfortable - 1]->serial;
}

bool Window::wants_chunk() const {
    return !preparing_ && free_.empty() && chunk_count_ < chunks_max_ && current_ != nullptr &&
           current_->used > current_->bytes / 2;
}

io::Task<void> Window::prepare() {
    if (!wants_chunk()) {
        co_return;
    }
    preparing_ = true;
    const uint32_t bytes = options_.chunk_bytes;
    std::byte* data = co_await reactor_.run_blocking([bytes] {
        std::byte* fresh = allocate(bytes);
        std::memset(fresh, 0, bytes);  // touched here, not by the first frames
        return fresh;
    });
    auto chunk = std::make_unique<Chunk>();
    chunk->data = data;
    chunk->bytes = bytes;
    chunk->buffer_index = reactor_.backend().register_memory({data, bytes});
    allocated_bytes_ += bytes;
    ++chunk_count_;
    free_.push_back(chunk.get());
    chunks_.push_back(std::move(chunk));
    preparing_ = false;
    space_.notify_all();
}

}  // namespace ringlog::engine
