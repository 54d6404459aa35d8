// The manifest's text and its atomic replacement. See engine/manifest.h.
#include "engine/manifest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/bytes.h"
#include "base/checksum.h"

namespace ringlog::engine {

namespace {

constexpr std::string_view kJournalPrefix = "journal.";
constexpr std::string_view kHashKey = "xxh3=";
constexpr size_t kHashLineBytes = kHashKey.size() + 16 + 1;
constexpr uint64_t kManifestBytesMax = 1 << 20;

/// Closes its descriptor.
class OpenFile {
public:
    OpenFile(io::FileSystem& files, const io::OpenedFile& opened)
        : files_(files), descriptor_(opened.descriptor) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile() { files_.close(descriptor_); }
    [[nodiscard]] int32_t descriptor() const { return descriptor_; }

private:
    io::FileSystem& files_;
    int32_t descriptor_;
};

/// Takes `key=value\n` off the front of `text`: the value, or nothing if another key stands there.
std::optional<std::string_view> take_line(std::string_view& text, std::string_view key) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos || !text.starts_with(key) || key.size() >= end ||
        text[key.size()] != '=') {
        return std::nullopt;
    }
    const std::string_view value = text.substr(key.size() + 1, end - key.size() - 1);
    text.remove_prefix(end + 1);
    return value;
}

/// The whole of `text` as a number in its plainest form: no sign but a needed one, no leading
/// zeros.
template <typename T>
std::optional<T> parse_number(std::string_view text) {
    T value{};
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() ||
        fmt::format("{}", value) != text) {
        return std::nullopt;
    }
    return value;
}

template <typename T>
bool take_number(std::string_view& text, std::string_view key, T& to) {
    const auto line = take_line(text, key);
    const auto value = line ? parse_number<T>(*line) : std::nullopt;
    to = value.value_or(T{});
    return value.has_value();
}

bool parse_journals(std::string_view text, std::vector<JournalId>& to) {
    while (!text.empty()) {
        const size_t comma = text.find(',');
        const auto id = parse_number<uint16_t>(text.substr(0, comma));
        if (!id || std::ranges::count(to, JournalId(*id)) != 0) {
            return false;
        }
        to.emplace_back(*id);
        if (comma == std::string_view::npos) {
            return true;
        }
        text.remove_prefix(comma + 1);
        if (text.empty()) {
            return false;
        }
    }
    return true;
}

/// The body in front of the hash line, if the hash holds.
std::optional<std::string_view> checked_body(std::string_view text) {
    if (text.size() < kHashLineBytes) {
        return std::nullopt;
    }
    const std::string_view body = text.substr(0, text.size() - kHashLineBytes);
    if (text.substr(body.size()) != fmt::format("{}{:016x}\n", kHashKey, xxh3(as_bytes(body)))) {
        return std::nullopt;
    }
    return body;
}

}  // namespace

std::string journal_directory_name(JournalId journal) {
    return fmt::format("{}{}", kJournalPrefix, journal.value());
}

std::optional<JournalId> journal_of_directory(std::string_view name) {
    if (!name.starts_with(kJournalPrefix)) {
        return std::nullopt;
    }
    const auto id = parse_number<uint16_t>(name.substr(kJournalPrefix.size()));
    return id ? std::optional(JournalId(*id)) : std::nullopt;
}

std::string encode_manifest(const Manifest& manifest) {
    std::vector<uint16_t> ids;
    std::ranges::transform(manifest.journals, std::back_inserter(ids), &JournalId::value);
    std::string text = fmt::format(
        "format.version={}\nnode.id={}\ncluster.id={}\nlayout.generation={}\njournals={}\n"
        "journal.next={}\n",
        manifest.format_version, manifest.node_id, manifest.cluster_id, manifest.layout_generation,
        fmt::join(ids, ","), manifest.next_journal);
    text += fmt::format("{}{:016x}\n", kHashKey, xxh3(as_bytes(text)));
    return text;
}

