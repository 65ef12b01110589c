/*
 * Linked into the core by `make asan`: checks for leaks at the end of processes that have loaded the core only.
 * The specs also start other programs, which inherit the preloaded sanitizer, and most of those end with leaks.
 */
#include <sanitizer/lsan_interface.h>

__attribute__((destructor)) static void look_for_leaks(void)
{
    __lsan_do_leak_check();
}
