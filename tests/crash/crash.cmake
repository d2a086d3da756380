# Fault injection. faultio is linked into tests that drive the store themselves, and built as a library that can be
# preloaded into the daemon (FAULTIO_AT, FAULTIO_KIND, FAULTIO_STICKY: tests/crash/faultio.c).
if(TARGET rfl_store)
  rfl_program(crash_store
    SOURCES ${CMAKE_SOURCE_DIR}/tests/crash/crash_store.c ${CMAKE_SOURCE_DIR}/tests/crash/faultio.c
    LINK rfl_store PkgConfig::CMOCKA ${CMAKE_DL_LIBS})
  target_include_directories(crash_store PRIVATE ${CMAKE_SOURCE_DIR}/tests/unit)
  rfl_test(crash_store crash COMMAND crash_store)
  add_library(faultio SHARED ${CMAKE_SOURCE_DIR}/tests/crash/faultio.c)
  target_link_libraries(faultio PRIVATE rfl_flags ${CMAKE_DL_LIBS})
endif()
