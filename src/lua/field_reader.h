/* The reading of one call's fields, shared out: arguments.c goes through the fields, value.c through one value,
   prompt.c through a prompt, parts.c through files. Lua layer; private to these. */
#ifndef OH_READING_H
#define OH_READING_H

#include "lua/arguments.h"
#include "lua/json_encode.h"
#include "http/request.h"
#include "wire/operations.h"

struct oh_reading {
    lua_State *L;
    int shared;
    const struct oh_operation *operation;
    struct oh_request *request;
    struct oh_path root;
    enum oh_arguments_result result;
    const char *refused, *reason; /* static strings: the first field that this dialect cannot take, and why */
};

/* Where an item of a list, or a field, stands. */
struct oh_path oh_reading_item(const struct oh_path *list, size_t i);
struct oh_path oh_reading_path(const struct oh_reading *reading, const char *name);
/* Notes, if it is the first, why this dialect cannot take the call. */
void oh_reading_refuse(struct oh_reading *reading, enum oh_arguments_result result, const char *field,
                       const char *reason);
void oh_reading_append(struct oh_reading *reading, struct oh_buffer *buffer, const char *text, size_t length,
                       const struct oh_path *path);
/* Raises: the value at `index` is not what the field takes. */
int oh_reading_wrong_type(struct oh_reading *reading, const struct oh_field *field, int index,
                          const struct oh_path *path);
/* The string at `index`; raises if it is none. */
const char *oh_reading_text(struct oh_reading *reading, const struct oh_field *field, int index,
                            const struct oh_path *path, size_t *length);

/* The id at `index`; raises if it is none, and refuses one that is no UUID where only those can be. */
const char *oh_value_check_id(struct oh_reading *reading, const struct oh_field *field, int index,
                              const struct oh_path *path, size_t *length);
/* Checks the value at `index` against the field's type and appends it: to the path, to a query (or a form), or to the
   body as JSON. */
void oh_value_write_path(struct oh_reading *reading, const struct oh_field *field, int index,
                         const struct oh_path *path);
void oh_value_write_query(struct oh_reading *reading, const struct oh_field *field, int index,
                          const struct oh_path *path, struct oh_buffer *out);
void oh_value_write_body(struct oh_reading *reading, const struct oh_field *field, int index,
                         const struct oh_path *path);
/* Keeps a session key for the header of the request. */
void oh_value_keep_secret(struct oh_reading *reading, const struct oh_field *field, int index,
                          const struct oh_path *path);
void oh_prompt_write(struct oh_reading *reading, const struct oh_field *field, int index, const struct oh_path *path);
/* A body of parts (RFC 7578): begun before its fields, ended after them. */
void oh_parts_begin(struct oh_reading *reading);
void oh_parts_write(struct oh_reading *reading, const struct oh_field *field, int index, const struct oh_path *path);
void oh_parts_end(struct oh_reading *reading);

#endif
