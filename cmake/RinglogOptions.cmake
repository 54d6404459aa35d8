# The language, warnings and sanitizers that every target of ours is built with.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(RINGLOG_SANITIZE "" CACHE STRING "Sanitizers: empty, 'address,undefined' or 'thread'")
option(RINGLOG_FUZZ "Build the libFuzzer targets (clang only)" OFF)

add_library(ringlog_options INTERFACE)
target_include_directories(ringlog_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(ringlog_options INTERFACE
    -Wall -Wextra -Werror -Wno-missing-field-initializers -fno-omit-frame-pointer)
target_compile_definitions(ringlog_options INTERFACE _GNU_SOURCE)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_compile_options(ringlog_options INTERFACE -Wshadow -Wthread-safety)
else()
    # g++ 12 reports false positives in inlined coroutine frames and std::expected, and needs tail calls for
    # coroutines that complete at once.
    target_compile_options(ringlog_options INTERFACE -foptimize-sibling-calls
        -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow -Wno-restrict -Wno-dangling-pointer
        -Wno-unused-function)
endif()
if(RINGLOG_SANITIZE)
    target_compile_options(ringlog_options INTERFACE -fsanitize=${RINGLOG_SANITIZE})
    target_link_options(ringlog_options INTERFACE -fsanitize=${RINGLOG_SANITIZE})
    if(RINGLOG_SANITIZE MATCHES "undefined")
        target_compile_options(ringlog_options INTERFACE -fno-sanitize-recover=undefined)
    endif()
endif()
if(RINGLOG_FUZZ)
    target_compile_options(ringlog_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
