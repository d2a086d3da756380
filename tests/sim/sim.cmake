# The engine driven without sockets, on a clock that is a variable. The whole million runs optimised; the sanitizers see
# every combination of keys once.
if(TARGET rfl_engine AND TARGET rfl_conf AND TARGET rfl_wire)
  rfl_program(prop_submit SOURCES ${CMAKE_SOURCE_DIR}/tests/sim/prop_submit.c ${CMAKE_SOURCE_DIR}/tests/sim/world.c
    LINK ${rfl_all_libs} PkgConfig::CMOCKA)
  if(RFL_SANITIZE)
    rfl_test(prop_submit sim TIMEOUT 300 LABELS main quick COMMAND ${CMAKE_COMMAND} -E env RFL_PROP_COUNT=20000
      $<TARGET_FILE:prop_submit>)
  else()
    rfl_test(prop_submit sim TIMEOUT 600 LABELS main release COMMAND prop_submit)
  endif()
endif()
