# The promises of the house style, kept by programs. Each check has a twin that proves it can fail.
set(RFL_PYTHON /usr/bin/python3)
set(rfl_guard ${CMAKE_SOURCE_DIR}/tests/guard)
if(TARGET rfl_core)
  rfl_test(core_symbols guard TIMEOUT 30 COMMAND ${CMAKE_COMMAND} -D NM=${CMAKE_NM} -D LIB=$<TARGET_FILE:rfl_core>
    -P ${rfl_guard}/core_symbols.cmake)
  add_library(guard_impure STATIC ${rfl_guard}/impure.c)
  target_link_libraries(guard_impure PRIVATE rfl_flags)
  rfl_test(core_symbols_finds_one guard TIMEOUT 30 COMMAND ${CMAKE_COMMAND} -D NM=${CMAKE_NM}
    -D LIB=$<TARGET_FILE:guard_impure> -P ${rfl_guard}/core_symbols.cmake)
  set_tests_properties(guard.core_symbols_finds_one PROPERTIES PASS_REGULAR_EXPRESSION "but imports: time")
endif()
foreach(check includes sizes calls leftovers spelling links)
  rfl_test(${check} guard TIMEOUT 30 COMMAND ${RFL_PYTHON} ${rfl_guard}/tidy.py ${check})
endforeach()
rfl_test(compiled guard TIMEOUT 30 COMMAND ${RFL_PYTHON} ${rfl_guard}/tidy.py compiled
  ${CMAKE_BINARY_DIR}/compile_commands.json)
rfl_test(tidy_finds_each guard TIMEOUT 30 COMMAND ${RFL_PYTHON} ${rfl_guard}/test_tidy.py)
rfl_test(log_is_typed guard TIMEOUT 30 COMMAND ${RFL_PYTHON} ${rfl_guard}/disclosure.py log)
rfl_test(canaries_are_planted guard TIMEOUT 30 COMMAND ${RFL_PYTHON} ${rfl_guard}/disclosure.py planted)
rfl_test(disclosure_finds_each guard TIMEOUT 30 COMMAND ${RFL_PYTHON} ${rfl_guard}/test_disclosure.py)
rfl_test(words guard TIMEOUT 30 COMMAND ${RFL_PYTHON} ${rfl_guard}/words.py)
rfl_test(deps guard TIMEOUT 30 COMMAND ${rfl_guard}/test_deps.sh)
rfl_test(count_results guard TIMEOUT 30 COMMAND ${RFL_PYTHON} ${rfl_guard}/test_count_results.py)
