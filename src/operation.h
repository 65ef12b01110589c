/* The one table of operations: a row per operation and dialect. Pure C.
   Everything that knows a path or a field name of the service reads it here. */
#ifndef OH_OPERATION_H
#define OH_OPERATION_H

#include <stdbool.h>
#include <stddef.h>

enum oh_api { OH_API_V0, OH_API_V1 };

enum oh_place { OH_IN_PATH, OH_IN_QUERY, OH_IN_BODY };

enum oh_type {
    OH_TEXT,
    OH_IDENTIFIER,       /* [A-Za-z0-9_-]{1,128} */
    OH_UUID,             /* an identifier that is a UUID */
    OH_UUIDS,            /* one UUID or a list of at most 99 */
    OH_INTEGER,
    OH_BOOLEAN,
    OH_TEXTS,            /* list of strings */
    OH_INTEGERS,         /* list of integers */
    OH_TEXT_MAP,         /* table from string to string */
    OH_OBJECT,           /* table with string keys, sent as it is */
    OH_LIST,             /* list, its items sent as they are */
    OH_MESSAGE,          /* text, or a V1 message table, sent as a message */
    OH_MESSAGE_TEXT      /* text, or a V1 message table of text blocks, sent as text */
};

enum oh_shape { /* what a good answer is at its top */
    OH_SHAPE_OBJECT,
    OH_SHAPE_OBJECT_OR_NULL,
    OH_SHAPE_LIST
};

struct oh_field {
    const char *name; /* in Lua */
    const char *wire; /* to the service; two fields with one wire name are two spellings of one */
    enum oh_place place;
    enum oh_type type;
    bool required;
};

struct oh_operation {
    const char *name;
    enum oh_api api;
    const char *method;
    const char *path;        /* {wire} stands for a field in the path */
    const struct oh_field *fields; /* ends with a NULL name; the first may be given alone instead of a table */
    enum oh_shape shape;
    bool once;               /* starts or changes something: the exchange is sent at most once */
    double timeout;          /* seconds that the service may take, unless the caller says otherwise */
};

/* The i-th row, NULL after the last. */
const struct oh_operation *oh_operation_at(size_t i);
const struct oh_operation *oh_operation_find(const char *name, enum oh_api api);
const struct oh_field *oh_operation_field(const struct oh_operation *operation, const char *name);
/* The name nearest to a misspelt one among all dialects of the operation, NULL if none is near. */
const char *oh_operation_nearest(const char *operation, const char *name);
const char *oh_api_name(enum oh_api api);
bool oh_api_from_name(const char *name, enum oh_api *api);
const char *oh_type_name(enum oh_type type);

#endif
