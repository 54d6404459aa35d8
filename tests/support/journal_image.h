// Builds the bytes of journal files by hand, frame by frame, and damages them, for tests of
// recovery.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/frame.h"
#include "engine/recovery.h"
#include "engine/window.h"

namespace ringlog::engine {

/// One journal's files in memory.
class JournalImage {
public:
    struct Spec {
        uint64_t salt = 11;
        uint64_t durable_through = 0;
        uint16_t flags = 0;
        std::vector<FrameEntry> entries;
        std::vector<std::byte> payload;
        uint32_t version = kFrameVersion;
    };
    struct Written {
        size_t file = 0;
        uint64_t position = 0;
        uint64_t frame_bytes = 0;
        uint64_t sequence = 0;
    };

    explicit JournalImage(JournalId journal = JournalId(3)) : journal_(journal) {}

    /// A file of zeros.
    void add_file(Generation generation, uint64_t bytes = 64 << 10) {
        files_.push_back({generation, Memory(Window::allocate(bytes)), bytes, {}});
        std::memset(files_.back().data.get(), 0, bytes);
        end_ = 0;
    }
    /// The next frame of the last file, chained to the frame before.
    Written add_frame(const Spec& spec) {
        File& file = files_.back();
        FrameHeader header;
        header.version = spec.version;
        header.salt = spec.salt;
        header.life = spec.salt;  // tests give later lives larger salts
        header.sequence = ++sequence_;
        header.chain = chain_;
        header.durable_through = spec.durable_through;
        header.flags = spec.flags;
        header.payload_bytes = static_cast<uint32_t>(spec.payload.size());
        const Bytes frame(file.data.get() + end_, file.bytes - end_);
        std::ranges::copy(spec.payload, frame.begin() + kFrameHeaderBytes);
        chain_ = seal_frame(frame, header, {journal_, file.generation, end_}, spec.entries);
        const Written written{files_.size() - 1, end_, header.frame_bytes, sequence_};
        end_ += header.frame_bytes;
        return written;
    }
    /// Later frames go here, and continue from there.
    void rewind(const Written& to, uint64_t chain) {
        end_ = to.position;
        sequence_ = to.sequence - 1;
        chain_ = chain;
    }
    [[nodiscard]] uint64_t chain() const { return chain_; }
    void set_sequence(uint64_t last) { sequence_ = last; }

    [[nodiscard]] std::byte* at(const Written& frame, uint64_t offset = 0) {
        return files_[frame.file].data.get() + frame.position + offset;
    }
    void flip(const Written& frame, uint64_t offset) { *at(frame, offset) ^= std::byte{1}; }
    void zero(const Written& frame) { std::memset(at(frame), 0, frame.frame_bytes); }
    void make_unreadable(const Written& frame) {
        zero(frame);
        for (uint64_t i = 0; i < frame.frame_bytes; i += kBlockBytes) {
            files_[frame.file].unreadable.push_back(frame.position + i);
        }
    }
    void make_unreadable_at(size_t file, uint64_t position) {
        files_[file].unreadable.push_back(position);
    }
    void remove_file(size_t index) {
        files_.erase(files_.begin() + static_cast<std::ptrdiff_t>(index));
    }
    void garble_end(std::string_view text) {
        std::memcpy(files_.back().data.get() + end_, text.data(), text.size());
    }

    [[nodiscard]] std::vector<FileView> views() const {
        std::vector<FileView> all;
        for (const File& file : files_) {
            all.push_back(
                {file.generation, ByteView(file.data.get(), file.bytes), file.unreadable});
        }
        return all;
    }
    [[nodiscard]] JournalId journal() const { return journal_; }
    [[nodiscard]] uint64_t end() const { return end_; }

private:
    struct Free {
        void operator()(std::byte* memory) const { Window::release(memory); }
    };
    using Memory = std::unique_ptr<std::byte, Free>;
    struct File {
        Generation generation;
        Memory data;
        uint64_t bytes;
        std::vector<uint64_t> unreadable;
    };

    JournalId journal_;
    std::vector<File> files_;
    uint64_t sequence_ = 0;
    uint64_t chain_ = 0;
    uint64_t end_ = 0;
};

}  // namespace ringlog::engine
