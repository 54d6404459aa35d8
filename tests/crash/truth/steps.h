// One scenario of calls on files and names, for two executors: the kernel on a loop-mounted file
// system that is shut down, and the simulated disk. Explained in tests/crash/README.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ringlog::truth {

struct Step {
    enum class Kind : uint8_t {
        create,          ///< `path`, empty.
        write,           ///< `length` bytes of `fill` at `position`.
        sync_data,       ///< fdatasync of `path`.
        prewrite,        ///< Zeros over [position, position + length), reserved, written, synced.
        preallocate,     ///< [position, position + length) is reserved.
        truncate,        ///< To `length`.
        make_directory,  ///< `path`.
        rename,          ///< `path` to `target`.
        remove,          ///< `path`.
        sync_directory,  ///< `path`.
        sync_all,        ///< syncfs.
        // What a kernel may do by itself at any time, asked for: nothing to the model.
        write_back,  ///< Pages of [position, position + length) of `path` are written.
        commit,      ///< The file system's own journal is written.
    };
    Kind kind = Kind::create;
    std::string path;
    std::string target;
    uint64_t position = 0;
    uint64_t length = 0;
    char fill = 0;
    bool direct = true;    ///< write: O_DIRECT, else through the page cache.
    bool durable = false;  ///< write: RWF_DSYNC.
};

struct TruthScenario {
    std::string name;
    std::vector<Step> before;  ///< Then everything is synced.
    std::vector<Step> steps;   ///< Then the file system is shut down.
};

std::vector<TruthScenario> truth_scenarios();

/// What a file system holds: path to content; directories end in '/' and have none.
using Tree = std::map<std::string, std::string>;

/// "f: 8192 bytes, 0-4095 'a', 4096-8191 zeros".
std::string describe(const Tree& tree);

}  // namespace ringlog::truth
