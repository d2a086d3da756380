# The specification, tried by a client that knows nothing else.
if(TARGET referrald AND TARGET referralctl)
  rfl_test(python_client e2e TIMEOUT 120 LABELS main COMMAND ${RFL_PYTHON}
    ${CMAKE_SOURCE_DIR}/tests/e2e/test_python_client.py --bin $<TARGET_FILE_DIR:referrald>)
  rfl_test(python_keys e2e TIMEOUT 120 COMMAND ${RFL_PYTHON}
    ${CMAKE_SOURCE_DIR}/tests/e2e/test_python_keys.py --bin $<TARGET_FILE_DIR:referrald>)
  rfl_test(python_journey e2e TIMEOUT 180 LABELS journey COMMAND ${RFL_PYTHON}
    ${CMAKE_SOURCE_DIR}/tests/e2e/test_python_journey.py --bin $<TARGET_FILE_DIR:referrald>)
endif()
