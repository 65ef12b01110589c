/* A file that appears under its name only when it is complete. Must not know Lua or libcurl. */
#define _GNU_SOURCE /* sync_file_range */
#define _FILE_OFFSET_BITS 64 /* files above 2 GiB on 32 bits */
#include "os/download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_TRIES 8              /* another writer may finish between our opening and our locking */
#define FLUSH_EVERY 4194304.0     /* bytes after which the system is told to begin writing them to the disk */

struct oh_download *oh_download_new(const char *path, size_t length)
{
    static const char suffix[] = ".part";
    struct oh_download *download = calloc(1, sizeof *download);

    if (download == NULL)
        return NULL;
    download->descriptor = -1;
    download->path = calloc(1, length + 1);
    download->part = calloc(1, length + sizeof suffix);
    if (download->path == NULL || download->part == NULL) {
        oh_download_free(download);
        return NULL;
    }
    memcpy(download->path, path, length);
    memcpy(download->part, path, length);
    memcpy(download->part + length, suffix, sizeof suffix);
    return download;
}

static bool fail(struct oh_download *download)
{
    if (download->error == 0)
        download->error = errno != 0 ? errno : EIO;
    return false;
}

static void drop_descriptor(struct oh_download *download)
{
    int saved = errno;

    if (download->descriptor >= 0)
        (void)close(download->descriptor);
    download->descriptor = -1;
    errno = saved;
}

/* Returns whether the name still belongs to the file that is open and locked: its previous owner may have renamed it
   just now, or another program may have removed it and created a new one. */
static bool still_named(const struct oh_download *download)
{
    struct stat open_file, named_file;

    return fstat(download->descriptor, &open_file) == 0 && lstat(download->part, &named_file) == 0 &&
           open_file.st_dev == named_file.st_dev && open_file.st_ino == named_file.st_ino;
}

/* Removes the part that is open, unless its name belongs to another file by now. */
static void remove_part(const struct oh_download *download)
{
    int saved = errno;

    if (still_named(download))
        (void)unlink(download->part);
    errno = saved;
}

/* Opens the part, and tells whether it is a new file. */
static bool open_part(struct oh_download *download, bool *is_new)
{
    /* Without O_NONBLOCK, opening a pipe of that name would wait for a reader. */
    static const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

    download->descriptor = open(download->part, flags | O_EXCL, 0600);
    *is_new = download->descriptor >= 0;
    if (download->descriptor < 0 && errno == EEXIST)
        download->descriptor = open(download->part, flags, 0600);
    return download->descriptor >= 0;
}

/* Empties the part that is open and locked. Refuses anything but a regular file that we own and that has no other hard
   link. */
static bool begin(struct oh_download *download)
{
    struct stat file;

    if (fstat(download->descriptor, &file) != 0)
        return false;
    if (!S_ISREG(file.st_mode) || file.st_nlink != 1 || file.st_uid != geteuid()) {
        errno = EEXIST;
        return false;
    }
    return fchmod(download->descriptor, 0600) == 0 && ftruncate(download->descriptor, 0) == 0;
}

/* Returns why a download must not replace what has its name, static; NULL if it may. A link is not followed: where others
   may write, they could have made it. It is not replaced either: it may be one of the system, such as /dev/stdout. */
static const char *refusal_of(const char *path)
{
    struct stat target;

    if (lstat(path, &target) != 0 || S_ISREG(target.st_mode))
        return NULL;
    return S_ISLNK(target.st_mode)   ? "it is a symbolic link: give the path of the file itself"
           : S_ISDIR(target.st_mode) ? "it is a directory"
                                     : "it is a pipe, a device or a socket, not a file";
}

bool oh_download_open(struct oh_download *download)
{
    bool is_new = false;
    int tries;

    download->refusal = refusal_of(download->path);
    if (download->refusal != NULL) {
        errno = EEXIST;
        return fail(download);
    }
    for (tries = 0; tries < MOST_TRIES; tries++) {
        if (!open_part(download, &is_new))
            return fail(download);
        if (flock(download->descriptor, LOCK_EX | LOCK_NB) != 0)
            break;
        if (still_named(download)) {
            if (begin(download))
                return true;
            break;
        }
        drop_descriptor(download);
        errno = EWOULDBLOCK;
    }
    /* A part that was left behind stays: it may be another writer's. So does a new one if its lock is held: another
       writer has opened it just now. */
    if (is_new && errno != EWOULDBLOCK)
        remove_part(download);
    drop_descriptor(download);
    return fail(download);
}

const char *oh_download_problem(const struct oh_download *download, const char **name)
{
    *name = download->refusal != NULL ? download->path : download->part;
    if (download->refusal != NULL)
        return download->refusal;
    switch (download->error) {
    case EWOULDBLOCK: return "it is being written by another download";
    case EEXIST: return "it is there already, and not a file of this user alone: remove it";
    default: return strerror(download->error);
    }
}

/* Makes the system write to the disk while bytes arrive, so that the final fsync has little left to do. */
static void begin_flush(struct oh_download *download)
{
    if (download->written - download->flushed < FLUSH_EVERY)
        return;
#ifdef __linux__
    (void)sync_file_range(download->descriptor, (off_t)download->flushed,
                          (off_t)(download->written - download->flushed), SYNC_FILE_RANGE_WRITE);
#endif
    download->flushed = download->written;
}

/* Returns whether the file may grow by `count` bytes. Beyond the limit for the size of files the system sends SIGXFSZ,
   which would kill the host. */
static bool may_grow(const struct oh_download *download, size_t count)
{
    struct rlimit most;

    if (getrlimit(RLIMIT_FSIZE, &most) != 0 || most.rlim_cur == RLIM_INFINITY ||
        download->written + (double)count <= (double)most.rlim_cur)
        return true;
    errno = EFBIG;
    return false;
}

bool oh_download_write(struct oh_download *download, const void *bytes, size_t count)
{
    const char *rest = bytes;
    ssize_t written;

    if (download->descriptor < 0 || download->error != 0)
        return false;
    if (!may_grow(download, count))
        return fail(download);
    while (count > 0) {
        written = write(download->descriptor, rest, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return fail(download);
        rest += written;
        count -= (size_t)written;
        download->written += (double)written;
    }
    begin_flush(download);
    return true;
}

/* Flushes the directory of the file to the disk: otherwise a crash could lose the new name. Ignores failures, because
   not every file system supports it. */
static void sync_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    char *directory = calloc(1, length + 1);
    int descriptor;

    if (directory == NULL)
        return;
    memcpy(directory, slash == NULL ? "." : path, length);
    descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        (void)fsync(descriptor);
        (void)close(descriptor);
    }
    free(directory);
}

bool oh_download_finish(struct oh_download *download)
{
    if (download->finished)
        return true;
    if (download->descriptor < 0 || download->error != 0)
        return false;
    if (!still_named(download)) {
        errno = ENOENT;
        return fail(download);
    }
    if (fsync(download->descriptor) != 0 || rename(download->part, download->path) != 0)
        return fail(download);
    drop_descriptor(download);
    sync_directory(download->path);
    download->finished = true;
    return true;
}

void oh_download_free(struct oh_download *download)
{
    if (download == NULL)
        return;
    if (download->descriptor >= 0)
        remove_part(download); /* while it is locked: no other download can be writing it */
    drop_descriptor(download);
    free(download->path);
    free(download->part);
    free(download);
}
