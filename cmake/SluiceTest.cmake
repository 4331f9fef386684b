# The libraries under test keep their flags. What surrounds them, most of it Catch2's assertions, compiles a quarter faster this way.
set(sluice_test_options $<$<NOT:$<CONFIG:Debug>>:-O1>)

# What nearly every test includes is parsed once, by the first test program. The others have the same flags and reuse it.
function(sluice_precompile_for_tests target)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(${target} PRIVATE -fpch-preprocess)  # for ccache
  elseif(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")  # for ccache
  else()
    return()
  endif()
  if(NOT target STREQUAL test_base)
    target_precompile_headers(${target} REUSE_FROM test_base)
    return()
  endif()
  target_precompile_headers(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests/support/catch.h" <nlohmann/json.hpp> <algorithm> <cmath>
    <filesystem> <fstream> <functional> <iostream> <map> <memory> <optional> <span> <sstream> <string> <thread> <vector>)
endfunction()

# sluice_test(<folder> [SERIAL] [SHARED_FIXTURE] SOURCES ... LINK ...): one test program per folder, one ctest entry per
# test case with the folder's name as label; a case prints SKIP lines for what it cannot run here.
# SERIAL: the cases have deadlines and threads; no other test runs at the same time.
# SHARED_FIXTURE: the cases share something expensive, and are one ctest entry.
function(sluice_test folder)
  cmake_parse_arguments(arg "SERIAL;SHARED_FIXTURE" "" "SOURCES;LINK" ${ARGN})
  set(target test_${folder})
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE sluice_catch_main sluice_flags ${arg_LINK})
  target_compile_options(${target} PRIVATE ${sluice_test_options})
  sluice_precompile_for_tests(${target})
  set(properties LABELS ${folder} RUN_SERIAL ${arg_SERIAL})
  if(arg_SHARED_FIXTURE)
    add_test(NAME ${folder} COMMAND ${target})
    set_tests_properties(${folder} PROPERTIES ${properties})
  else()
    catch_discover_tests(${target} TEST_PREFIX "${folder}/" PROPERTIES ${properties})
  endif()
endfunction()
