/* The context of reading one call's fields, shared by the files that check and encode them: arguments.c goes through
   the fields, field_value.c checks one value, message.c a prompt, multipart.c files, and free_request.c a request
   that no operation describes. Lua layer. */
#ifndef OH_FIELD_READER_H
#define OH_FIELD_READER_H

#include <stdint.h>

#include "http/request.h"
#include "lua/argument_error.h"
#include "lua/json_encode.h"
#include "wire/operations.h"

/* Whether an operation's dialect can take the fields. */
enum oh_fields_verdict {
    OH_FIELDS_GOOD,
    OH_FIELDS_UNSUPPORTED, /* valid in another dialect, impossible in this one */
    OH_FIELDS_INVALID      /* well-formed, but this dialect could never accept it */
};

struct oh_field_reader {
    lua_State *L;
    int alone;  /* stack index of the value of the first field, which was given without a table; 0: none */
    uint64_t given; /* a bit for each field that was given, in the table or alone; see arguments.c */
    int shared; /* stack index of the shared table: see cjson_instance.h */
    const struct oh_operation *operation;
    struct oh_request *request; /* borrowed; filled */
    struct oh_argument_path root;
    enum oh_fields_verdict verdict;
    const char *refused, *reason; /* static strings: the first field that this dialect cannot take, and why */
    const char *value;            /* borrowed from Lua: its value, if that is told, without NUL; NULL: it is not */
};

/* Prepares a reader and Lua's stack, and sets whether the request has a body. Raises when out of memory. */
void oh_field_reader_init(struct oh_field_reader *reader, lua_State *L, int shared,
                          const struct oh_operation *operation, struct oh_request *request);
/* Keeps the first reason why this dialect cannot take the call. Does not throw, so that later mistakes still raise. */
void oh_field_reader_refuse(struct oh_field_reader *reader, enum oh_fields_verdict verdict, const char *field,
                            const char *reason);
/* The same, and tells the value, a NUL-terminated string that the fields hold. */
void oh_field_reader_refuse_value(struct oh_field_reader *reader, enum oh_fields_verdict verdict, const char *field,
                                  const char *value, const char *reason);
/* Appends to a part of the request; raises an argument error when the part becomes too long. */
void oh_field_reader_append(struct oh_field_reader *reader, struct oh_buffer *buffer, const char *text, size_t length,
                            const struct oh_argument_path *path);
/* The same, percent-encoded. */
void oh_field_reader_append_encoded(struct oh_field_reader *reader, struct oh_buffer *buffer, const char *text,
                                    size_t length, const struct oh_argument_path *path);
/* Appends a NUL-terminated text to the body, as oh_field_reader_append does. */
void oh_field_reader_append_body(struct oh_field_reader *reader, const char *text, const struct oh_argument_path *path);
/* Raises an argument error: the value at `index` is not of the field's type. */
int oh_field_reader_wrong_type(struct oh_field_reader *reader, const struct oh_field *field, int index,
                               const struct oh_argument_path *path);
/* Returns the string at `index`, borrowed from Lua; raises if it is not a string. */
const char *oh_field_reader_text(struct oh_field_reader *reader, const struct oh_field *field, int index,
                                 const struct oh_argument_path *path, size_t *length);
/* Returns the kind of error for a verdict other than GOOD. */
const char *oh_fields_kind(enum oh_fields_verdict verdict);

#endif
