# The language, warnings and sanitizers that every target of ours is built with.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(RINGLOG_SANITIZE "" CACHE STRING "Sanitizers: empty, 'address,undefined' or 'thread'")
option(RINGLOG_FUZZ "Build the libFuzzer targets (clang only)" OFF)
option(RINGLOG_MUTANTS "Build with seeded bugs that RINGLOG_MUTANT turns on (base/mutant.h); for ./dev mutants only" OFF)

# The compiler cache, where there is one. A launcher that the user names stands.
find_program(RINGLOG_CCACHE ccache)
if(RINGLOG_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${RINGLOG_CCACHE})
endif()

# What our own targets need, and what somebody who embeds the engine inherits: headers, language, sanitizers. Warnings
# are for our own build only.
add_library(ringlog_options INTERFACE)
target_include_directories(ringlog_options INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:include/ringlog>)
target_compile_features(ringlog_options INTERFACE cxx_std_23)
target_compile_definitions(ringlog_options INTERFACE _GNU_SOURCE)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    set(ringlog_warnings -Wshadow -Wthread-safety)
else()
    # g++ 12 reports false positives in inlined coroutine frames and std::expected, and needs tail calls for
    # coroutines that complete at once.
    set(ringlog_warnings -foptimize-sibling-calls
        -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow -Wno-restrict -Wno-dangling-pointer
        -Wno-unused-function)
endif()
target_compile_options(ringlog_options INTERFACE
    "$<BUILD_INTERFACE:-Wall;-Wextra;-Werror;-Wno-missing-field-initializers;-fno-omit-frame-pointer;${ringlog_warnings}>")

if(RINGLOG_SANITIZE)
    target_compile_options(ringlog_options INTERFACE -fsanitize=${RINGLOG_SANITIZE})
    target_link_options(ringlog_options INTERFACE -fsanitize=${RINGLOG_SANITIZE})
    if(RINGLOG_SANITIZE MATCHES "undefined")
        target_compile_options(ringlog_options INTERFACE -fno-sanitize-recover=undefined)
    endif()
endif()
if(RINGLOG_MUTANTS)
    target_compile_definitions(ringlog_options INTERFACE RINGLOG_MUTANTS)
endif()
if(RINGLOG_FUZZ)
    if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "RINGLOG_FUZZ needs clang: libFuzzer is a part of it")
    endif()
    target_compile_options(ringlog_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# lld links in a fraction of the time of the default linker. clang finds the lld of its own version beside itself.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    string(REGEX MATCH "^[0-9]+" ringlog_clang_major ${CMAKE_CXX_COMPILER_VERSION})
    find_program(RINGLOG_LLD NAMES ld.lld-${ringlog_clang_major} ld.lld)
    if(RINGLOG_LLD)
        add_link_options(-fuse-ld=lld)
    endif()
endif()
