/* The table of operations: one row per operation and dialect (operations_v0.c, operations_v1.c, operations_agent.c).
   No other code knows the paths and the fields of requests, except the end of a conversation's URL, which
   lua/openhands/conversation/server.lua removes. Must not know Lua or libcurl. */
#ifndef OH_OPERATIONS_H
#define OH_OPERATIONS_H

#include <stdbool.h>
#include <stddef.h>

/* The dialects. Each sandbox runs an agent server, which has a URL of its own. */
enum oh_api { OH_API_V0, OH_API_V1, OH_API_AGENT };

enum oh_host {
    OH_AT_SERVICE, /* the service, with the account's key */
    OH_AT_RUNTIME, /* the conversation's own server, with its session key; on V0 it may be the service itself */
    OH_AT_PUBLIC   /* the service, without credentials */
};

enum oh_effect {
    OH_READS,  /* changes nothing: may be repeated */
    OH_WRITES, /* idempotent: sent at most once, but the caller may repeat it when the outcome is unknown */
    OH_CREATES /* not idempotent: sent at most once, must not be repeated when the outcome is unknown */
};

enum oh_place {
    OH_IN_PATH,
    OH_IN_QUERY,
    OH_IN_BODY,
    OH_IN_FORM,   /* application/x-www-form-urlencoded */
    OH_IN_PARTS,  /* multipart/form-data */
    OH_IN_HEADER, /* X-Session-API-Key, the only header that is a field */
    OH_AS_BODY    /* the value is the whole body */
};

#define OH_MOST_IDS 99      /* ids in one request: the service refuses more, or fails */
#define OH_LONGEST_NAME 255 /* bytes */

enum oh_type {
    OH_TEXT,
    OH_IDENTIFIER,       /* an id that oh_identifier_is_valid accepts */
    OH_UUID,             /* an identifier that is a UUID */
    OH_UUIDS,            /* one UUID or a list of at most OH_MOST_IDS */
    OH_NAME,             /* text of 1 to OH_LONGEST_NAME bytes, not "." or ".."; if in a path, without slashes */
    OH_NAMES,            /* one such name or a list of at most OH_MOST_IDS */
    OH_INTEGER,
    OH_BOOLEAN,
    OH_TEXTS,            /* list of strings */
    OH_INTEGERS,         /* list of integers */
    OH_TEXT_MAP,         /* table from string to string */
    OH_OBJECT,           /* table with string keys, sent as it is */
    OH_LIST,             /* list, its items sent as they are */
    OH_MESSAGE,          /* text, or a V1 message table, sent as a message */
    OH_MESSAGE_TEXT,     /* text, or a V1 message table of text blocks, sent as text */
    OH_CONTENT,          /* text, or a list of content blocks, sent as a list of blocks */
    OH_CONTENT_TEXT,     /* text, or a list of text blocks, sent as text */
    OH_SECRET,           /* text that is never shown in a message */
    OH_FILE,             /* contents of a file, sent as the part named after the field */
    OH_FILES             /* table from file name to contents, one part for each */
};

enum oh_shape { /* the top level of a successful response */
    OH_SHAPE_OBJECT,
    OH_SHAPE_OBJECT_OR_NULL,
    OH_SHAPE_DONE,      /* an object; an empty body or null counts as an empty object */
    OH_SHAPE_DONE_TRUE, /* true or false; an empty body or null counts as true */
    OH_SHAPE_PAGE,      /* object with a list of items and the id of the next page */
    OH_SHAPE_LIST,      /* list of objects, with null for each id that the service does not know */
    OH_SHAPE_TEXTS,     /* list of strings */
    OH_SHAPE_INTEGER,
    OH_SHAPE_TEXT,      /* a JSON string */
    OH_SHAPE_ANY,       /* any JSON; a body that is not declared as JSON is returned as text */
    OH_SHAPE_BYTES,     /* not JSON: the raw body */
    OH_SHAPE_FILE,      /* not JSON: the raw body, written to a file */
    OH_SHAPE_STREAM     /* list of objects that arrive one by one */
};

struct oh_field {
    const char *name; /* in Lua */
    const char *wire; /* in the request; two fields with the same wire name are two spellings of one field */
    enum oh_place place;
    enum oh_type type;
    bool required;
};

struct oh_operation {
    const char *name;
    const char *description; /* what it does, for the reference; NULL: that of the V1 row with the same name */
    enum oh_api api;
    enum oh_host host;
    const char *method;
    const char *path;        /* {wire} is replaced by the path field of that wire name */
    const struct oh_field *fields; /* ends with a NULL name; the first may be passed alone instead of a table */
    enum oh_shape shape;
    enum oh_effect effect;
    double timeout;          /* default, in seconds, for the whole exchange */
};

/* The rows of each dialect; each ends with a NULL name. */
extern const struct oh_operation oh_operations_v0[], oh_operations_v1[], oh_operations_agent[];

/* Returns the i-th row of all dialects, NULL after the last. */
const struct oh_operation *oh_operations_at(size_t i);
/* Returns the row of an operation in a dialect, NULL if the dialect has no such operation. */
const struct oh_operation *oh_operations_find(const char *name, enum oh_api api);
/* Returns the field name that is most similar to a misspelt one, in any dialect of the operation; NULL if none is
   similar. */
const char *oh_operations_nearest(const char *operation, const char *name);
/* Returns the field with this Lua name, NULL if the row has none. */
const struct oh_field *oh_operation_field(const struct oh_operation *operation, const char *name);
/* Returns the description of the operation, one line; NULL if neither its row nor that of V1 has one. */
const char *oh_operation_description(const struct oh_operation *operation);
/* Returns whether the row has a field at this place. */
bool oh_operation_uses(const struct oh_operation *operation, enum oh_place place);

/* Return the names of enumerators in Lua. Programs compare them, so they must not change. oh_api_from_name does the
   reverse, and returns false for an unknown name. */
const char *oh_api_name(enum oh_api api);
bool oh_api_from_name(const char *name, enum oh_api *api);
const char *oh_type_name(enum oh_type type);
const char *oh_place_name(enum oh_place place);
const char *oh_shape_name(enum oh_shape shape);
const char *oh_effect_name(enum oh_effect effect);
const char *oh_host_name(enum oh_host host);
/* Returns a description of the values of a type, in words for people. */
const char *oh_type_description(enum oh_type type);

#endif
