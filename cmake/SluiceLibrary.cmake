# sluice_library(<folder> [PRIVATE_FOLDER] SOURCES ... [ALONE ...] [HEADERS ...] [LINK ...] [PRIVATE_LINK ...])
#
# Makes the target sluice::<folder>. Its headers are reached as "sluice/<folder>/name.h" through an include folder of its own, so a
# source sees the headers of the folders its target links and no others: a wrong-way include does not compile.
# HEADERS are installed; what is not listed stays private. A PRIVATE_FOLDER is not installed at all: the package is for scoring, explaining and
# backtesting, and needs neither LibTorch nor libxgboost.
# ALONE are further sources, which are never compiled together with others: code whose speed is measured stays what it was, and a
# file with compile options of its own needs its own object.
function(sluice_library folder)
  cmake_parse_arguments(arg "PRIVATE_FOLDER" "" "SOURCES;ALONE;HEADERS;LINK;PRIVATE_LINK" ${ARGN})
  set(target sluice_${folder})
  set(include_dir ${PROJECT_BINARY_DIR}/include/${folder})
  file(MAKE_DIRECTORY ${include_dir}/sluice)
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${include_dir}/sluice/${folder} SYMBOLIC)

  add_library(${target} STATIC ${arg_SOURCES} ${arg_ALONE})
  set_source_files_properties(${arg_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  sluice_compile_together(${target})
  add_library(sluice::${folder} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${folder} SLUICE_HEADERS "${arg_HEADERS}")
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${include_dir}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PUBLIC ${arg_LINK} PRIVATE $<BUILD_INTERFACE:sluice_flags> ${arg_PRIVATE_LINK})

  if(arg_PRIVATE_FOLDER)
    return()
  endif()
  install(TARGETS ${target} EXPORT sluice ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  foreach(header ${arg_HEADERS})
    cmake_path(GET header PARENT_PATH topic)
    install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sluice/${folder}/${topic})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY SLUICE_FOLDERS ${folder})
endfunction()
