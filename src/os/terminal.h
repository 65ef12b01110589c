/* What a descriptor leads to: a terminal or not, and how large it is. Must not know Lua or libcurl. */
#ifndef OH_TERMINAL_H
#define OH_TERMINAL_H

#include <stdbool.h>

struct oh_terminal_size {
    int columns, rows; /* 0: not known */
};

/* Returns whether the descriptor is open on a terminal. */
bool oh_terminal_is_at(int descriptor);
/* Returns the size of the terminal that a descriptor is open on. */
struct oh_terminal_size oh_terminal_size(int descriptor);

#endif
