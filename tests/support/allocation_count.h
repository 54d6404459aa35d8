// Counts what the program allocates, per thread. Include it in exactly one source file of a
// program: it replaces the global allocator, or under a sanitizer (which owns the allocator) hooks
// into it.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#include <sanitizer/allocator_interface.h>
#define RL_TEST_ALLOCATOR_IS_SANITIZED 1
#endif
#endif

namespace ringlog::test {

inline thread_local size_t allocated_bytes_count = 0;

/// Bytes that this thread has asked for since it began.
inline size_t allocated_bytes() {
    return allocated_bytes_count;
}

}  // namespace ringlog::test

#ifdef RL_TEST_ALLOCATOR_IS_SANITIZED

namespace ringlog::test {

inline const int allocation_hook_installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, size_t size) { allocated_bytes_count += size; },
    [](const volatile void*) {});

}  // namespace ringlog::test

#else

// NOLINTBEGIN: the global allocator with a counter; not inlined, where g++ would warn that new
// meets free.
[[gnu::noinline]] void* operator new(size_t size) {
    ringlog::test::allocated_bytes_count += size;
    if (void* memory = std::malloc(size)) {
        return memory;
    }
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
    std::free(memory);
}
// NOLINTEND

#endif
