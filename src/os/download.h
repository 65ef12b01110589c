/* A file that appears under its name only when it is complete. Until then it is NAME.part ("the part") in the same
   directory, mode 0600, locked against a second writer. Must not know Lua or libcurl. */
#ifndef OH_DOWNLOAD_H
#define OH_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>

struct oh_download {
    int descriptor;    /* of the part, -1 while closed */
    char *path, *part; /* owned: the final name, and the temporary one */
    double written;    /* bytes */
    double flushed;    /* bytes that the system was told to write to the disk */
    bool finished;     /* it has its final name */
    int error;         /* errno of the first failure, 0: none */
    const char *refusal; /* why the file that has the name must not be replaced, static; NULL: it may be */
};

/* Returns a download that will become the file `path`; opens nothing yet. NULL: out of memory. */
struct oh_download *oh_download_new(const char *path, size_t length);
/* Creates the part, or empties one that was left behind; false when that fails, with `error` set. */
bool oh_download_open(struct oh_download *download);
/* Returns why opening failed, and sets `name` to the file that it is about, which belongs to the download. */
const char *oh_download_problem(const struct oh_download *download, const char **name);
/* Appends bytes; false when that fails, with `error` set. */
bool oh_download_write(struct oh_download *download, const void *bytes, size_t count);
/* Flushes the part to the disk and renames it, once; false when that fails, with `error` set. */
bool oh_download_finish(struct oh_download *download);
/* Removes the part if it is not finished, and frees everything; NULL is fine. */
void oh_download_free(struct oh_download *download);

#endif
