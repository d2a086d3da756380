# The daemon's own parts, and the daemon itself over its real sockets.
set(rfl_e2e ${CMAKE_SOURCE_DIR}/tests/e2e)
set(rfl_daemon_parts)
foreach(part belongs clock endpoint log options session)
  list(APPEND rfl_daemon_parts ${CMAKE_SOURCE_DIR}/daemon/${part}.c)
endforeach()
rfl_program(test_parts SOURCES ${rfl_e2e}/test_parts.c ${rfl_daemon_parts} LINK rfl_conf rfl_core PkgConfig::CMOCKA)
target_include_directories(test_parts PRIVATE ${CMAKE_SOURCE_DIR}/daemon)
rfl_test(test_parts unit TIMEOUT 60 COMMAND test_parts)

if(TARGET referrald AND TARGET rfl_engine AND TARGET rfl_store)
  add_library(failing_disk SHARED ${rfl_e2e}/failing_disk.c)
  target_link_libraries(failing_disk PRIVATE ${CMAKE_DL_LIBS})
  target_compile_definitions(failing_disk PRIVATE _GNU_SOURCE)
  file(GLOB e2e_sources CONFIGURE_DEPENDS ${rfl_e2e}/test_*.c)
  list(REMOVE_ITEM e2e_sources ${rfl_e2e}/test_parts.c)
  foreach(source ${e2e_sources})
    get_filename_component(name ${source} NAME_WE)
    rfl_program(${name} SOURCES ${source} ${rfl_e2e}/harness.c
      LINK rfl_store rfl_wire rfl_core PkgConfig::ZMQ PkgConfig::CMOCKA)
    target_compile_definitions(${name} PRIVATE RFL_REFERRALD="$<TARGET_FILE:referrald>"
      RFL_FAILING_DISK="$<TARGET_FILE:failing_disk>")
    if(SYSTEMD_FOUND)
      target_compile_definitions(${name} PRIVATE RFL_HAVE_SYSTEMD=1)
    endif()
    add_dependencies(${name} referrald failing_disk)
    rfl_test(${name} e2e TIMEOUT 120 COMMAND ${name})
  endforeach()
endif()

if(TARGET referrald AND TARGET referralctl)
  rfl_test(readme e2e LABELS main COMMAND /usr/bin/python3 ${rfl_e2e}/test_readme.py $<TARGET_FILE_DIR:referrald>)
endif()

find_program(SYSTEMD_ANALYZE systemd-analyze)
if(SYSTEMD_ANALYZE)
  # Exposure 0 (safe) to 100 as systemd scores it: the unit is held at 1.0 of 10 or better.
  rfl_test(unit_file_is_hardened guard TIMEOUT 30 COMMAND ${SYSTEMD_ANALYZE} security --offline=yes --threshold=10
    ${CMAKE_SOURCE_DIR}/config/systemd/referrald.service)
else()
  message(STATUS "systemd-analyze is not installed: guard.unit_file_is_hardened is skipped")
endif()
