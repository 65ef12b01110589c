/* A file that appears under its name only when it is whole. Pure C: knows neither Lua nor libcurl.
   Until then it is NAME.part beside it, mode 0600, locked against a second writer. */
#ifndef OH_DOWNLOAD_H
#define OH_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>

struct oh_download {
    int descriptor;    /* of the part, -1 when closed */
    char *path, *part; /* owned */
    double written;    /* bytes */
    double settled;    /* bytes that the system was asked to write out already */
    bool finished;
    int error;         /* errno of the first failure, 0: none */
};

/* A download that is to become the file `path`; nothing is opened yet. NULL: no memory. */
struct oh_download *oh_download_new(const char *path, size_t length);
/* Makes the part, empty; false when that fails, with `error` set. */
bool oh_download_open(struct oh_download *download);
/* Whether opening failed because somebody else is writing it. */
bool oh_download_is_taken(const struct oh_download *download);
bool oh_download_write(struct oh_download *download, const void *bytes, size_t count);
/* Brings all to the disk and gives it its name, once; false when that fails, with `error` set. */
bool oh_download_finish(struct oh_download *download);
/* Removes the part unless it was finished, and releases everything; NULL is fine. */
void oh_download_free(struct oh_download *download);

#endif
