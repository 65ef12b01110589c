/* The one table of operations: a row per operation and dialect. Pure C.
   Everything that knows a path or a field name of the service reads it here. */
#ifndef OH_OPERATIONS_H
#define OH_OPERATIONS_H

#include <stdbool.h>
#include <stddef.h>

/* The agent server is the third dialect: each sandbox has one, at an address of its own. */
enum oh_api { OH_API_V0, OH_API_V1, OH_API_AGENT };

enum oh_host {
    OH_AT_SERVICE, /* with the account's key */
    OH_AT_RUNTIME, /* the conversation's own server, with its session key; V0 serves some of these itself, too */
    OH_AT_PUBLIC     /* the service, without any credential */
};

enum oh_effect {
    OH_READS,  /* changes nothing: may be repeated */
    OH_WRITES, /* sent at most once; whoever is in doubt may do it again */
    OH_CREATES /* sent at most once; done twice, it would be another thing than done once */
};

enum oh_place {
    OH_IN_PATH,
    OH_IN_QUERY,
    OH_IN_BODY,
    OH_IN_FORM,   /* application/x-www-form-urlencoded */
    OH_IN_PARTS,  /* multipart/form-data */
    OH_IN_HEADER, /* X-Session-API-Key, the only one */
    OH_AS_BODY    /* the value is the whole body */
};

#define OH_MOST_IDS 99      /* in one request: the service refuses, or fails on, more */
#define OH_LONGEST_NAME 255 /* bytes */

enum oh_type {
    OH_TEXT,
    OH_IDENTIFIER,       /* see oh_identifier_is_valid */
    OH_UUID,             /* an identifier that is a UUID */
    OH_UUIDS,            /* one UUID or a list of at most OH_MOST_IDS */
    OH_NAME,             /* text of 1 to OH_LONGEST_NAME bytes, not "." or ".."; in a path without a slash */
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
    OH_SECRET,           /* text that no message shows */
    OH_FILE,             /* contents, sent as a part with the name of the field */
    OH_FILES             /* table from file name to contents, sent as a part each */
};

enum oh_shape { /* what a good answer is at its top */
    OH_SHAPE_OBJECT,
    OH_SHAPE_OBJECT_OR_NULL,
    OH_SHAPE_DONE,      /* an object, or nothing at all: that it was done is all there is to say */
    OH_SHAPE_DONE_TRUE, /* true or false, or nothing at all */
    OH_SHAPE_PAGE,      /* object with a list of items and the id of the next page */
    OH_SHAPE_LIST,      /* of objects, or null for what the service does not know */
    OH_SHAPE_TEXTS,     /* list of strings */
    OH_SHAPE_INTEGER,
    OH_SHAPE_TEXT,      /* a JSON string */
    OH_SHAPE_ANY,       /* any JSON */
    OH_SHAPE_BYTES,     /* not JSON: the body as it is */
    OH_SHAPE_FILE,      /* not JSON: the body goes to a file */
    OH_SHAPE_STREAM     /* list of objects that come one by one */
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
    const char *description; /* what it does, for the reference; NULL: as the V1 row of the same name */
    enum oh_api api;
    enum oh_host host;
    const char *method;
    const char *path;        /* {wire} stands for a field in the path */
    const struct oh_field *fields; /* ends with a NULL name; the first may be given alone instead of a table */
    enum oh_shape shape;
    enum oh_effect effect;
    double timeout;          /* seconds that the service may take, unless the caller says otherwise */
};

/* The rows of each dialect; each ends with a NULL name. */
extern const struct oh_operation oh_operations_v0[], oh_operations_v1[], oh_operations_agent[];

/* The i-th row of all, NULL after the last. */
const struct oh_operation *oh_operations_at(size_t i);
const struct oh_operation *oh_operations_find(const char *name, enum oh_api api);
const struct oh_field *oh_operation_field(const struct oh_operation *operation, const char *name);
/* The name nearest to a misspelt one among all dialects of the operation, NULL if none is near. */
const char *oh_operations_nearest(const char *operation, const char *name);
/* What the operation does, in one line; NULL if no row says it. */
const char *oh_operation_description(const struct oh_operation *operation);
/* True if a field of the operation stands at the place. */
bool oh_operation_uses(const struct oh_operation *operation, enum oh_place place);
const char *oh_api_name(enum oh_api api);
bool oh_api_from_name(const char *name, enum oh_api *api);
const char *oh_type_name(enum oh_type type);
const char *oh_place_name(enum oh_place place);
const char *oh_shape_name(enum oh_shape shape);
const char *oh_effect_name(enum oh_effect effect);
const char *oh_host_name(enum oh_host host);

#endif
