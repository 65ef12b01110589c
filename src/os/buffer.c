/* A growing byte buffer with a limit. Must not know Lua or libcurl. */
#include "os/buffer.h"

#include <stdlib.h>
#include <string.h>

#include "os/wipe.h"

#define FIRST_CAPACITY 256

void oh_buffer_init(struct oh_buffer *buffer, size_t limit)
{
    memset(buffer, 0, sizeof *buffer);
    buffer->limit = limit;
}

static bool move(struct oh_buffer *buffer, size_t capacity)
{
    char *data = malloc(capacity); /* not realloc, which may leave an unwiped copy behind */

    if (data == NULL)
        return false;
    if (buffer->data != NULL) {
        memcpy(data, buffer->data, buffer->length);
        oh_wipe(buffer->data, buffer->length);
        free(buffer->data);
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void oh_buffer_expect(struct oh_buffer *buffer, size_t length)
{
    if (length > buffer->capacity && length <= buffer->limit)
        (void)move(buffer, length);
}

static enum oh_buffer_result reserve(struct oh_buffer *buffer, size_t count)
{
    size_t wanted, capacity;

    if (count > buffer->limit || buffer->length > buffer->limit - count)
        return OH_BUFFER_FULL;
    wanted = buffer->length + count;
    if (wanted <= buffer->capacity)
        return OH_BUFFER_OK;
    capacity = buffer->capacity > 0 ? buffer->capacity : FIRST_CAPACITY;
    while (capacity < wanted)
        capacity = capacity > buffer->limit / 2 ? buffer->limit : capacity * 2;
    return move(buffer, capacity) ? OH_BUFFER_OK : OH_BUFFER_MEMORY;
}

enum oh_buffer_result oh_buffer_append(struct oh_buffer *buffer, const void *bytes, size_t count)
{
    enum oh_buffer_result result;

    if (count == 0)
        return OH_BUFFER_OK;
    result = reserve(buffer, count);
    if (result == OH_BUFFER_OK) {
        memcpy(buffer->data + buffer->length, bytes, count);
        buffer->length += count;
    }
    return result;
}

enum oh_buffer_result oh_buffer_append_text(struct oh_buffer *buffer, const char *text)
{
    return oh_buffer_append(buffer, text, strlen(text));
}

void oh_buffer_clear(struct oh_buffer *buffer, size_t keep)
{
    if (buffer->capacity > keep) {
        oh_buffer_free(buffer);
    } else if (buffer->length > 0) {
        oh_wipe(buffer->data, buffer->length);
        buffer->length = 0;
    }
}

void oh_buffer_free(struct oh_buffer *buffer)
{
    if (buffer->data != NULL) {
        oh_wipe(buffer->data, buffer->length);
        free(buffer->data);
    }
    buffer->data = NULL;
    buffer->length = 0;
    buffer->capacity = 0;
}
