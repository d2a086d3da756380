# The policy while running, and what a change would do.
if(TARGET referrald AND TARGET referralctl)
  set(rfl_policy_py ${CMAKE_COMMAND} -E env RFL_BIN=${CMAKE_BINARY_DIR} ${RFL_PYTHON} ${CMAKE_SOURCE_DIR}/tests/policy)
  rfl_test(reload policy TIMEOUT 120 COMMAND ${rfl_policy_py}/test_reload.py)
  rfl_test(explain policy TIMEOUT 120 COMMAND ${rfl_policy_py}/test_explain.py)
  rfl_test(whatif policy TIMEOUT 120 COMMAND ${rfl_policy_py}/test_whatif.py)
  rfl_test(guide policy TIMEOUT 120 COMMAND ${rfl_policy_py}/test_guide.py)
endif()
