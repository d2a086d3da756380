# What is measured, as programs; only a short run that checks the measuring itself belongs to the suite.
set(rfl_bench ${CMAKE_SOURCE_DIR}/tests/bench)
set(rfl_load ${rfl_bench}/invent.c ${rfl_bench}/load.c ${rfl_bench}/world.c)

if(TARGET referrald AND TARGET referral AND TARGET rfl_store)
  rfl_program(bench SOURCES ${rfl_bench}/bench_main.c ${rfl_load}
    LINK referral rfl_conf rfl_store rfl_wire rfl_core PkgConfig::ZMQ PkgConfig::JANSSON)
  add_dependencies(bench referrald)
  rfl_test(quick bench TIMEOUT 120 SERIAL LABELS main COMMAND bench --bin $<TARGET_FILE_DIR:referrald> --quick)
endif()
