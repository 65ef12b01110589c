/*
 * Linked into the core by `make asan`: looks for leaks when a process ends that has loaded the core, and only then.
 * The specs start other programs too, which inherit the preloaded sanitizer, and most of those end with leaks.
 */
#include <sanitizer/lsan_interface.h>

__attribute__((destructor)) static void look_for_leaks(void)
{
    __lsan_do_leak_check();
}
