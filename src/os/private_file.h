/* Files and directories that only their owner may read, whatever the umask. Must not know Lua or libcurl. */
#ifndef OH_PRIVATE_FILE_H
#define OH_PRIVATE_FILE_H

#include <stdbool.h>

/* Creates an empty file of mode 0600, or takes the permissions of others away from one that exists. Never opens a file
   that exists: closing it again would drop the locks that this process holds on it, e.g. those of a database. Returns
   false when that fails, with errno set. */
bool oh_private_file(const char *path);
/* Takes the permissions of others away from a file, unless it is missing or another user's. False when that fails, with
   errno set. */
bool oh_private_restrict(const char *path);
/* Creates a directory of mode 0700; leaves one that exists as it is. False when that fails, with errno set. */
bool oh_private_directory(const char *path);

#endif
