# What makes a fault of memory harder to exploit, for every program and library here. tests/conventions/hardened.py looks for the traces of each
# flag in the files that were built.
# Cost, with and without all flags (gbdt_bench run, four rounds in turns, each the best of three): scoring -0.7 to +2.3 %; AVX-512 attributions
# -1.6 to +7.2 %, which is also how far they differ from round to round; loading a forest 4.6 to 6.1 % slower (26.2 and 27.6 ms), 2.7 % with the
# linker's flags alone. Leaving out any one flag does not give that back, so all stay.
include(CheckCXXCompilerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)  # programs are linked with -pie

set(sluice_hardening -fstack-protector-strong)
foreach(flag -fstack-clash-protection -fcf-protection)  # the second one exists on x86 alone
  string(MAKE_C_IDENTIFIER "sluice_has${flag}" has)
  check_cxx_compiler_flag(${flag} ${has})
  if(${has})
    list(APPEND sluice_hardening ${flag})
  endif()
endforeach()
# Level 3 counts buffers whose size is known only at run time. A sanitizer replaces the functions that fortify would, and without optimisation
# there is nothing to fortify.
if(NOT SLUICE_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(level 2)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 12)
    set(level 3)
  endif()
  list(APPEND sluice_hardening -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${level})
endif()
add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:${sluice_hardening}>")
add_link_options(LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)

# All our libraries are static, so a run path leads to other people's shared libraries alone: to a LibTorch that is not the system's. It is the
# same before and after installation. CMake would otherwise end a program's run path with an empty element, which means the current folder.
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
