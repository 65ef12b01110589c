/* A prompt or a message to a running agent, written as each dialect takes it. Lua layer. */
#ifndef OH_MESSAGE_H
#define OH_MESSAGE_H

#include "lua/field_reader.h"

/* Appends the value at `index` to the body: a text, a V1 message table or a list of content blocks. Raises if it is
   none of them; refuses content that the field's dialect cannot express. */
void oh_message_write(struct oh_field_reader *reader, const struct oh_field *field, int index,
                      const struct oh_argument_path *path);

#endif
