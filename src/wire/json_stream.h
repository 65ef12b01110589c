/* Finds the objects of a JSON list while it arrives. Must not know Lua or libcurl. */
#ifndef OH_JSON_STREAM_H
#define OH_JSON_STREAM_H

#include <stdbool.h>
#include <stddef.h>

/* How far the list has been read; zeroed at its beginning. Each byte is read once. */
struct oh_json_stream {
    size_t from, to; /* bounds of the object that was found; `to` is the place after its closing brace */
    size_t at;       /* bytes that have been read */
    size_t depth;    /* open braces and brackets at `at`, with the brace of the object */
    bool in_list;    /* the bracket that begins the list has been read */
    bool in_string, escaped;
    bool is_whole;   /* an object has been found */
    bool has_ended;  /* there will be no more objects */
};

/* Finds the next complete object in the first `length` bytes of the list. An object is complete at its closing brace:
   the comma after it may arrive only with the next object. Returns false while no object is complete, and always after
   the end of the list or a value that is not an object. An object stays found until oh_json_stream_advance. */
bool oh_json_stream_find(struct oh_json_stream *stream, const char *text, size_t length);
/* Goes on to the next object. */
void oh_json_stream_advance(struct oh_json_stream *stream);
/* Ends the stream: the list cannot be read any further. */
void oh_json_stream_stop(struct oh_json_stream *stream);

#endif
