// Files of the journal and their recycling. See engine/journal_files.h.
#include "engine/journal_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/mutant.h"

namespace ringlog::engine {

namespace {

constexpr size_t kSparesReady = 2;
/// After a full disk nobody may tell that there is room again.
constexpr int64_t kLookAgainNs = kSecondNs;
constexpr std::string_view kSuffix = ".journal";
constexpr size_t kDigits = 20;

}  // namespace

std::string journal_file_name(Generation generation) {
    return fmt::format("{:020}{}", generation.value(), kSuffix);
}

Generation journal_file_generation(std::string_view name) {
    uint64_t value = 0;
    if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) {
        return Generation(0);
    }
    const char* end = name.data() + kDigits;
    const auto parsed = std::from_chars(name.data(), end, value);
    return Generation(parsed.ptr == end && parsed.ec == std::errc{} ? value : 0);
}

JournalFiles::JournalFiles(io::Reactor& reactor, JournalFilesOptions options)
    : reactor_(reactor), options_(std::move(options)), ready_(reactor), work_(reactor) {}

JournalFiles::~JournalFiles() {
    close_files();
}

void JournalFiles::close_files() {
    const auto close = [](auto& files) {
        for (auto& file : files) {
            file->file.close();
        }
        files.clear();
    };
    close(live_);
    close(spares_);
    close(freed_);
}

std::string JournalFiles::path_of(Generation generation) const {
    return options_.directory + "/" + journal_file_name(generation);
}

uint64_t JournalFiles::total_bytes() const {
    uint64_t bytes = 0;
    const auto add = [&bytes](const auto& files) {
        for (const auto& file : files) {
            bytes += file->bytes;
        }
    };
    add(live_);
    add(spares_);
    add(freed_);
    return bytes;
}

uint64_t JournalFiles::live_bytes() const {
    uint64_t bytes = 0;
    for (const auto& file : live_) {
        bytes += file->end;
    }
    return bytes;
}

io::Task<Result<std::unique_ptr<JournalFile>>> JournalFiles::make_file(Generation generation) {
    auto file = std::make_unique<JournalFile>();
    file->generation = generation;
    file->path = path_of(generation);
    file->bytes = options_.file_bytes;
    auto& files = reactor_.files();
    const std::string path = file->path;
    const std::string directory = options_.directory;
    const uint64_t bytes = file->bytes;
    auto opened = co_await reactor_.run_blocking([&]() -> Result<io::OpenedFile> {
        auto made = files.open(path, {.create = true, .write = true});
        if (!made) {
            return made;
        }
        auto written = files.prewrite(made->descriptor, 0, bytes);
        if (written && !mutant(Mutant::skip_sync_of_new_file)) {
            written = files.sync_directory(directory);
        }
        if (!written) {
            files.close(made->descriptor);
            (void)files.remove(
                path);  // half a file helps nobody; the error that matters is returned
            return fail(written.error());
        }
        return made;
    });
    if (!opened) {
        co_return fail(opened.error());
    }
    auto attached = io::File::attach(reactor_, *opened);
    if (!attached) {
        co_await reactor_.run_blocking([&] { files.close(opened->descriptor); });
        co_return fail(attached.error());
    }
    file->file = std::move(*attached);
    co_return file;
}

io::Task<Result<std::unique_ptr<JournalFile>>> JournalFiles::open_file(Generation generation) {
    auto file = std::make_unique<JournalFile>();
    file->generation = generation;
    file->path = path_of(generation);
    auto& files = reactor_.files();
    const std::string path = file->path;
    auto opened = co_await reactor_.run_blocking([&] { return files.open(path, {.write = true}); });
    if (!opened) {
        co_return fail(opened.error());
    }
    file->bytes = round_down(opened->size_bytes, kBlockBytes);
    auto attached = io::File::attach(reactor_, *opened);
    if (!attached) {
        co_await reactor_.run_blocking([&] { files.close(opened->descriptor); });
        co_return fail(attached.error());
    }
    file->file = std::move(*attached);
    co_return file;
}

io::Task<Result<void>> JournalFiles::create() {
    auto& files = reactor_.files();
    const std::string directory = options_.directory;
    auto made = co_await reactor_.run_blocking([&]() -> Result<void> {
        auto created = files.make_directory(directory);
        if (!created && created.error().code != Errc::exists) {
            return created;
        }
        return files.sync_directory(directory.substr(0, directory.rfind('/')));
    });
    if (!made) {
        co_return made;
    }
    for (int i = 0; i < 2; ++i) {
        auto file = co_await make_file(next_generation_);
        if (!file) {
            co_return fail(file.error());
        }
        ++next_generation_;
        if (live_.empty()) {
            live_.push_back(std::move(*file));
        } else {
            spares_.push_back(std::move(*file));
        }
    }
    co_return Result<void>{};
}

