# The libraries under test keep their flags. What surrounds them, most of it Catch2's assertions, compiles a quarter faster this way.
set(sluice_test_options $<$<NOT:$<CONFIG:Debug>>:-O1>)

# What nearly every test includes is parsed once, by the first test program. The others have the same flags and reuse it.
function(sluice_precompile_for_tests target)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    return()  # ccache does not find what another compiler makes of it
  endif()
  target_compile_options(${target} PRIVATE -fpch-preprocess)  # for ccache
  if(NOT target STREQUAL test_base)
    target_precompile_headers(${target} REUSE_FROM test_base)
    return()
  endif()
  target_precompile_headers(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests/support/catch.h" <nlohmann/json.hpp> <algorithm> <cmath>
    <filesystem> <fstream> <functional> <iostream> <map> <memory> <optional> <span> <sstream> <string> <thread> <vector>)
endfunction()

# sluice_test(<folder> [SERIAL] SOURCES ... LINK ...): one test program a folder, one ctest entry; it prints SKIP lines for what it
# cannot run here.
# SERIAL: it has deadlines and threads of its own, and no other test beside it.
function(sluice_test folder)
  cmake_parse_arguments(arg "SERIAL" "" "SOURCES;LINK" ${ARGN})
  add_executable(test_${folder} ${arg_SOURCES})
  target_link_libraries(test_${folder} PRIVATE sluice_catch_main sluice_flags ${arg_LINK})
  target_compile_options(test_${folder} PRIVATE ${sluice_test_options})
  sluice_precompile_for_tests(test_${folder})
  # Where plug-ins are looked for.
  set_target_properties(test_${folder} PROPERTIES BUILD_RPATH "${PROJECT_BINARY_DIR}/lib;${PROJECT_BINARY_DIR}/tests/plugins")
  add_test(NAME ${folder} COMMAND test_${folder})
  set_tests_properties(${folder} PROPERTIES RUN_SERIAL ${arg_SERIAL})
endfunction()
