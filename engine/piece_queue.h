// The batches of one partition that are in the window, in order of offset, and how many of them are
// in segments already. Memory: one Piece per entry, none while empty. One core.
#pragma once

#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "engine/types.h"
#include "engine/window.h"

namespace ringlog::engine {

/// A batch, or a piece of a large one, in the window.
struct Piece {
    Chunk* chunk = nullptr;
    ByteView bytes;
    Sequence sequence;
    int64_t base_offset = 0;   ///< Of the batch.
    int64_t last_offset = 0;   ///< Of the batch.
    int64_t segment_base = 0;  ///< Where the bytes belong.
    uint64_t segment_position = 0;
    WallMs max_timestamp = -1;
    bool first = true;  ///< The batch begins here,
    bool last = true;   ///< and ends here.
};

/// A queue in a vector: pushed at the back, forgotten from the front.
class PieceQueue {
public:
    [[nodiscard]] size_t size() const { return pieces_.size() - head_; }
    [[nodiscard]] bool empty() const { return size() == 0; }
    [[nodiscard]] const Piece& operator[](size_t index) const { return pieces_[head_ + index]; }
    [[nodiscard]] const Piece& back() const { return pieces_.back(); }

    void push(const Piece& piece) {
        pieces_.push_back(piece);
        undestaged_bytes_ += piece.bytes.size();
    }
    /// The last `count` pieces never happened (a large batch that failed).
    void pop_back(size_t count) {
        for (size_t i = 0; i < count; ++i) {
            undestaged_bytes_ -= pieces_.back().bytes.size();
            pieces_.pop_back();
        }
    }

    /// How many at the front are in segments, by whole batches.
    [[nodiscard]] size_t destaged() const { return destaged_; }
    [[nodiscard]] size_t undestaged() const { return size() - destaged_; }
    [[nodiscard]] uint64_t undestaged_bytes() const { return undestaged_bytes_; }
    void advance_destaged() {
        RL_ASSERT(destaged_ < size());
        undestaged_bytes_ -= (*this)[destaged_].bytes.size();
        ++destaged_;
    }

    /// Pieces in chunks up to `serial`, all destaged, are not in memory any more.
    void forget_through(uint64_t serial) {
        while (!empty() && (*this)[0].chunk->serial <= serial) {
            RL_ASSERT(destaged_ > 0, "a chunk is recycled under undestaged bytes");
            ++head_;
            --destaged_;
        }
        compact();
    }
    void clear() {
        pieces_.clear();
        head_ = destaged_ = 0;
        undestaged_bytes_ = 0;
    }

    /// The highest sequence up to `sequence` that no batch spans: the frame before the first piece
    /// of one that does.
    [[nodiscard]] Sequence whole_through(Sequence sequence) const {
        size_t at = size();
        while (at > 0 && (*this)[at - 1].sequence > sequence) {
            --at;
        }
        if (at == 0 || (*this)[at - 1].last) {
            return sequence;
        }
        while (at > 1 && !(*this)[at - 1].first) {
            --at;
        }
        return (*this)[at - 1].sequence - 1;
    }
    /// The first piece of the batch that holds `offset`, if that batch is whole in memory; size()
    /// if not.
    [[nodiscard]] size_t find(int64_t offset) const {
        const size_t at = find_behind(offset);
        return at < size() && (*this)[at].base_offset <= offset ? at : size();
    }
    /// The first piece of the first batch that ends at or behind `offset`, if it is whole in
    /// memory; size() if not.
    [[nodiscard]] size_t find_behind(int64_t offset) const {
        size_t low = 0;
        size_t high = size();
        while (low < high) {
            const size_t middle = (low + high) / 2;
            if ((*this)[middle].last_offset < offset) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low < size() && (*this)[low].first ? low : size();
    }

private:
    void compact() {
        if (head_ == pieces_.size()) {
            pieces_.clear();
            head_ = 0;
        } else if (head_ >= 64 && head_ * 2 >= pieces_.size()) {
            pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(head_));
            head_ = 0;
        }
    }

    std::vector<Piece> pieces_;
    size_t head_ = 0;
    size_t destaged_ = 0;
    uint64_t undestaged_bytes_ = 0;
};

}  // namespace ringlog::engine
