# Every test is registered here, or in the <group>.cmake of its folder. A new tests/unit/test_<module>.c needs no line.
enable_testing()
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

# rfl_test(name group [TIMEOUT seconds] [SERIAL] [LABELS label ...] COMMAND program argument ...)
#
# Groups: unit journey policy sim crash fuzz e2e security guard bench (tests/README.md). Further labels: `main` shows
# the main job, `quick` belongs to `ctest --preset quick` besides unit and guard, `release` runs in the optimised build
# only (crash and bench always do). A test that exits with 77 was skipped. The working directory is the project's root.
set(rfl_test_environment "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
  "ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1")
if(EXISTS ${CMAKE_SOURCE_DIR}/tests/lsan.supp)
  list(APPEND rfl_test_environment
    "LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/lsan.supp:print_suppressions=0")
endif()
function(rfl_test name group)
  cmake_parse_arguments(arg "SERIAL" "TIMEOUT" "LABELS;COMMAND" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_test(NAME ${group}.${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${group}.${name} PROPERTIES LABELS "${group};${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
    SKIP_RETURN_CODE 77 ENVIRONMENT "${rfl_test_environment}")
  if(arg_SERIAL)
    set_tests_properties(${group}.${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()

set(rfl_all_libs canary)
foreach(lib rfl_engine rfl_conf rfl_directory rfl_store rfl_wire referral rfl_core)
  if(TARGET ${lib})
    list(APPEND rfl_all_libs ${lib})
  endif()
endforeach()

file(GLOB unit_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/test_*.c)
foreach(source ${unit_sources})
  get_filename_component(name ${source} NAME_WE)
  rfl_program(${name} SOURCES ${source} LINK ${rfl_all_libs} PkgConfig::CMOCKA)
  rfl_test(${name} unit COMMAND ${name})
endforeach()

include(${CMAKE_SOURCE_DIR}/tests/guard/guard.cmake)
if(TARGET referrald AND TARGET referralctl AND TARGET demo_driver)
  set(rfl_bin ${CMAKE_COMMAND} -E env RFL_BIN=${CMAKE_BINARY_DIR} ${RFL_PYTHON} ${CMAKE_SOURCE_DIR}/tests/e2e)
  rfl_test(ctl e2e COMMAND ${rfl_bin}/test_ctl.py)
  rfl_test(demo e2e TIMEOUT 300 LABELS main release journey COMMAND ${rfl_bin}/test_demo.py)
endif()
foreach(part policy/policy policy/prove policy/reload journey/journey sim/sim crash/crash crash/kill fuzz/fuzz e2e/e2e
  e2e/python security/security security/keys bench/bench)
  include(${CMAKE_SOURCE_DIR}/tests/${part}.cmake OPTIONAL)
endforeach()
include(${CMAKE_SOURCE_DIR}/tests/policy/areas.cmake)

# Measuring programs of one file each; they are run by hand (their first comment says how).
foreach(name bench_directory bench_store gen_postcodes)
  if(NOT TARGET ${name} AND EXISTS ${CMAKE_SOURCE_DIR}/tests/bench/${name}.c)
    rfl_program(${name} SOURCES ${CMAKE_SOURCE_DIR}/tests/bench/${name}.c LINK ${rfl_all_libs})
  endif()
endforeach()
