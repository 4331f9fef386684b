# The installable package: find_package(sluice) gives the targets sluice::<folder>.
include(CMakePackageConfigHelpers)
set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/sluice)
install(EXPORT sluice NAMESPACE sluice:: DESTINATION ${config_dir} FILE sluice-targets.cmake)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/sluice-config.cmake.in sluice-config.cmake INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(sluice-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/sluice-config.cmake ${PROJECT_BINARY_DIR}/sluice-config-version.cmake DESTINATION ${config_dir})
