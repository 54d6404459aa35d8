// Which images the enumerator builds of a moment, on a model of a few blocks.
#include "tests/crash/images.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace ringlog::crash {
namespace {

constexpr uint64_t kBlock = 4096;

/// One letter per block of /f; '-' for a block of more than one content.
std::string letters(const simulation::SimDisk& disk) {
    std::string text;
    if (!disk.exists("/f")) {
        return "missing";
    }
    const std::vector<std::byte> bytes = disk.read_all("/f");
    for (size_t at = 0; at < bytes.size(); at += kBlock) {
        const auto block = std::span(bytes).subspan(at, kBlock);
        const bool same = std::ranges::all_of(block, [&](std::byte b) { return b == block[0]; });
        const char letter = block[0] == std::byte{0} ? '0' : static_cast<char>(block[0]);
        text.push_back(same ? letter : '-');
    }
    return text;
}

class CrashImages : public testing::Test {
protected:
    CrashImages() : base_(1, {}), model_(base_) {
        apply({.kind = EventKind::open, .create = true, .descriptor = 3, .path = "/f"});
        apply({.kind = EventKind::prewrite_begun, .descriptor = 3, .length = 3 * kBlock});
        apply({.kind = EventKind::prewrite_done, .descriptor = 3, .length = 3 * kBlock});
        apply({.kind = EventKind::sync_directory, .path = "/"});
    }
    void apply(const Event& event) { model_.apply(event); }
    void submit(uint64_t operation, uint64_t block, char letter, bool flushed) {
        apply({.kind = EventKind::write_submitted,
               .flushed = flushed,
               .descriptor = 3,
               .operation = operation,
               .position = block * kBlock,
               .bytes = std::vector<std::byte>(kBlock, static_cast<std::byte>(letter))});
    }
    void complete(uint64_t operation) {
        apply({.kind = EventKind::write_completed, .operation = operation, .result = kBlock});
    }
    /// Contents that a power loss, or a kill, leaves.
    std::set<std::string> left(bool kill, const ImageLimits& limits = {}) {
        std::set<std::string> contents;
        for (const ImageRecipe& recipe : images_of(model_, limits)) {
            if (recipe.kill == kill) {
                contents.insert(letters(*recipe.build()));
            }
        }
        return contents;
    }

    simulation::SimDisk base_;
    Model model_;
};

TEST_F(CrashImages, AFlushedWriteIsOpenUntilItCompletesAndThenThere) {
    submit(1, 0, 'a', true);
    EXPECT_EQ(left(false), (std::set<std::string>{"000", "a00", "-00"}));
    EXPECT_EQ(left(true), (std::set<std::string>{"000", "a00", "-00"}));
    complete(1);
    EXPECT_EQ(left(false), (std::set<std::string>{"a00"}));
}

TEST_F(CrashImages, OfUnflushedWritesEachIsDroppedAndKeptAlone) {
    for (uint64_t n = 0; n < 3; ++n) {
        submit(n + 1, n, static_cast<char>('a' + n), false);
        complete(n + 1);
    }
    const std::set<std::string> power = left(false, {.exhaustive = 16, .images_max = 2000});
    for (const char* content :
         {"000", "abc", "a00", "0b0", "00c", "0bc", "a0c", "ab0", "-bc", "a-c", "00-"}) {
        EXPECT_TRUE(power.contains(content)) << content;
    }
    EXPECT_EQ(left(true), (std::set<std::string>{"abc"}));
}

TEST_F(CrashImages, AFlushCoversWhatHadCompletedWhenItBegan) {
    submit(1, 0, 'a', false);
    complete(1);
    submit(2, 1, 'b', false);
    apply({.kind = EventKind::flush_submitted, .descriptor = 3, .operation = 3});
    complete(2);
    apply({.kind = EventKind::flush_completed, .operation = 3});
    EXPECT_EQ(left(false), (std::set<std::string>{"a00", "ab0", "a-0"}));
}

TEST_F(CrashImages, NamesAreOpenUntilTheirDirectoryIsSynced) {
    apply({.kind = EventKind::rename, .path = "/f", .target = "/g"});
    EXPECT_EQ(left(false), (std::set<std::string>{"000", "missing"}));
    EXPECT_EQ(left(true), (std::set<std::string>{"missing"}));
    apply({.kind = EventKind::sync_directory, .path = "/"});
    EXPECT_EQ(left(false), (std::set<std::string>{"missing"}));
}

TEST_F(CrashImages, EqualImagesHashAlikeAndOthersDoNot) {
    const uint64_t before = image_hash(model_.disk());
    submit(1, 1, 'a', true);
    complete(1);
    const uint64_t behind = image_hash(model_.disk());
    EXPECT_NE(before, behind);
    apply({.kind = EventKind::file_write,
           .descriptor = 3,
           .position = kBlock,
           .bytes = std::vector<std::byte>(kBlock, std::byte{0})});
    EXPECT_EQ(before, image_hash(model_.disk()));
    apply({.kind = EventKind::rename, .path = "/f", .target = "/g"});
    EXPECT_NE(before, image_hash(model_.disk()));
}

}  // namespace
}  // namespace ringlog::crash
