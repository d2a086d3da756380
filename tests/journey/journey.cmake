# The whole journey of a case: the table of what may happen when, drawn and compared with the document, and what a
# protected door can learn from what it is told.
set(rfl_journey ${CMAKE_SOURCE_DIR}/tests/journey)
if(TARGET rfl_core)
  add_library(journey_states OBJECT ${rfl_journey}/states.c ${rfl_journey}/states_doc.c)
  target_include_directories(journey_states PUBLIC ${rfl_journey} ${CMAKE_SOURCE_DIR}/tests/unit)
  target_link_libraries(journey_states PRIVATE rfl_flags PUBLIC rfl_core PkgConfig::CMOCKA)
  rfl_program(draw_states SOURCES ${rfl_journey}/draw_states.c LINK journey_states)
  rfl_program(test_states SOURCES ${rfl_journey}/test_states.c LINK journey_states)
  rfl_test(states journey TIMEOUT 30 LABELS quick COMMAND test_states)
endif()
if(TARGET referrald AND TARGET referralctl)
  rfl_test(desk journey TIMEOUT 120 LABELS main COMMAND ${RFL_PYTHON} ${rfl_journey}/test_desk.py
    --bin $<TARGET_FILE_DIR:referrald>)
endif()
if(TARGET rfl_engine AND TARGET rfl_conf AND TARGET rfl_wire)
  rfl_program(test_voluntary SOURCES ${rfl_journey}/test_voluntary.c ${rfl_journey}/play.c
    ${CMAKE_SOURCE_DIR}/tests/sim/world.c LINK ${rfl_all_libs} PkgConfig::CMOCKA)
  target_include_directories(test_voluntary PRIVATE ${CMAKE_SOURCE_DIR}/tests/sim)
  rfl_test(voluntary journey TIMEOUT 300 COMMAND test_voluntary)
endif()
if(TARGET rfl_engine AND TARGET rfl_conf AND TARGET rfl_wire)
  rfl_program(test_traces SOURCES ${rfl_journey}/test_traces.c ${CMAKE_SOURCE_DIR}/tests/sim/world.c
    LINK ${rfl_all_libs} PkgConfig::CMOCKA)
  target_include_directories(test_traces PRIVATE ${CMAKE_SOURCE_DIR}/tests/sim)
  rfl_test(traces journey TIMEOUT 60 LABELS quick COMMAND test_traces)
endif()
