# cmake -D NM=nm -D LIB=librfl_core.a -P core_symbols.cmake
#
# The core is pure because the linker says so: what its archive imports must be its own functions, memory blocks and
# assertions. One call of time(), malloc() or printf() in lib/core fails here.
execute_process(COMMAND ${NM} --undefined-only --format=just-symbols ${LIB} OUTPUT_VARIABLE out RESULT_VARIABLE rc)
if(NOT rc EQUAL 0)
  message(FATAL_ERROR "cannot read the symbols of ${LIB}")
endif()
string(REGEX MATCHALL "[A-Za-z_][A-Za-z0-9_.]*" symbols "${out}")
list(LENGTH symbols count)
if(count EQUAL 0)
  message(FATAL_ERROR "${LIB} imports nothing at all: this check is not looking at the right file")
endif()
list(FILTER symbols EXCLUDE REGEX
  "^(rfl_.*|(__)?mem(cpy|cmp|move|set)(_chk)?|__assert_fail|__(asan|ubsan|stack_chk)_.*|.*\\.o)$")
list(REMOVE_DUPLICATES symbols)
if(symbols)
  message(FATAL_ERROR "lib/core must stay pure, but imports: ${symbols}")
endif()
