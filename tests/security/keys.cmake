# Who gets in, and what each may do then: the real daemon over tcp, with keys.
if(TARGET referrald AND TARGET referralctl)
  foreach(name test_matrix)
    rfl_program(${name} SOURCES ${CMAKE_SOURCE_DIR}/tests/security/${name}.c ${rfl_e2e}/harness.c
      LINK canary referral rfl_store rfl_conf rfl_wire rfl_core PkgConfig::ZMQ PkgConfig::CMOCKA)
    target_include_directories(${name} PRIVATE ${rfl_e2e})
    target_compile_definitions(${name} PRIVATE RFL_REFERRALD="$<TARGET_FILE:referrald>")
    add_dependencies(${name} referrald)
    rfl_test(${name} security TIMEOUT 120 COMMAND ${name})
  endforeach()
endif()
