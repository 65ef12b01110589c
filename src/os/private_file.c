/* Files and directories that only their owner may read, whatever the umask. Must not know Lua or libcurl. */
#define _GNU_SOURCE /* O_CLOEXEC, O_NOFOLLOW */
#include "os/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Closes a descriptor, keeping errno. */
static void drop(int descriptor)
{
    int saved = errno;

    (void)close(descriptor);
    errno = saved;
}

bool oh_private_restrict(const char *path)
{
    struct stat found;

    if (stat(path, &found) != 0)
        return errno == ENOENT;
    if (!S_ISREG(found.st_mode)) {
        errno = S_ISDIR(found.st_mode) ? EISDIR : EINVAL;
        return false;
    }
    if ((found.st_mode & 077) == 0 || found.st_uid != geteuid())
        return true;
    return chmod(path, found.st_mode & 0700) == 0;
}

bool oh_private_file(const char *path)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good;

    if (descriptor < 0)
        return errno == EEXIST && oh_private_restrict(path);
    good = fchmod(descriptor, 0600) == 0; /* the umask may have taken away even the owner's permissions */
    drop(descriptor);
    return good;
}

bool oh_private_directory(const char *path)
{
    struct stat found;

    if (mkdir(path, 0700) == 0)
        return chmod(path, 0700) == 0;
    if (errno != EEXIST || stat(path, &found) != 0)
        return false;
    if (!S_ISDIR(found.st_mode)) {
        errno = ENOTDIR;
        return false;
    }
    return true;
}
