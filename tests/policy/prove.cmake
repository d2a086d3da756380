# Proofs over a whole policy: the space of profiles, what the checker says, what one changed fact does, and what differs
# between two policies. Each is compared with what the real routing says of every profile there is.
set(rfl_prove ${CMAKE_SOURCE_DIR}/tests/policy)
foreach(name test_space)
  rfl_program(${name} SOURCES ${rfl_prove}/${name}.c ${rfl_prove}/lots.c LINK rfl_core PkgConfig::CMOCKA)
  rfl_test(${name} policy LABELS quick COMMAND ${name})
endforeach()
