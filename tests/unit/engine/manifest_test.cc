// The manifest: its text, its atomic replacement on a simulated disk, and what a directory is taken
// for.
#include "engine/manifest.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"
#include "tests/simulation/sim_world.h"

namespace ringlog::engine {
namespace {

using simulation::DiskEffect;
using simulation::SimWorld;

Manifest sample() {
    return {.node_id = 7,
            .cluster_id = "MkUuZ0bQR7yZvQmZkN8p5Q",
            .layout_generation = 12,
            .journals = {JournalId(0), JournalId(4), JournalId(2)},
            .next_journal = 5};
}

std::string with_hash(std::string body) {
    char line[32];
    std::snprintf(line, sizeof line, "xxh3=%016llx\n",
                  static_cast<unsigned long long>(xxh3(as_bytes(body))));
    return body + line;
}

Errc code_of(const Result<Manifest>& result) {
    return result ? Errc{} : result.error().code;
}

TEST(Manifest, IsTextThatComesBack) {
    const std::string text = encode_manifest(sample());
    EXPECT_EQ(text.substr(0, text.find("xxh3=")),
              "format.version=1\nnode.id=7\ncluster.id=MkUuZ0bQR7yZvQmZkN8p5Q\n"
              "layout.generation=12\njournals=0,4,2\njournal.next=5\n");
    EXPECT_EQ(decode_manifest(text), sample());
    EXPECT_EQ(decode_manifest(encode_manifest(Manifest{})), Manifest{});
}

TEST(Manifest, EveryChangedAndEveryMissingByteIsFound) {
    const std::string good = encode_manifest(sample());
    for (size_t at = 0; at < good.size(); ++at) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        EXPECT_EQ(code_of(decode_manifest(bad)), Errc::corrupt_file) << at;
        EXPECT_EQ(code_of(decode_manifest(good.substr(0, at))), Errc::corrupt_file) << at;
    }
    EXPECT_EQ(code_of(decode_manifest(good + "x")), Errc::corrupt_file);
}

TEST(Manifest, ANewerFormatIsNamedWhateverElseItSays) {
    const auto decoded = decode_manifest(with_hash("format.version=2\nanything=else\n"));
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error(), (Error{.code = Errc::version_unknown, .at = 2}));
}

TEST(Manifest, WhatIsHashedAndStillWrongIsRefused) {
    const std::string head = "format.version=1\nnode.id=7\ncluster.id=c\nlayout.generation=12\n";
    EXPECT_EQ(code_of(decode_manifest(with_hash(head + "journals=0\njournal.next=1\n"))), Errc{});
    for (const char* tail :
         {"journals=0\n", "journals=0,0\njournal.next=1\n", "journals=1\njournal.next=1\n",
          "journals=0,\njournal.next=1\n", "journals=,0\njournal.next=1\n",
          "journals=00\njournal.next=1\n", "journals=65536\njournal.next=1\n",
          "journals=-1\njournal.next=1\n", "journals=0\njournal.next=1\nmore=1\n",
          "journals=0\njournal.next= 1\n", "journals=0\njournal.next=\n"}) {
        EXPECT_EQ(code_of(decode_manifest(with_hash(head + tail))), Errc::corrupt_file) << tail;
    }
    EXPECT_EQ(code_of(decode_manifest(with_hash(""))), Errc::corrupt_file);
    EXPECT_EQ(code_of(decode_manifest(with_hash("format.version=0\n"))), Errc::corrupt_file);
}

/// One node with the directory /data.
struct Disk {
    explicit Disk(uint64_t seed) : world(seed), node(world.add_node()) {
        EXPECT_TRUE(node.files().make_directory("/data"));
        EXPECT_TRUE(node.files().sync_directory("/"));
    }
    void put(const std::string& path) {
        const auto opened =
            node.files().open(path, {.create = true, .write = true, .direct = false});
        ASSERT_TRUE(opened);
        node.files().close(opened->descriptor);
    }
    [[nodiscard]] DirectoryKind kind() {
        const auto classified = classify_directory(node.files(), "/data");
        EXPECT_TRUE(classified);
        return classified.value_or(DirectoryKind::foreign);
    }

    SimWorld world;
    simulation::SimNode& node;
};

TEST(Manifest, ADirectoryIsTakenForWhatItHolds) {
    Disk disk(1);
    EXPECT_EQ(classify_directory(disk.node.files(), "/none"), DirectoryKind::empty);
    EXPECT_EQ(disk.kind(), DirectoryKind::empty);
    disk.put("/data/.lock");
    disk.put("/data/ringlog.manifest.tmp");
    ASSERT_TRUE(disk.node.files().make_directory("/data/lost+found"));
    EXPECT_EQ(disk.kind(), DirectoryKind::empty);
    disk.put("/data/notes.txt");
    EXPECT_EQ(disk.kind(), DirectoryKind::foreign);
    disk.put("/data/meta.properties");
    EXPECT_EQ(disk.kind(), DirectoryKind::kafka);
    ASSERT_TRUE(write_manifest(disk.node.files(), "/data", sample()));
    EXPECT_EQ(disk.kind(), DirectoryKind::ours);
    EXPECT_EQ(read_manifest(disk.node.files(), "/data"), sample());
}

TEST(Manifest, OneThatCouldNotBeReadBackIsNotWritten) {
    Disk disk(1);
    Manifest bad = sample();
    bad.cluster_id = "two\nlines";
    EXPECT_EQ(write_manifest(disk.node.files(), "/data", bad).error().code, Errc::invalid_argument);
    bad = sample();
    bad.next_journal = 4;
    EXPECT_EQ(write_manifest(disk.node.files(), "/data", bad).error().code, Errc::invalid_argument);
    EXPECT_EQ(read_manifest(disk.node.files(), "/data").error().code, Errc::not_found);
}

// Goal: the old manifest or the new one, whole, whatever fails while it is replaced.
// Method: an error or a power loss at the Nth operation for N = 1, 2, 3... until a run sees no
// fault.
TEST(Manifest, IsReplacedAtomically) {
    for (const DiskEffect effect : {DiskEffect::power_loss, DiskEffect::error, DiskEffect::torn}) {
        uint64_t n = 1;
        for (; n < 50; ++n) {
            SCOPED_TRACE(testing::Message() << simulation::effect_name(effect) << " " << n);
            Disk disk(n);
            ASSERT_TRUE(write_manifest(disk.node.files(), "/data", sample()));
            Manifest next = sample();
            next.layout_generation = 13;
            next.cluster_id = "C";
            const auto plan = disk.node.disk().arm({.effect = effect, .nth = n});
            const auto written = write_manifest(disk.node.files(), "/data", next);
            disk.node.disk().arm(nullptr);
            disk.node.crash(simulation::CrashKind::power_loss);
            disk.node.restart();
            const auto found = read_manifest(disk.node.files(), "/data");
            ASSERT_TRUE(found);
            EXPECT_TRUE(*found == next || (!written && *found == sample()));
            if (!plan->fired()) {
                EXPECT_TRUE(written);
                break;
            }
        }
        EXPECT_GT(n, 5U);
        EXPECT_LT(n, 50U);
    }
}

}  // namespace
}  // namespace ringlog::engine
