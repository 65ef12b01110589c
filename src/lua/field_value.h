/* One value of a call: checks it against its field's type and writes it to the field's place. Lua layer. */
#ifndef OH_FIELD_VALUE_H
#define OH_FIELD_VALUE_H

#include "lua/field_reader.h"

/* Append the value at `index` to the path, to a query or form (`out`), or to the body as JSON. Each raises if the value
   is not of the field's type. */
void oh_field_value_write_path(struct oh_field_reader *reader, const struct oh_field *field, int index,
                               const struct oh_argument_path *path);
void oh_field_value_write_query(struct oh_field_reader *reader, const struct oh_field *field, int index,
                                const struct oh_argument_path *path, struct oh_buffer *out);
void oh_field_value_write_body(struct oh_field_reader *reader, const struct oh_field *field, int index,
                               const struct oh_argument_path *path);
/* Keeps a copy of a session key for the header of the request. */
void oh_field_value_keep_secret(struct oh_field_reader *reader, const struct oh_field *field, int index,
                                const struct oh_argument_path *path);

#endif
