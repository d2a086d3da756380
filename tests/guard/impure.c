/* Not part of the program: the one call that core_symbols.cmake must find. */
#include <time.h>

long rfl_impure_now(void);

long rfl_impure_now(void)
{
    return (long)time(NULL);
}
