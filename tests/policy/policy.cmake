# What the people who answer for an area may say: rules, places, advice, room; and what can be said of them as a whole.
# The programs that drive the routing alone belong to the quick set.
set(rfl_policy_tests ${CMAKE_SOURCE_DIR}/tests/policy)
if(TARGET rfl_core)
  foreach(name test_rules test_rules_random)
    rfl_program(${name} SOURCES ${rfl_policy_tests}/${name}.c LINK rfl_core PkgConfig::CMOCKA)
    rfl_test(${name} policy TIMEOUT 60 LABELS quick COMMAND ${name})
  endforeach()
endif()
