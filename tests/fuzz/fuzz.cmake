# Fuzz targets: fuzz_<name>.c with a corpus in corpus/<name>. With RFL_FUZZ (clang) fuzz_<name> is a libFuzzer program;
# every build has replay_<name>, which runs the corpus through the same function as a test of group `fuzz`.
file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
foreach(source ${fuzz_sources})
  get_filename_component(target ${source} NAME_WE)
  string(REPLACE "fuzz_" "" name ${target})
  if(RFL_FUZZ)
    rfl_program(${target} SOURCES ${source} LINK ${rfl_all_libs})
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  endif()
  rfl_program(replay_${name} SOURCES ${source} tests/fuzz/replay.c LINK ${rfl_all_libs})
  rfl_test(replay_${name} fuzz TIMEOUT 60 COMMAND replay_${name} tests/fuzz/corpus/${name})
endforeach()
