/* Elements of a JSON list that is still arriving. Pure C. */
#ifndef OH_JSON_STREAM_H
#define OH_JSON_STREAM_H

#include <stdbool.h>
#include <stddef.h>

/* How far the list has been read; zeroed at its beginning. No byte is looked at twice. */
struct oh_json_stream {
    size_t from, to; /* bounds of the element that was found, `to` one past its closing brace */
    size_t at;       /* what has been looked at */
    size_t depth;    /* of the braces and brackets that are open at `at`, from the element's own on */
    bool in_list;    /* behind the bracket that begins the list */
    bool in_string, escaped;
    bool is_whole;
    bool has_ended;  /* there are no more elements */
};

/* Finds the next whole object of the list, in what has arrived of it so far. An element counts as whole at its closing
   brace: what separates it comes with the next one. False while there is none, and for good where something else than
   an object stands. An element stays found until it is passed. */
bool oh_json_stream_find(struct oh_json_stream *element, const char *text, size_t length);
/* Goes on to the next one. */
void oh_json_stream_advance(struct oh_json_stream *element);
/* The list cannot be read any further. */
void oh_json_stream_stop(struct oh_json_stream *element);

#endif
