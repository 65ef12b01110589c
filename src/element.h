/* Elements of a JSON list that is still arriving. Pure C. */
#ifndef OH_ELEMENT_H
#define OH_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>

/* Finds the next whole object of the list: `*from` is 0, or where the last one ended. True, with its bounds in `*from`
   and `*to` (one past its closing brace). An element counts as whole at that brace: what separates it comes with the
   next one. False while there is none, and for good where something else than an object stands. */
bool oh_element_find(const char *text, size_t length, size_t *from, size_t *to);

#endif
