// docs/journal.md against the code: the recovery table names every case and what is done about it,
// and the bytes of the worked example are a frame.
#include <gtest/gtest.h>

#include <array>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "engine/frame.h"
#include "engine/record_batch.h"
#include "engine/recovery.h"

namespace ringlog::engine {
namespace {

std::string read_text(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string journal_document() {
    return read_text(std::string(RINGLOG_DOCS_DIR) + "/journal.md");
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

std::string_view action_name(RecoveryAction action) {
    constexpr std::array<std::string_view, 4> kNames = {"accept", "cut", "damage", "refuse"};
    return kNames[static_cast<size_t>(action)];
}

/// The names in backticks of a line that begins as a row of the recovery table does.
std::string row_of(RecoveryCase name) {
    return "| `" + std::string(recovery_case_name(name)) + "` | ";
}

TEST(JournalDocument, HasARowForEveryRecoveryCaseWithItsAction) {
    const std::vector<std::string> lines = lines_of(journal_document());
    for (const RecoveryRow& row : kRecoveryCases) {
        size_t rows = 0;
        for (const std::string& line : lines) {
            if (!line.starts_with(row_of(row.name))) {
                continue;
            }
            ++rows;
            const std::string action = "| " + std::string(action_name(row.action)) + " |";
            EXPECT_NE(line.find(action), std::string::npos) << line;
        }
        EXPECT_EQ(rows, 1U) << recovery_case_name(row.name);
    }
}

TEST(JournalDocument, NamesTestsThatExist) {
    const std::string tests =
        read_text(std::string(RINGLOG_DOCS_DIR) + "/../tests/unit/engine/recovery_test.cc");
    for (const RecoveryRow& row : kRecoveryCases) {
        for (const std::string& line : lines_of(journal_document())) {
            if (line.starts_with(row_of(row.name))) {
                const size_t end = line.rfind('`');
                const size_t begin = line.rfind('`', end - 1) + 1;
                const std::string test = line.substr(begin, end - begin);
                EXPECT_NE(tests.find("TEST(Recovery, " + test + ")"), std::string::npos) << line;
            }
        }
    }
}

/// The bytes of the lines "    <4 hex: position>  <16 bytes>   ...", with zeros behind them up to a
/// block.
std::vector<std::byte> worked_example(size_t& shown_bytes) {
    std::vector<std::byte> block(kBlockBytes);
    shown_bytes = 0;
    for (const std::string& line : lines_of(journal_document())) {
        constexpr size_t kFirstByte = 10;
        unsigned position = 0;
        const bool shaped = line.size() >= kFirstByte + 47 && line.starts_with("    ") &&
                            line.substr(8, 2) == "  " &&
                            std::from_chars(&line[4], &line[8], position, 16).ptr == &line[8];
        if (!shaped || position + 16 > block.size()) {
            continue;
        }
        for (size_t i = 0; i < 16; ++i) {
            const char* const digits = &line[kFirstByte + 3 * i];
            uint8_t value = 0;
            if (std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2) {
                ADD_FAILURE() << line;
            }
            block[position + i] = static_cast<std::byte>(value);
        }
        shown_bytes += 16;
    }
    return block;
}

TEST(JournalDocument, TheWorkedExampleIsAFrameAndSaysWhatTheTextSays) {
    size_t shown_bytes = 0;
    const std::vector<std::byte> block = worked_example(shown_bytes);
    ASSERT_EQ(shown_bytes, 0x1b0U);
    const FrameCheck check = check_frame(block, {JournalId(0), Generation(1), 4096});
    ASSERT_EQ(check.finding, FrameFinding::valid);
    EXPECT_EQ(check.header.sequence, 2U);
    EXPECT_EQ(check.header.life, 1U);
    EXPECT_EQ(check.header.durable_through, 1U);
    EXPECT_EQ(check.header.payload_bytes, 98U);
    ASSERT_EQ(check.entries.size(), 3U);
    EXPECT_EQ(check.entries[0].kind, EntryKind::open);
    EXPECT_EQ(check.entries[1].kind, EntryKind::segment);
    EXPECT_EQ(check.entries[2].kind, EntryKind::batch);
    const FrameEntry& batch = check.entries[2];
    const auto header =
        verify_stored_batch(check.payload.subspan(batch.payload_offset, batch.length));
    ASSERT_TRUE(header);
    EXPECT_EQ(header->records_count, 1);
    EXPECT_EQ(header->max_timestamp, batch.timestamp);
}

TEST(JournalDocument, TheWorkedExampleChainsToTheFenceBeforeIt) {
    size_t shown_bytes = 0;
    const std::vector<std::byte> block = worked_example(shown_bytes);
    const FrameCheck check = check_frame(block, {JournalId(0), Generation(1), 4096});
    ASSERT_EQ(check.finding, FrameFinding::valid);
    FrameHeader fence;
    fence.salt = check.header.salt;
    fence.life = check.header.life;
    fence.sequence = 1;
    fence.flags = kFrameFence;
    std::vector<std::byte> bytes(kBlockBytes);
    const uint64_t hash = seal_frame(bytes, fence, {JournalId(0), Generation(1), 0}, {});
    EXPECT_EQ(check.header.chain, hash);
}

TEST(JournalDocument, OfAnotherPlaceTheSameBytesAreNoFrame) {
    size_t shown_bytes = 0;
    const std::vector<std::byte> block = worked_example(shown_bytes);
    const std::array<FramePlace, 3> elsewhere = {{{JournalId(1), Generation(1), 4096},
                                                  {JournalId(0), Generation(2), 4096},
                                                  {JournalId(0), Generation(1), 8192}}};
    for (const FramePlace& place : elsewhere) {
        EXPECT_EQ(check_frame(block, place).finding, FrameFinding::no_header);
    }
}

}  // namespace
}  // namespace ringlog::engine
