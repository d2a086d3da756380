# Areas that change while the daemon runs.
if(TARGET rfl_engine AND TARGET rfl_wire)
  rfl_program(test_areas SOURCES ${CMAKE_SOURCE_DIR}/tests/policy/test_areas.c LINK ${rfl_all_libs} PkgConfig::CMOCKA)
  target_include_directories(test_areas PRIVATE ${CMAKE_SOURCE_DIR}/tests/unit)
  rfl_test(areas policy TIMEOUT 120 LABELS quick COMMAND test_areas)
endif()
if(TARGET referrald AND TARGET referralctl)
  rfl_test(area_plan policy TIMEOUT 120 COMMAND ${CMAKE_COMMAND} -E env RFL_BIN=${CMAKE_BINARY_DIR} ${RFL_PYTHON}
    ${CMAKE_SOURCE_DIR}/tests/policy/test_area_plan.py)
  if(NOT RFL_SANITIZE)        # a preloaded clock and the sanitizer both want to be the first library
    rfl_test(april policy TIMEOUT 180 LABELS main release COMMAND ${CMAKE_COMMAND} -E env RFL_BIN=${CMAKE_BINARY_DIR}
      ${RFL_PYTHON} ${CMAKE_SOURCE_DIR}/tests/policy/test_april.py)
  endif()
endif()
