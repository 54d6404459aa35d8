// Reading a journal's files at a start. See engine/journal_scan.h.
#include "engine/journal_scan.h"

#include <algorithm>

#include "base/log.h"
#include "engine/journal_files.h"
#include "engine/window.h"

namespace ringlog::engine {

namespace {

constexpr uint64_t kReadBytes = 1 << 20;

/// Reads [position, position + to.size()); on an error halves the range until single blocks are
/// found unreadable.
void read_or_mark(io::FileSystem& source, int32_t descriptor, Bytes to, uint64_t position,
                  std::vector<uint64_t>& unreadable) {
    auto count = source.read(descriptor, to, position);
    if (count && *count == to.size()) {
        return;
    }
    if (to.size() <= kBlockBytes) {
        std::ranges::fill(to, std::byte{0});
        unreadable.push_back(position);
        return;
    }
    const uint64_t half = round_up(to.size() / 2, kBlockBytes);
    read_or_mark(source, descriptor, to.first(half), position, unreadable);
    read_or_mark(source, descriptor, to.subspan(half), position + half, unreadable);
}

Result<ScannedFile> scan_file(io::FileSystem& files, const std::string& path,
                              Generation generation) {
    auto opened = files.open(path, {.write = true});
    if (!opened) {
        return fail(opened.error());
    }
    auto synced = files.sync_data(opened->descriptor);
    if (!synced) {
        files.close(opened->descriptor);
        return fail(synced.error());
    }
    ScannedFile file;
    file.generation = generation;
    file.bytes = round_down(opened->size_bytes, kBlockBytes);
    file.data.reset(Window::allocate(std::max<uint64_t>(file.bytes, kBlockBytes)));
    for (uint64_t at = 0; at < file.bytes; at += kReadBytes) {
        const uint64_t step = std::min(kReadBytes, file.bytes - at);
        read_or_mark(files, opened->descriptor, Bytes(file.data.get() + at, step), at,
                     file.unreadable);
    }
    files.close(opened->descriptor);
    if (!file.unreadable.empty()) {
        log_error("recovery", "{}: {} blocks of {} bytes cannot be read, the first at {}", path,
                  file.unreadable.size(), kBlockBytes, file.unreadable.front());
    }
    return file;
}

}  // namespace

void ScannedFile::Free::operator()(std::byte* memory) const {
    Window::release(memory);
}

Result<std::vector<ScannedFile>> scan_journal(io::FileSystem& files, const std::string& directory,
                                              Generation from) {
    auto listed = files.list(directory);
    if (!listed) {
        return fail(listed.error());
    }
    std::vector<ScannedFile> scanned;
    for (const io::DirectoryEntry& entry : *listed) {
        const Generation generation = journal_file_generation(entry.name);
        if (generation.value() == 0 || generation < from) {
            continue;
        }
        auto file = scan_file(files, directory + "/" + entry.name, generation);
        if (!file) {
            return fail(file.error());
        }
        scanned.push_back(std::move(*file));
    }
    std::ranges::sort(scanned, {}, &ScannedFile::generation);
    return scanned;
}

}  // namespace ringlog::engine
