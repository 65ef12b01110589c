/*
 * Checks for leaks at the end of a process. `make asan` links it into the core, so that it runs only in processes that
 * have loaded the core: the specs also start other programs, which inherit the preloaded sanitizer, and most of them
 * end with leaks.
 */
#include <sanitizer/lsan_interface.h>

__attribute__((destructor)) static void look_for_leaks(void)
{
    __lsan_do_leak_check();
}
