# ringlog_library(NAME deps...): the static library of one folder, from every .cc in it, as target ringlog::NAME.
# The arrows of docs/architecture.md are the `deps`; tools/check_tree.py fails on an include that they do not allow.
function(ringlog_library name)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
    list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
    if(NOT sources)
        add_library(ringlog_${name} INTERFACE)
        target_link_libraries(ringlog_${name} INTERFACE ringlog_options ${ARGN})
    else()
        add_library(ringlog_${name} STATIC ${sources})
        target_link_libraries(ringlog_${name} PUBLIC ringlog_options ${ARGN})
    endif()
    set_target_properties(ringlog_${name} PROPERTIES EXPORT_NAME ${name})
    add_library(ringlog::${name} ALIAS ringlog_${name})
endfunction()

# ringlog_test(NAME FOLDER LIBRARIES...): one test program from every *_test.cc in FOLDER, registered with ctest.
function(ringlog_test name folder)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*_test.cc)
    if(NOT sources)
        return()
    endif()
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE ringlog_options ${ARGN} GTest::gmock GTest::gtest_main)
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300)
endfunction()

# ringlog_fuzzers(FOLDER LIBRARIES...): one libFuzzer program per *_fuzz.cc in FOLDER, as build/fuzz/fuzzers/NAME (NAME
# is the file's, without _fuzz). Target `fuzzers` builds them all. Nothing outside the fuzz preset. A seed corpus may
# stand in FOLDER/corpus/NAME.
function(ringlog_fuzzers folder)
    if(NOT RINGLOG_FUZZ)
        return()
    endif()
    if(NOT TARGET fuzzers)
        add_custom_target(fuzzers)
    endif()
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*_fuzz.cc)
    foreach(source ${sources})
        get_filename_component(name ${source} NAME_WE)
        string(REGEX REPLACE "_fuzz$" "" name ${name})
        add_executable(fuzz_${name} ${source})
        target_link_libraries(fuzz_${name} PRIVATE ringlog_options ${ARGN})
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
        set_target_properties(fuzz_${name} PROPERTIES
            OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzzers)
        add_dependencies(fuzzers fuzz_${name})
    endforeach()
endfunction()

# ringlog_link_allocator(TARGET): mimalloc instead of the C library's malloc. Not under sanitizers, which bring their own.
function(ringlog_link_allocator target)
    if(NOT RINGLOG_SANITIZE)
        target_link_libraries(${target} PRIVATE mimalloc)
    endif()
endfunction()
