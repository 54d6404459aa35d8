// The ordered list of pre-written files of one journal: the live ones, the active one, the spares
// ahead of it. Growing and recycling happen in the background, never on the ack path. One core.
// Explained in docs/journal.md, "Files".
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/types.h"
#include "io/event.h"
#include "io/file.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::engine {

struct JournalFilesOptions {
    std::string directory;  ///< Of this journal alone.
    uint64_t file_bytes =
        8 << 20;  ///< Of a new file; a multiple of kBlockBytes, at least four frames.
    uint64_t bytes_max = 256 << 20;  ///< All files together (`ringlog.journal.bytes`); exceeded
                                     ///< only, and for a while, where nothing could move otherwise.
};

struct JournalFile {
    Generation generation;
    std::string path;
    io::File file;
    uint64_t bytes = 0;
    uint64_t end = 0;     ///< Where the next frame goes.
    Sequence last{0};     ///< The last frame written to it; 0 if none.
    Sequence flushed{0};  ///< `crash`: through which frame a flush has covered it.
};

/// `<20 digits of generation>.journal`.
std::string journal_file_name(Generation generation);
/// The generation of such a name, or 0 if it is none.
Generation journal_file_generation(std::string_view name);

class JournalFiles {
public:
    JournalFiles(io::Reactor& reactor, JournalFilesOptions options);
    ~JournalFiles();

    /// Makes the directory and the first two files, durable when it returns.
    io::Task<Result<void>> create();
    /// Where a journal goes on behind what recovery accepted.
    struct Resume {
        Generation oldest;  ///< Files before it are not needed by any checkpoint slot.
        Generation active;  ///< The file that is appended to,
        uint64_t end = 0;   ///< and where.
        Sequence last{0};   ///< The last accepted frame.
    };
    /// Opens the files that recovery found. Those from `oldest` to `active` are live; the others
    /// are stale: they get new generations before they are used.
    io::Task<Result<void>> open(Resume resume);

    [[nodiscard]] JournalFile& active() { return *live_.back(); }
    [[nodiscard]] const std::deque<std::unique_ptr<JournalFile>>& live() const { return live_; }
    /// Makes the next spare the active file. False if none is ready: wait for ready().
    bool advance();
    io::Event& ready() { return ready_; }

    /// Files before `generation` are not needed any more, and recycled. By file, not by frame: a
    /// checkpoint slot names the file where replay begins, which may hold no frame behind it.
    void free_before(Generation generation);
    /// Bytes of frames that are needed, and what all files may come to.
    [[nodiscard]] uint64_t live_bytes() const;
    [[nodiscard]] uint64_t bytes_max() const { return options_.bytes_max; }
    [[nodiscard]] size_t file_count() const {
        return live_.size() + spares_.size() + freed_.size();
    }

    /// Keeps spares ready until close(). An error stops the growth and is given to `on_error`.
    io::Task<void> maintain(std::function<void(Error)> on_error);
    /// Ends maintain(), which the caller then awaits, after which destroy or close_files().
    void stop();
    void close_files();

private:
    [[nodiscard]] std::string path_of(Generation generation) const;
    io::Task<Result<std::unique_ptr<JournalFile>>> make_file(Generation generation);
    io::Task<Result<std::unique_ptr<JournalFile>>> open_file(Generation generation);
    io::Task<Result<void>> recycle(JournalFile& file);
    io::Task<Result<void>> discard(JournalFile& file);
    io::Task<Result<bool>> add_spare();
    [[nodiscard]] uint64_t total_bytes() const;

    io::Reactor& reactor_;
    JournalFilesOptions options_;
    Generation next_generation_{1};
    std::deque<std::unique_ptr<JournalFile>> live_;  ///< Oldest first; the active one is the last.
    std::deque<std::unique_ptr<JournalFile>>
        spares_;  ///< In order of generation, all behind the active one.
    std::vector<std::unique_ptr<JournalFile>> freed_;  ///< To be recycled.
    bool stopping_ = false;
    io::Event ready_;
    io::Event work_;
};

}  // namespace ringlog::engine
