// A SQLite VFS over the system's that fails the Nth write or flush, and counts flushes instead of
// doing them (a test process loses no power). One thread, one at a time.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <string>

namespace ringlog::cluster::testing {

class FaultyVfs {
public:
    static constexpr const char* kName = "ringlog-faulty";

    FaultyVfs() {
        current = this;
        base_ = sqlite3_vfs_find(nullptr);
        vfs_ = *base_;
        vfs_.zName = kName;
        vfs_.szOsFile = static_cast<int>(sizeof(File)) + base_->szOsFile;
        vfs_.xOpen = open;
        sqlite3_vfs_register(&vfs_, 0);
    }
    ~FaultyVfs() {
        sqlite3_vfs_unregister(&vfs_);
        current = nullptr;
    }
    FaultyVfs(const FaultyVfs&) = delete;
    FaultyVfs& operator=(const FaultyVfs&) = delete;

    /// Operation number `nth` from now (0: the next) fails with `code`; for good if `stays`.
    void fail_at(int64_t nth, int code, bool stays) {
        countdown_ = nth;
        code_ = code;
        stays_ = stays;
        failures = 0;
    }
    void heal() { countdown_ = -1; }
    int64_t failures = 0;
    int64_t syncs = 0;

private:
    struct File {
        sqlite3_file base;
        sqlite3_file* real;
    };
    static inline FaultyVfs* current = nullptr;

    static sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real; }

    int next() {
        if (countdown_ < 0) {
            return SQLITE_OK;
        }
        if (countdown_ > 0) {
            --countdown_;
            return SQLITE_OK;
        }
        countdown_ = stays_ ? 0 : -1;
        ++failures;
        return code_;
    }

    static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
        auto* mine = reinterpret_cast<File*>(file);
        mine->real = reinterpret_cast<sqlite3_file*>(mine + 1);
        const int code = current->base_->xOpen(current->base_, name, mine->real, flags, out_flags);
        file->pMethods = code == SQLITE_OK ? methods() : nullptr;
        return code;
    }

    static const sqlite3_io_methods* methods() {
        static const sqlite3_io_methods table = {
            .iVersion = 1,
            .xClose = [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); },
            .xRead =
                [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
                    return real(f)->pMethods->xRead(real(f), to, size, at);
                },
            .xWrite =
                [](sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
                    const int code = current->next();
                    return code != SQLITE_OK ? code
                                             : real(f)->pMethods->xWrite(real(f), from, size, at);
                },
            .xTruncate =
                [](sqlite3_file* f, sqlite3_int64 size) {
                    return real(f)->pMethods->xTruncate(real(f), size);
                },
            .xSync =
                [](sqlite3_file*, int) {
                    ++current->syncs;
                    const int code = current->next();
                    return code;
                },
            .xFileSize =
                [](sqlite3_file* f, sqlite3_int64* size) {
                    return real(f)->pMethods->xFileSize(real(f), size);
                },
            .xLock = [](sqlite3_file* f,
                        int level) { return real(f)->pMethods->xLock(real(f), level); },
            .xUnlock = [](sqlite3_file* f,
                          int level) { return real(f)->pMethods->xUnlock(real(f), level); },
            .xCheckReservedLock =
                [](sqlite3_file* f, int* held) {
                    return real(f)->pMethods->xCheckReservedLock(real(f), held);
                },
            .xFileControl =
                [](sqlite3_file* f, int op, void* arg) {
                    return real(f)->pMethods->xFileControl(real(f), op, arg);
                },
            .xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); },
            .xDeviceCharacteristics =
                [](sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); },
        };
        return &table;
    }

    sqlite3_vfs* base_ = nullptr;
    sqlite3_vfs vfs_{};
    int64_t countdown_ = -1;
    int code_ = SQLITE_IOERR;
    bool stays_ = false;
};

}  // namespace ringlog::cluster::testing
