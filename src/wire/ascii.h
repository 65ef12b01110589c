/* Tests and converts ASCII characters. Unlike <ctype.h>, it does not depend on the locale. Must not know Lua or
   libcurl. */
#ifndef OH_ASCII_H
#define OH_ASCII_H

#include <stdbool.h>
#include <stddef.h>

/* Turns the number that a macro stands for into a string literal. */
#define OH_DIGITS_OF(number) #number
#define OH_DIGITS(number) OH_DIGITS_OF(number)

static inline bool oh_ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool oh_ascii_is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static inline bool oh_ascii_is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static inline bool oh_ascii_is_letter(char c)
{
    return oh_ascii_is_upper(c) || oh_ascii_is_lower(c);
}

/* Returns the lower-case form of a letter; any other character unchanged. */
static inline char oh_ascii_lower(char c)
{
    if (oh_ascii_is_upper(c))
        return (char)(c - 'A' + 'a');
    return c;
}

/* Returns the upper-case form of a letter; any other character unchanged. */
static inline char oh_ascii_upper(char c)
{
    if (oh_ascii_is_lower(c))
        return (char)(c - 'a' + 'A');
    return c;
}

/* Returns the value of a hexadecimal digit, -1 for any other character. */
static inline int oh_ascii_hex(char c)
{
    if (oh_ascii_is_digit(c))
        return c - '0';
    c = oh_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Returns whether two texts are the same in their first `length` bytes, or up to a NUL in both, without regard to
   case. */
static inline bool oh_ascii_same(const char *one, const char *other, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        if (oh_ascii_lower(one[i]) != oh_ascii_lower(other[i]))
            return false;
        if (one[i] == '\0')
            return true;
    }
    return true;
}

#endif
