# What was decided, decided again from the log. The million runs optimised.
if(TARGET policy_lots AND TARGET rfl_engine)
  rfl_program(test_replay SOURCES ${CMAKE_SOURCE_DIR}/tests/policy/test_replay.c ${CMAKE_SOURCE_DIR}/tests/sim/world.c
    LINK policy_lots ${rfl_all_libs} PkgConfig::CMOCKA)
  target_include_directories(test_replay PRIVATE ${CMAKE_SOURCE_DIR}/tests/sim)
  if(RFL_SANITIZE)
    rfl_test(replay policy TIMEOUT 300 COMMAND ${CMAKE_COMMAND} -E env RFL_REPLAY_COUNT=20000 RFL_REPLAY_STORED=1500
      $<TARGET_FILE:test_replay>)
  else()
    rfl_test(replay policy TIMEOUT 600 LABELS release COMMAND test_replay)
  endif()
endif()

# The policy while running, and what a change would do.
if(TARGET referrald AND TARGET referralctl)
  set(rfl_policy_py ${CMAKE_COMMAND} -E env RFL_BIN=${CMAKE_BINARY_DIR} ${RFL_PYTHON} ${CMAKE_SOURCE_DIR}/tests/policy)
  rfl_test(reload policy TIMEOUT 120 COMMAND ${rfl_policy_py}/test_reload.py)
  rfl_test(explain policy TIMEOUT 120 COMMAND ${rfl_policy_py}/test_explain.py)
  rfl_test(whatif policy TIMEOUT 120 COMMAND ${rfl_policy_py}/test_whatif.py)
  rfl_test(guide policy TIMEOUT 120 COMMAND ${rfl_policy_py}/test_guide.py)
endif()
