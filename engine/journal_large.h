// A batch larger than a frame on its way through the journal. Internal to engine/journal*.cc.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/journal.h"

namespace ringlog::engine {

/// Lives in the frame of append_large(); linked into the journal's line of large appends until its
/// last piece is placed.
struct Journal::LargeAppend : ListNode {
    FrameEntry entry;
    ByteView bytes;
    PieceSink& sink;
    FrameNote note;
    size_t placed = 0;  ///< Bytes that are in frames.
    uint16_t pieces = 0;
    Sequence last{0};  ///< The frame of the last piece; 0 until it is placed.
    std::optional<Error> error;
    io::Event progress;

    LargeAppend(io::Reactor& reactor, const FrameEntry& e, ByteView b, PieceSink& s, FrameNote n)
        : entry(e), bytes(b), sink(s), note(n), progress(reactor) {}
    [[nodiscard]] bool finished() const { return last > Sequence(0) || error.has_value(); }
};

}  // namespace ringlog::engine
