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

# The simulator: `sim --seed N --steps M` by hand; a million commands in the optimised build,
# in which every cell of the table is reached; a few thousand under the sanitizers.
if(TARGET rfl_engine AND TARGET rfl_conf AND TARGET rfl_wire)
  file(GLOB sim_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/sim/sim*.c ${CMAKE_SOURCE_DIR}/tests/sim/model*.c)
  rfl_program(sim SOURCES ${sim_sources} ${CMAKE_SOURCE_DIR}/tests/sim/world.c LINK ${rfl_all_libs} PkgConfig::CMOCKA)
  if(RFL_SANITIZE)
    rfl_test(sim sim TIMEOUT 300 LABELS journey quick COMMAND sim --seed 1 --seeds 8 --steps 1000)
  else()
    rfl_test(sim sim TIMEOUT 600 LABELS journey release COMMAND sim --seed 1 --seeds 200 --steps 8000 --covered)
  endif()

  # Providers who never mean yes, referrers who never stop.
  rfl_program(test_adversaries SOURCES ${CMAKE_SOURCE_DIR}/tests/journey/test_adversaries.c
    ${CMAKE_SOURCE_DIR}/tests/sim/world.c LINK ${rfl_all_libs} PkgConfig::CMOCKA)
  target_include_directories(test_adversaries PRIVATE ${CMAKE_SOURCE_DIR}/tests/sim)
  rfl_test(adversaries journey TIMEOUT 120 LABELS quick COMMAND test_adversaries)
endif()
