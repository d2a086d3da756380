# Proofs over a whole policy: the space of profiles, what the checker says, what one changed fact does, and what differs
# between two policies. Each is compared with what the real routing says of every profile there is.
set(rfl_prove ${CMAKE_SOURCE_DIR}/tests/policy)
if(TARGET rfl_conf)
  add_library(policy_lots OBJECT ${rfl_prove}/lots.c ${rfl_prove}/shows.c ${rfl_prove}/small_policy.c)
  target_include_directories(policy_lots PUBLIC ${rfl_prove})
  target_link_libraries(policy_lots PRIVATE rfl_flags PUBLIC rfl_core PkgConfig::CMOCKA)
  foreach(name test_space test_prove_random test_prove_seeded test_policy_diff test_counterfactual)
    rfl_program(${name} SOURCES ${rfl_prove}/${name}.c LINK policy_lots rfl_conf)
    rfl_test(${name} policy TIMEOUT 120 COMMAND ${name})
  endforeach()
endif()
if(TARGET referralctl)
  rfl_test(ctl_policy policy TIMEOUT 60 COMMAND ${CMAKE_COMMAND} -E env RFL_BIN=${CMAKE_BINARY_DIR} ${RFL_PYTHON}
    ${rfl_prove}/test_ctl_policy.py)
endif()
