# The daemon killed under load, again and again.
set(rfl_crash ${CMAKE_SOURCE_DIR}/tests/crash)
if(TARGET referrald AND TARGET referralctl AND TARGET referral AND TARGET rfl_store)
  rfl_program(crash
    SOURCES ${rfl_crash}/crash_main.c ${rfl_crash}/crash_clients.c ${CMAKE_SOURCE_DIR}/tests/bench/world.c
    LINK canary referral rfl_conf rfl_store rfl_wire rfl_core PkgConfig::ZMQ)
  target_include_directories(crash PRIVATE ${CMAKE_SOURCE_DIR}/tests/bench)
  add_dependencies(crash referrald referralctl)
  rfl_test(kills crash TIMEOUT 600 SERIAL LABELS main COMMAND crash --bin $<TARGET_FILE_DIR:referrald> --kills 200)
endif()
