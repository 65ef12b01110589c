/* The reading of one call's fields, shared out: arguments.c goes through the fields, value.c through one value,
   prompt.c through a prompt, parts.c through files. Lua layer; private to these. */
#ifndef OH_FIELD_READER_H
#define OH_FIELD_READER_H

#include "lua/arguments.h"
#include "lua/json_encode.h"
#include "http/request.h"
#include "wire/operations.h"

struct oh_field_reader {
    lua_State *L;
    int shared;
    const struct oh_operation *operation;
    struct oh_request *request;
    struct oh_argument_path root;
    enum oh_fields_verdict result;
    const char *refused, *reason; /* static strings: the first field that this dialect cannot take, and why */
};

/* Where an item of a list, or a field, stands. */
struct oh_argument_path oh_argument_path_item(const struct oh_argument_path *list, size_t i);
struct oh_argument_path oh_field_reader_path(const struct oh_field_reader *reader, const char *name);
/* Notes, if it is the first, why this dialect cannot take the call. */
void oh_field_reader_refuse(struct oh_field_reader *reader, enum oh_fields_verdict result, const char *field,
                       const char *reason);
void oh_field_reader_append(struct oh_field_reader *reader, struct oh_buffer *buffer, const char *text, size_t length,
                       const struct oh_argument_path *path);
/* Raises: the value at `index` is not what the field takes. */
int oh_field_reader_wrong_type(struct oh_field_reader *reader, const struct oh_field *field, int index,
                          const struct oh_argument_path *path);
/* The string at `index`; raises if it is none. */
const char *oh_field_reader_text(struct oh_field_reader *reader, const struct oh_field *field, int index,
                            const struct oh_argument_path *path, size_t *length);

/* The id at `index`; raises if it is none, and refuses one that is no UUID where only those can be. */
const char *oh_field_value_check_id(struct oh_field_reader *reader, const struct oh_field *field, int index,
                              const struct oh_argument_path *path, size_t *length);
/* Checks the value at `index` against the field's type and appends it: to the path, to a query (or a form), or to the
   body as JSON. */
void oh_field_value_write_path(struct oh_field_reader *reader, const struct oh_field *field, int index,
                         const struct oh_argument_path *path);
void oh_field_value_write_query(struct oh_field_reader *reader, const struct oh_field *field, int index,
                          const struct oh_argument_path *path, struct oh_buffer *out);
void oh_field_value_write_body(struct oh_field_reader *reader, const struct oh_field *field, int index,
                         const struct oh_argument_path *path);
/* Keeps a session key for the header of the request. */
void oh_field_value_keep_secret(struct oh_field_reader *reader, const struct oh_field *field, int index,
                          const struct oh_argument_path *path);
void oh_message_write(struct oh_field_reader *reader, const struct oh_field *field, int index, const struct oh_argument_path *path);
/* A body of parts (RFC 7578): begun before its fields, ended after them. */
void oh_multipart_begin(struct oh_field_reader *reader);
void oh_multipart_write(struct oh_field_reader *reader, const struct oh_field *field, int index, const struct oh_argument_path *path);
void oh_multipart_end(struct oh_field_reader *reader);

#endif
