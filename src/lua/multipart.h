/* Files in a body of parts (multipart/form-data, RFC 7578). Lua layer. */
#ifndef OH_MULTIPART_H
#define OH_MULTIPART_H

#include "lua/field_reader.h"

/* Begins the body and sets its type; raises if the system has no source of random numbers. */
void oh_multipart_begin(struct oh_field_reader *reader);
/* Appends the file, or the table of files, at `index`. */
void oh_multipart_write(struct oh_field_reader *reader, const struct oh_field *field, int index,
                        const struct oh_argument_path *path);
/* Ends the body. */
void oh_multipart_end(struct oh_field_reader *reader);

#endif
