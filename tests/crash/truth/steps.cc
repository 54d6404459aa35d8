#include "tests/crash/truth/steps.h"

#include <fmt/format.h>

namespace ringlog::truth {
namespace {

using Kind = Step::Kind;

Step write(uint64_t position, uint64_t length, char fill, std::string path = "/f") {
    return {.kind = Kind::write,
            .path = std::move(path),
            .position = position,
            .length = length,
            .fill = fill};
}
Step durable(Step step) {
    step.durable = true;
    return step;
}
Step buffered(Step step) {
    step.direct = false;
    return step;
}
Step over(Kind kind, uint64_t position, uint64_t length, std::string path = "/f") {
    return {.kind = kind, .path = std::move(path), .position = position, .length = length};
}
Step on(Kind kind, std::string path = "/f") {
    return {.kind = kind, .path = std::move(path)};
}
Step rename(std::string from, std::string to) {
    return {.kind = Kind::rename, .path = std::move(from), .target = std::move(to)};
}

const Step kCommit{.kind = Kind::commit};
const Step kSyncAll{.kind = Kind::sync_all};
const Step kSyncRoot{.kind = Kind::sync_directory, .path = "/"};

void add_overwrites(std::vector<TruthScenario>& all) {
    const std::vector<Step> written = {on(Kind::create), over(Kind::prewrite, 0, 32768)};
    all.insert(
        all.end(),
        {{"overwrite", written, {write(4096, 8192, 'a')}},
         {"overwrite_durable", written, {durable(write(4096, 8192, 'a'))}},
         {"overwrite_synced", written, {write(4096, 8192, 'a'), on(Kind::sync_data)}},
         {"overwrite_buffered", written, {buffered(write(4096, 8192, 'a'))}},
         {"overwrite_buffered_odd", written, {buffered(write(5000, 700, 'a'))}},
         {"overwrite_twice", written, {durable(write(0, 8192, 'a')), write(4096, 8192, 'b')}},
         {"overwrite_synced_between",
          written,
          {write(0, 4096, 'a'), on(Kind::sync_data), write(0, 4096, 'b'), write(8192, 4096, 'c')}},
         {"overwrite_plain_then_durable",
          written,
          {write(0, 4096, 'a'), durable(write(4096, 4096, 'b'))}},
         {"overwrite_prewritten_again", written, {over(Kind::prewrite, 0, 16384)}}});
}

void add_reserved(std::vector<TruthScenario>& all) {
    const std::vector<Step> reserved = {on(Kind::create), over(Kind::preallocate, 0, 32768)};
    const std::vector<Step> hole = {on(Kind::create), over(Kind::truncate, 0, 32768)};
    all.insert(
        all.end(),
        {{"reserved", reserved, {write(4096, 8192, 'a')}},
         {"reserved_durable", reserved, {durable(write(4096, 8192, 'a'))}},
         {"reserved_synced", reserved, {write(4096, 8192, 'a'), on(Kind::sync_data)}},
         {"reserved_committed", reserved, {write(4096, 8192, 'a'), kCommit}},
         {"reserved_buffered", reserved, {buffered(write(4096, 8192, 'a'))}},
         {"reserved_written_back",
          reserved,
          {buffered(write(0, 12288, 'a')), over(Kind::write_back, 4096, 4096), kCommit}},
         {"reserved_later_first",
          reserved,
          {buffered(write(0, 4096, 'a')), buffered(write(16384, 4096, 'b')),
           over(Kind::write_back, 16384, 4096), kCommit}},
         {"hole", hole, {write(8192, 8192, 'a')}},
         {"hole_durable", hole, {durable(write(8192, 8192, 'a'))}},
         {"hole_committed", hole, {write(8192, 4096, 'a'), kCommit, write(16384, 4096, 'b')}},
         {"reserve_only", {on(Kind::create)}, {over(Kind::preallocate, 0, 32768)}},
         {"prewrite_only", {on(Kind::create)}, {over(Kind::prewrite, 0, 32768)}}});
}

void add_growth(std::vector<TruthScenario>& all) {
    const std::vector<Step> empty = {on(Kind::create)};
    const std::vector<Step> some = {on(Kind::create), write(0, 8192, 'o')};
    all.insert(
        all.end(),
        {{"append", empty, {write(0, 8192, 'a')}},
         {"append_durable", empty, {durable(write(0, 8192, 'a'))}},
         {"append_synced", empty, {write(0, 8192, 'a'), on(Kind::sync_data)}},
         {"append_buffered", empty, {buffered(write(0, 5000, 'a'))}},
         {"append_buffered_synced",
          empty,
          {buffered(write(0, 5000, 'a')), on(Kind::sync_data), buffered(write(5000, 5000, 'b'))}},
         {"append_committed", empty, {write(0, 8192, 'a'), kCommit, write(8192, 8192, 'b')}},
         {"append_buffered_committed", empty, {buffered(write(0, 8192, 'a')), kCommit}},
         {"append_later_first",
          empty,
          {buffered(write(0, 4096, 'a')), buffered(write(4096, 4096, 'b')),
           over(Kind::write_back, 4096, 4096), kCommit}},
         {"append_first_twice",
          empty,
          {buffered(write(0, 4096, 'a')), over(Kind::write_back, 0, 4096),
           buffered(write(0, 8192, 'b')), over(Kind::write_back, 4096, 4096), kCommit}},
         {"append_behind_a_hole",
          empty,
          {write(8192, 4096, 'a'), write(0, 4096, 'b'), kCommit, write(16384, 4096, 'c')}},
         {"append_durable_behind_plain",
          empty,
          {write(0, 4096, 'a'), durable(write(4096, 4096, 'b'))}},
         {"truncate", some, {over(Kind::truncate, 0, 3000)}},
         {"truncate_synced", some, {over(Kind::truncate, 0, 3000), on(Kind::sync_data)}},
         {"truncate_committed", some, {over(Kind::truncate, 0, 3000), kCommit}},
         {"truncate_over_plain", some, {write(0, 8192, 'a'), over(Kind::truncate, 0, 3000)}},
         {"truncate_over_plain_committed",
          some,
          {write(0, 8192, 'a'), over(Kind::truncate, 0, 3000), kCommit,
           over(Kind::truncate, 0, 8192)}},
         {"truncate_and_grow",
          some,
          {over(Kind::truncate, 0, 3000), over(Kind::truncate, 0, 8192)}},
         {"truncate_and_write",
          some,
          {over(Kind::truncate, 0, 4096), durable(write(4096, 4096, 'b'))}},
         {"truncate_over_unsynced",
          some,
          {write(0, 8192, 'a'), over(Kind::truncate, 0, 4096), on(Kind::sync_data)}},
         {"grow", some, {over(Kind::truncate, 0, 32768)}}});
}

void add_names(std::vector<TruthScenario>& all) {
    const std::vector<Step> file = {on(Kind::create), write(0, 4096, 'o')};
    const std::vector<Step> directory = {on(Kind::make_directory, "/d"), on(Kind::create, "/d/f"),
                                         write(0, 4096, 'o', "/d/f")};
    const Step write_new = write(0, 4096, 'n', "/new");
    const Step create_new = on(Kind::create, "/new");
    const Step sync_new = on(Kind::sync_data, "/new");
    all.insert(
        all.end(),
        {{"create", {}, {create_new}},
         {"create_written", {}, {create_new, durable(write_new)}},
         {"create_synced", {}, {create_new, write_new, sync_new}},
         {"create_directory_synced", {}, {create_new, kSyncRoot, write_new}},
         {"create_committed", {}, {create_new, buffered(write_new), kCommit}},
         {"rename", file, {rename("/f", "/g")}},
         {"rename_synced", file, {rename("/f", "/g"), kSyncRoot}},
         {"rename_twice_synced_between",
          file,
          {rename("/f", "/g"), kSyncRoot, rename("/g", "/h"), on(Kind::create, "/i")}},
         {"replace", file, {create_new, write_new, sync_new, rename("/new", "/f")}},
         {"replace_synced",
          file,
          {create_new, write_new, sync_new, rename("/new", "/f"), kSyncRoot}},
         {"replace_unsynced_content",
          file,
          {create_new, buffered(write_new), rename("/new", "/f"), kSyncRoot}},
         {"replace_committed",
          file,
          {create_new, write_new, sync_new, rename("/new", "/f"), kCommit}},
         {"remove", file, {on(Kind::remove)}},
         {"remove_synced", file, {on(Kind::remove), kSyncRoot}},
         {"remove_and_create", file, {on(Kind::remove), on(Kind::create), write(0, 4096, 'n')}},
         {"make_directory",
          {},
          {on(Kind::make_directory, "/d"), on(Kind::create, "/d/f"),
           on(Kind::sync_directory, "/d")}},
         {"rename_directory", directory, {rename("/d", "/e"), on(Kind::create, "/e/g")}},
         {"rename_directory_synced", directory, {rename("/d", "/e"), kSyncRoot}},
         {"remake_directory",
          directory,
          {rename("/d", "/d.old"), on(Kind::make_directory, "/d"), on(Kind::create, "/d/f"),
           durable(write(0, 4096, 'n', "/d/f")), on(Kind::sync_directory, "/d")}},
         {"two_directories",
          directory,
          {on(Kind::create, "/d/g"), on(Kind::create, "/h"), on(Kind::sync_directory, "/d"),
           on(Kind::create, "/d/i")}},
         {"sync_all",
          directory,
          {create_new, buffered(write_new), rename("/d/f", "/d/g"),
           over(Kind::truncate, 0, 100, "/d/g"), kSyncAll, rename("/d/g", "/d/h"), write_new}}});
}

}  // namespace

std::vector<TruthScenario> truth_scenarios() {
    std::vector<TruthScenario> all;
    add_overwrites(all);
    add_reserved(all);
    add_growth(all);
    add_names(all);
    return all;
}

std::string describe(const Tree& tree) {
    std::string text;
    for (const auto& [path, content] : tree) {
        text += text.empty() ? path : "; " + path;
        if (path.ends_with('/')) {
            continue;
        }
        text += fmt::format(" {} bytes", content.size());
        for (size_t at = 0; at < content.size();) {
            size_t end = at;
            while (end < content.size() && content[end] == content[at]) {
                ++end;
            }
            text += content[at] == 0 ? fmt::format(", {}-{} zeros", at, end - 1)
                                     : fmt::format(", {}-{} '{}'", at, end - 1, content[at]);
            at = end;
        }
    }
    return text.empty() ? "nothing" : text;
}

}  // namespace ringlog::truth
