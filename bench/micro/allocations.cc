#include "bench/micro/allocations.h"

#include <cstdlib>
#include <new>

namespace {

thread_local uint64_t allocations = 0;

}  // namespace

// The array and nothrow forms of the library end in these.
void* operator new(size_t bytes) {
    ++allocations;
    void* memory = std::malloc(bytes == 0 ? 1 : bytes);
    if (memory == nullptr) {
        std::abort();
    }
    return memory;
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, size_t /*bytes*/) noexcept {
    std::free(memory);
}

namespace ringlog {

uint64_t allocation_count() {
    return allocations;
}

}  // namespace ringlog
