// Reading a journal's files at a start: synced first, so that writes of a killed predecessor cannot
// land later, then read whole; a block that cannot be read is told apart, never guessed. Blocking:
// call on a helper.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/recovery.h"
#include "engine/types.h"
#include "io/file_system.h"

namespace ringlog::engine {

/// A journal file in memory.
struct ScannedFile {
    struct Free {
        void operator()(std::byte* memory) const;
    };
    Generation generation;
    std::unique_ptr<std::byte, Free> data;  ///< From Window::allocate.
    uint64_t bytes = 0;
    std::vector<uint64_t> unreadable;

    [[nodiscard]] FileView view() const {
        return {generation, ByteView(data.get(), bytes), unreadable};
    }
};

/// The files of `directory` from generation `from` on, in order. Memory: as much as the files.
/// Errors: io_failed of the directory or of a sync; a read error is in `unreadable`.
Result<std::vector<ScannedFile>> scan_journal(io::FileSystem& files, const std::string& directory,
                                              Generation from);

}  // namespace ringlog::engine