io::Task<Result<void>> JournalFiles::open(Resume resume) {
    auto& files = reactor_.files();
    const std::string directory = options_.directory;
    auto listed = co_await reactor_.run_blocking([&] { return files.list(directory); });
    if (!listed) {
        co_return fail(listed.error());
    }
    for (const io::DirectoryEntry& entry : *listed) {
        const Generation generation = journal_file_generation(entry.name);
        if (generation.value() == 0) {
            continue;
        }
        next_generation_ = std::max(next_generation_, generation + 1);
        auto file = co_await open_file(generation);
        if (!file) {
            co_return fail(file.error());
        }
        if (generation >= resume.oldest && generation <= resume.active) {
            (*file)->last = (*file)->flushed = resume.last;
            (*file)->end = generation == resume.active ? resume.end : (*file)->bytes;
            live_.push_back(std::move(*file));
        } else if ((*file)->bytes == options_.file_bytes) {
            freed_.push_back(std::move(*file));
        } else {
            // Made only in part when the process ended, or of another size: not worth keeping.
            auto discarded = co_await discard(**file);
            if (!discarded) {
                co_return discarded;
            }
        }
    }
    if (live_.empty() || live_.back()->generation != resume.active) {
        co_return fail(Errc::not_found, 0, static_cast<int64_t>(resume.active.value()));
    }
    co_return Result<void>{};
}

bool JournalFiles::advance() {
    if (spares_.empty()) {
        work_.notify_all();
        return false;
    }
    live_.push_back(std::move(spares_.front()));
    spares_.pop_front();
    work_.notify_all();
    return true;
}

void JournalFiles::free_before(Generation generation) {
    while (live_.size() > 1 && live_.front()->generation < generation) {
        freed_.push_back(std::move(live_.front()));
        live_.pop_front();
    }
    work_.notify_all();
}

io::Task<Result<void>> JournalFiles::recycle(JournalFile& file) {
    const Generation generation = next_generation_;
    ++next_generation_;
    auto& files = reactor_.files();
    const std::string from = file.path;
    const std::string to = path_of(generation);
    const std::string directory = options_.directory;
    const auto renamed = co_await reactor_.run_blocking([&] { return files.rename(from, to); });
    if (!renamed) {
        co_return renamed;
    }
    file.path = to;  // whatever comes: a sync without room is tried again from here
    const auto synced = co_await reactor_.run_blocking([&] {
        return mutant(Mutant::skip_sync_of_recycled_file) ? Result<void>{}
                                                          : files.sync_directory(directory);
    });
    if (!synced) {
        co_return synced;
    }
    file.generation = generation;
    file.end = 0;
    file.last = Sequence(0);
    file.flushed = Sequence(0);
    co_return Result<void>{};
}

io::Task<Result<void>> JournalFiles::discard(JournalFile& file) {
    file.file.close();
    auto& files = reactor_.files();
    const std::string path = file.path;
    co_return co_await reactor_.run_blocking([&] { return files.remove(path); });
}

io::Task<Result<bool>> JournalFiles::add_spare() {
    if (!freed_.empty()) {
        std::unique_ptr<JournalFile> file = std::move(freed_.back());
        freed_.pop_back();
        const bool too_many = total_bytes() + file->bytes > options_.bytes_max && !spares_.empty();
        auto done = too_many ? co_await discard(*file) : co_await recycle(*file);
        if (!done && !too_many && done.error().code == Errc::no_space) {
            freed_.push_back(std::move(file));
            co_return false;  // a full disk heals: go on with the files that there are
        }
        if (!done) {
            file->file.close();
            co_return fail(done.error());
        }
        if (!too_many) {
            spares_.push_back(std::move(file));
        }
        co_return true;
    }
    // Batches leave a part of bytes_max alone, so what needs more than that is what makes room: it
    // gets it.
    if (total_bytes() + options_.file_bytes > options_.bytes_max && !spares_.empty()) {
        co_return false;
    }
    const Generation generation = next_generation_;
    ++next_generation_;
    auto file = co_await make_file(generation);
    if (!file && file.error().code == Errc::no_space) {
        co_return false;  // go on with the files that there are; look again when one is freed or
                          // wanted
    }
    if (!file) {
        co_return fail(file.error());
    }
    spares_.push_back(std::move(*file));
    co_return true;
}

io::Task<void> JournalFiles::maintain(std::function<void(Error)> on_error) {
    while (!stopping_) {
        if (spares_.size() < kSparesReady || !freed_.empty()) {
            auto added = co_await add_spare();
            if (!added) {
                on_error(added.error());
                co_return;
            }
            if (*added) {
                ready_.notify_all();
                continue;
            }
        }
        if (!stopping_) {
            co_await work_.wait_until(reactor_.now() + kLookAgainNs);
        }
    }
}

void JournalFiles::stop() {
    stopping_ = true;
    work_.notify_all();
}

}  // namespace ringlog::engine
