# Every test is registered here, by folder: a new tests/unit/test_<module>.c needs no line of its own.
enable_testing()
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

function(rfl_test name group)
  cmake_parse_arguments(arg "" "TIMEOUT" "COMMAND" ${ARGN})
  add_test(NAME ${group}.${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${group}.${name} PROPERTIES LABELS ${group} TIMEOUT ${arg_TIMEOUT})
endfunction()

set(rfl_all_libs)
foreach(lib rfl_engine rfl_conf rfl_directory rfl_store rfl_wire referral rfl_core)
  if(TARGET ${lib})
    list(APPEND rfl_all_libs ${lib})
  endif()
endforeach()

file(GLOB unit_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/test_*.c)
foreach(source ${unit_sources})
  get_filename_component(name ${source} NAME_WE)
  rfl_program(${name} SOURCES ${source} LINK ${rfl_all_libs} PkgConfig::CMOCKA)
  rfl_test(${name} unit TIMEOUT 120 COMMAND ${name})
endforeach()
