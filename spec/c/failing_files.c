/* Makes the function that $FAILING names fail as some file systems do: "flock" or "fchmod". For LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static bool fails(const char *name)
{
    const char *failing = getenv("FAILING");

    return failing != NULL && strcmp(failing, name) == 0;
}

int flock(int descriptor, int operation)
{
    int (*real)(int, int);

    *(void **)(&real) = dlsym(RTLD_NEXT, "flock");
    if (!fails("flock"))
        return real(descriptor, operation);
    errno = ENOLCK;
    return -1;
}

int fchmod(int descriptor, mode_t mode)
{
    int (*real)(int, mode_t);

    *(void **)(&real) = dlsym(RTLD_NEXT, "fchmod");
    if (!fails("fchmod"))
        return real(descriptor, mode);
    errno = EPERM;
    return -1;
}
