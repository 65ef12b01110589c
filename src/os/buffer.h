/* A growing byte buffer with a limit. Wipes its memory before it frees it. Must not know Lua or libcurl. */
#ifndef OH_BUFFER_H
#define OH_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct oh_buffer {
    char *data; /* NULL until it is first allocated; never NUL-terminated */
    size_t length;
    size_t capacity;
    size_t limit; /* most bytes it may hold */
};

enum oh_buffer_result { OH_BUFFER_OK, OH_BUFFER_FULL, OH_BUFFER_MEMORY };

/* Makes an empty buffer for at most `limit` bytes; allocates nothing. */
void oh_buffer_init(struct oh_buffer *buffer, size_t limit);
/* Appends bytes, or a NUL-terminated text without its NUL. On any other result than OH_BUFFER_OK the contents are
   unchanged. */
enum oh_buffer_result oh_buffer_append(struct oh_buffer *buffer, const void *bytes, size_t count);
enum oh_buffer_result oh_buffer_append_text(struct oh_buffer *buffer, const char *text);
/* Makes room for `length` bytes in all, so that the buffer need not grow. Does nothing if they are more than the limit, or
   if there is no memory for them. */
void oh_buffer_expect(struct oh_buffer *buffer, size_t length);
/* Wipes the contents; keeps the memory for the next use unless it is more than `keep` bytes. */
void oh_buffer_clear(struct oh_buffer *buffer, size_t keep);
/* Wipes and frees everything; the buffer stays usable. */
void oh_buffer_free(struct oh_buffer *buffer);

#endif
