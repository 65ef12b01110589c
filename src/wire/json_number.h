/* Converts JSON numbers, in any locale. Must not know Lua or libcurl. */
#ifndef OH_JSON_NUMBER_H
#define OH_JSON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum oh_json_number_kind {
    OH_NUMBER_WHOLE, /* an integer that 64 bits hold: `whole` */
    OH_NUMBER_LONG,  /* an integer that 64 bits do not hold */
    OH_NUMBER_FLOAT  /* written with a fraction or an exponent: `real`, correctly rounded; infinite beyond its range */
};

struct oh_json_number {
    enum oh_json_number_kind kind;
    int64_t whole;
    double real;
};

/* Returns the length of the JSON number at the beginning of the text; 0 if there is none. */
size_t oh_json_number_length(const char *text, size_t length);
/* Converts a text that is one JSON number and nothing else. */
void oh_json_number_read(const char *text, size_t length, struct oh_json_number *number);

#endif
