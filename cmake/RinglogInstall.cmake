# Installs the engine as a library for others: `cmake --install build/release --component engine --prefix DIR`, and then
# find_package(ringlog) gives ringlog::engine. Headers go to include/ringlog, and are included as "engine/...".
# Installed with a sanitizer build, the libraries carry its flags along.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(ringlog_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ringlog)
set_target_properties(ringlog_options PROPERTIES EXPORT_NAME options)
install(TARGETS ringlog_options ringlog_base ringlog_io ringlog_engine EXPORT ringlogTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT engine)
install(DIRECTORY base io engine DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ringlog COMPONENT engine
    FILES_MATCHING PATTERN "*.h")
install(EXPORT ringlogTargets NAMESPACE ringlog:: DESTINATION ${ringlog_package_dir} COMPONENT engine)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/ringlogConfig.cmake.in ringlogConfig.cmake
    INSTALL_DESTINATION ${ringlog_package_dir} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may break what is built on it.
write_basic_package_version_file(ringlogConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/ringlogConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/ringlogConfigVersion.cmake
    DESTINATION ${ringlog_package_dir} COMPONENT engine)
