# What an attacker meets. A test that looks at the shipped walls runs in the optimised build as well: the sanitizers
# need a few system calls more.
set(rfl_security ${CMAKE_SOURCE_DIR}/tests/security)
# Linked by every test that leaves a folder behind where people's data went through.
add_library(canary STATIC ${rfl_security}/canary.c)
target_include_directories(canary PUBLIC ${rfl_security} ${CMAKE_SOURCE_DIR}/tests)
target_link_libraries(canary PRIVATE rfl_flags)
rfl_program(canaries SOURCES ${rfl_security}/canary_main.c LINK canary)
rfl_program(test_canary SOURCES ${rfl_security}/test_canary.c LINK canary PkgConfig::CMOCKA)
rfl_test(canary security TIMEOUT 30 COMMAND test_canary)
rfl_program(test_sandbox SOURCES ${rfl_security}/test_sandbox.c ${CMAKE_SOURCE_DIR}/daemon/sandbox.c
  LINK rfl_core PkgConfig::SECCOMP PkgConfig::CMOCKA)
target_include_directories(test_sandbox PRIVATE ${CMAKE_SOURCE_DIR}/daemon)
rfl_test(sandbox security TIMEOUT 60 COMMAND test_sandbox)
rfl_test(sandbox_release security TIMEOUT 60 LABELS release COMMAND test_sandbox)

if(TARGET rfl_store)
  rfl_program(test_vault SOURCES ${rfl_security}/test_vault.c LINK rfl_store rfl_core PkgConfig::CMOCKA)
  rfl_test(vault security TIMEOUT 120 COMMAND test_vault)
endif()
if(TARGET referrald AND TARGET rfl_store)
  add_library(strange_disk SHARED ${rfl_security}/strange_disk.c)
  target_link_libraries(strange_disk PRIVATE ${CMAKE_DL_LIBS})
  target_compile_definitions(strange_disk PRIVATE _GNU_SOURCE)
  rfl_program(test_walls SOURCES ${rfl_security}/test_walls.c ${CMAKE_SOURCE_DIR}/tests/e2e/harness.c
    LINK canary rfl_store rfl_conf rfl_wire rfl_core PkgConfig::ZMQ PkgConfig::CMOCKA)
  target_include_directories(test_walls PRIVATE ${CMAKE_SOURCE_DIR}/tests/e2e)
  target_compile_definitions(test_walls PRIVATE RFL_REFERRALD="$<TARGET_FILE:referrald>"
    RFL_STRANGE_DISK="$<TARGET_FILE:strange_disk>")
  add_dependencies(test_walls referrald strange_disk)
  rfl_test(walls security TIMEOUT 120 COMMAND test_walls)
  rfl_test(walls_release security TIMEOUT 120 LABELS release COMMAND test_walls)
endif()

# What a person may ask for, and what a log proves.
if(TARGET rfl_store AND TARGET rfl_wire)
  rfl_program(test_chain SOURCES ${rfl_security}/test_chain.c ${CMAKE_SOURCE_DIR}/tools/ctl_chain.c
    LINK rfl_store referral rfl_core PkgConfig::SODIUM PkgConfig::JANSSON PkgConfig::CMOCKA)
  target_include_directories(test_chain PRIVATE ${CMAKE_SOURCE_DIR}/tools)
  rfl_test(chain security TIMEOUT 120 COMMAND test_chain)
endif()
if(TARGET referrald AND TARGET referralctl)
  rfl_test(audit security TIMEOUT 180 COMMAND ${RFL_PYTHON} ${rfl_security}/test_audit.py
    --bin $<TARGET_FILE_DIR:referrald>)
  rfl_test(governance security TIMEOUT 120 COMMAND ${RFL_PYTHON} ${rfl_security}/test_governance.py
    --bin $<TARGET_FILE_DIR:referrald>)
  rfl_test(rights security TIMEOUT 120 COMMAND ${RFL_PYTHON} ${rfl_security}/test_rights.py
    --bin $<TARGET_FILE_DIR:referrald>)
  rfl_program(wrapped_keys SOURCES ${rfl_security}/wrapped_keys.c LINK rfl_store rfl_core)
  rfl_test(erased security TIMEOUT 300 COMMAND ${RFL_PYTHON} ${rfl_security}/test_erased.py
    --bin $<TARGET_FILE_DIR:referrald>)
endif()

find_program(SYSTEMD_ANALYZE systemd-analyze REQUIRED)
# Exposure 0 (safe) to 100 as systemd scores it offline: the unit is held at 1.0 of 10 or better.
rfl_test(unit_file_is_hardened security TIMEOUT 30 COMMAND ${SYSTEMD_ANALYZE} security --offline=true --threshold=10
  ${CMAKE_SOURCE_DIR}/config/systemd/referrald.service)
if(TARGET referrald AND TARGET referralctl)
  rfl_program(under_filter SOURCES ${rfl_security}/under_filter.c LINK PkgConfig::SECCOMP)
  rfl_test(under_systemd security TIMEOUT 120 LABELS release
    COMMAND ${rfl_security}/under_systemd $<TARGET_FILE_DIR:referrald> /src/tests/security/test_under_systemd.py
    --bin /build)
  rfl_test(unit_file_leaves_enough security TIMEOUT 120 LABELS release
    COMMAND ${RFL_PYTHON} ${rfl_security}/test_unit.py $<TARGET_FILE_DIR:referrald>)
endif()