Result<Manifest> decode_manifest(std::string_view text) {
    auto body = checked_body(text);
    Manifest manifest;
    if (!body || !take_number(*body, "format.version", manifest.format_version)) {
        return fail(Errc::corrupt_file);
    }
    if (manifest.format_version > Manifest::kFormatVersion) {
        return fail(Errc::version_unknown, 0, manifest.format_version);
    }
    if (!take_number(*body, "node.id", manifest.node_id)) {
        return fail(Errc::corrupt_file);
    }
    const auto cluster_id = take_line(*body, "cluster.id");
    if (!cluster_id || !take_number(*body, "layout.generation", manifest.layout_generation)) {
        return fail(Errc::corrupt_file);
    }
    manifest.cluster_id = *cluster_id;
    const auto journals = take_line(*body, "journals");
    if (!journals || !parse_journals(*journals, manifest.journals) ||
        !take_number(*body, "journal.next", manifest.next_journal) || !body->empty()) {
        return fail(Errc::corrupt_file);
    }
    const auto is_taken = [&](JournalId id) { return id.value() < manifest.next_journal; };
    if (manifest.format_version == 0 || !std::ranges::all_of(manifest.journals, is_taken)) {
        return fail(Errc::corrupt_file);
    }
    return manifest;
}

Result<DirectoryKind> classify_directory(io::FileSystem& files, const std::string& directory) {
    const auto entries = files.list(directory);
    if (!entries) {
        if (entries.error().code == Errc::not_found) {
            return DirectoryKind::empty;
        }
        return fail(entries.error());
    }
    const auto has = [&](std::string_view name) {
        return std::ranges::count(*entries, name, &io::DirectoryEntry::name) != 0;
    };
    if (has(kManifestName)) {
        return DirectoryKind::ours;
    }
    if (has("meta.properties")) {
        return DirectoryKind::kafka;
    }
    const auto counts = [](const io::DirectoryEntry& entry) {
        return entry.name != kLockName && entry.name != kManifestTemporaryName &&
               entry.name != "lost+found";
    };
    return std::ranges::any_of(*entries, counts) ? DirectoryKind::foreign : DirectoryKind::empty;
}

Result<Manifest> read_manifest(io::FileSystem& files, const std::string& directory) {
    const auto opened = files.open(directory + "/" + std::string(kManifestName), {.direct = false});
    if (!opened) {
        return fail(opened.error());
    }
    const OpenFile file(files, *opened);
    if (opened->size_bytes > kManifestBytesMax) {
        return fail(Errc::corrupt_file);
    }
    std::vector<std::byte> bytes(opened->size_bytes);
    const auto count = files.read(file.descriptor(), bytes, 0);
    if (!count) {
        return fail(count.error());
    }
    return decode_manifest(as_text(ByteView(bytes).first(*count)));
}

Result<void> write_manifest(io::FileSystem& files, const std::string& directory,
                            const Manifest& manifest) {
    const std::string text = encode_manifest(manifest);
    if (decode_manifest(text) != manifest) {
        return fail(Errc::invalid_argument);
    }
    const std::string temporary = directory + "/" + std::string(kManifestTemporaryName);
    const auto opened = files.open(temporary, {.create = true, .write = true, .direct = false});
    if (!opened) {
        return fail(opened.error());
    }
    {
        const OpenFile file(files, *opened);
        auto done = files.truncate(file.descriptor(), 0);
        if (done) {
            done = files.write(file.descriptor(), as_bytes(text), 0);
        }
        if (done) {
            done = files.sync_data(file.descriptor());
        }
        if (!done) {
            return done;
        }
    }
    const auto renamed = files.rename(temporary, directory + "/" + std::string(kManifestName));
    if (!renamed) {
        return renamed;
    }
    return files.sync_directory(directory);
}

}  // namespace ringlog::engine
