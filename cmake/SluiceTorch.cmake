# Finds one LibTorch and refuses a mix of two.
#
# Beside an installed libtorch-dev, another LibTorch's headers easily get Debian's libraries (find_library prefers the system's folders);
# the program then loads two c10 and aborts at start. So headers and libraries are looked for under one root, and compared after that.
#
# SLUICE_TORCH_ROOT names a LibTorch or the folder of a Python torch; without it, the first torch.h on CMAKE_PREFIX_PATH or the system.
set(SLUICE_TORCH_ROOT "" CACHE PATH "A LibTorch folder (include/, lib/); empty for the first that is found")

if(SLUICE_TORCH_ROOT)
  find_path(SLUICE_TORCH_INCLUDE torch/csrc/api/include/torch/torch.h PATHS ${SLUICE_TORCH_ROOT}/include NO_DEFAULT_PATH)
else()
  find_path(SLUICE_TORCH_INCLUDE torch/csrc/api/include/torch/torch.h)
endif()

if(SLUICE_TORCH_INCLUDE)
  get_filename_component(sluice_torch_home "${SLUICE_TORCH_INCLUDE}" DIRECTORY)
  foreach(part torch torch_cpu c10)
    find_library(SLUICE_TORCH_LIB_${part} ${part} PATHS ${sluice_torch_home}/lib ${sluice_torch_home}/lib/${CMAKE_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH)
    if(NOT SLUICE_TORCH_LIB_${part})
      message(FATAL_ERROR "LibTorch: ${SLUICE_TORCH_INCLUDE} has the headers, but ${sluice_torch_home}/lib has no lib${part}. "
                          "Give one whole LibTorch: -DSLUICE_TORCH_ROOT=DIR, or -DSLUICE_WITH_TORCH=OFF")
    endif()
    get_filename_component(sluice_torch_lib_home "${SLUICE_TORCH_LIB_${part}}" REALPATH)
    get_filename_component(sluice_torch_real_home "${sluice_torch_home}" REALPATH)
    string(FIND "${sluice_torch_lib_home}" "${sluice_torch_real_home}/" sluice_torch_at)
    if(NOT sluice_torch_at EQUAL 0)
      message(FATAL_ERROR "Two LibTorchs are mixed: headers from ${SLUICE_TORCH_INCLUDE}, lib${part} from ${sluice_torch_lib_home}. "
                          "Configure in an empty build folder with -DSLUICE_TORCH_ROOT=DIR for one of them")
    endif()
  endforeach()
  add_library(sluice_torch INTERFACE)
  target_include_directories(sluice_torch SYSTEM INTERFACE ${SLUICE_TORCH_INCLUDE} ${SLUICE_TORCH_INCLUDE}/torch/csrc/api/include)
  target_link_libraries(sluice_torch INTERFACE ${SLUICE_TORCH_LIB_torch} ${SLUICE_TORCH_LIB_torch_cpu} ${SLUICE_TORCH_LIB_c10})
  set(SLUICE_HAVE_TORCH ON)
elseif(SLUICE_WITH_TORCH STREQUAL "ON" OR SLUICE_TORCH_ROOT)
  message(FATAL_ERROR "LibTorch was asked for and not found: apt-get install libtorch-dev, or -DSLUICE_TORCH_ROOT=DIR")
endif()
