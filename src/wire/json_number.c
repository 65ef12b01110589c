/* Converts JSON numbers. Must not know Lua or libcurl.
   strtod gets digits and an exponent only, because its decimal point depends on the locale. */
#include "wire/json_number.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/ascii.h"

#define MOST_DIGITS 800       /* further digits affect rounding only if one is not 0 */
#define LARGEST_POWER 100000  /* of ten: a larger one is out of the range of doubles, whatever the digits */
#define EXACT_DIGITS 15       /* integers of at most 15 digits are exact in a double, and so are 10^0 to 10^22 */
#define EXACT_POWER 22
#define SHORT_NUMBER 18       /* any integer of at most 18 digits fits in 64 bits */

size_t oh_json_number_length(const char *text, size_t length)
{
    size_t at = 0, from;

    if (at < length && text[at] == '-')
        at++;
    from = at;
    while (at < length && oh_ascii_is_digit(text[at]))
        at++;
    if (at == from || (text[from] == '0' && at > from + 1))
        return 0;
    if (at < length && text[at] == '.') {
        from = ++at;
        while (at < length && oh_ascii_is_digit(text[at]))
            at++;
        if (at == from)
            return 0;
    }
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        if (at < length && (text[at] == '+' || text[at] == '-'))
            at++;
        from = at;
        while (at < length && oh_ascii_is_digit(text[at]))
            at++;
        if (at == from)
            return 0;
    }
    return at;
}

/* A number as an integer times a power of ten. */
struct decimal {
    bool negative, fraction; /* fraction: written with a fraction or an exponent */
    char digits[MOST_DIGITS + 1];
    size_t count;            /* of digits, without leading zeros */
    long long power;
};

static long long read_power(const char *text, const char *end)
{
    bool negative = text < end && *text == '-';
    long long power = 0;

    if (text < end && (*text == '-' || *text == '+'))
        text++;
    for (; text < end; text++)
        if (power < 2 * (long long)UINT32_MAX) /* a larger power changes nothing */
            power = power * 10 + (*text - '0');
    return negative ? -power : power;
}

static void read_decimal(const char *text, size_t length, struct decimal *decimal)
{
    const char *end = text + length;
    bool behind_point = false, lost = false;

    decimal->negative = *text == '-';
    decimal->fraction = false;
    decimal->count = 0;
    decimal->power = 0;
    for (text += decimal->negative ? 1 : 0; text < end && *text != 'e' && *text != 'E'; text++) {
        if (*text == '.') {
            behind_point = decimal->fraction = true;
            continue;
        }
        if (decimal->count < MOST_DIGITS) {
            if (decimal->count > 0 || *text != '0')
                decimal->digits[decimal->count++] = *text;
            decimal->power -= behind_point ? 1 : 0;
        } else {
            lost = lost || *text != '0';
            decimal->power += behind_point ? 0 : 1;
        }
    }
    if (lost) { /* a 1 stands for the digits that were left out */
        decimal->digits[decimal->count++] = '1';
        decimal->power--;
    }
    if (text < end) {
        decimal->fraction = true;
        decimal->power += read_power(text + 1, end);
    }
}

/* Returns the value of digits that fit in 64 bits. */
static uint64_t small(const struct decimal *decimal)
{
    uint64_t value = 0;
    size_t i;

    for (i = 0; i < decimal->count; i++)
        value = value * 10 + (uint64_t)(decimal->digits[i] - '0');
    return value;
}

/* Converts with strtod, which rounds correctly. */
static double convert(const struct decimal *decimal)
{
    long long most = LARGEST_POWER, power = decimal->power;
    char text[MOST_DIGITS + 32];

    memcpy(text, decimal->digits, decimal->count);
    power = power > most ? most : power < -most ? -most : power;
    (void)snprintf(text + decimal->count, sizeof text - decimal->count, "e%lld", power);
    return strtod(text, NULL);
}

static double magnitude(const struct decimal *decimal)
{
#if FLT_EVAL_METHOD == 0 /* elsewhere the product would be rounded twice */
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

    if (decimal->count <= EXACT_DIGITS && decimal->power >= -EXACT_POWER && decimal->power <= EXACT_POWER) {
        if (decimal->power < 0)
            return (double)small(decimal) / powers[-decimal->power];
        return (double)small(decimal) * powers[decimal->power];
    }
#endif
    return decimal->count > 0 ? convert(decimal) : 0;
}

/* Reads a number of at most SHORT_NUMBER digits and nothing else, as most are; false for any other number. */
static bool read_short(const char *text, size_t length, struct oh_json_number *number)
{
    int64_t value = 0;
    size_t i;

    if (length > SHORT_NUMBER)
        return false;
    for (i = 0; i < length; i++) {
        if (!oh_ascii_is_digit(text[i]))
            return false;
        value = value * 10 + (text[i] - '0');
    }
    number->kind = OH_NUMBER_WHOLE;
    number->whole = value;
    return true;
}

void oh_json_number_read(const char *text, size_t length, struct oh_json_number *number)
{
    struct decimal decimal;
    uint64_t value;

    if (read_short(text, length, number))
        return;
    read_decimal(text, length, &decimal);
    if (decimal.fraction) {
        number->kind = OH_NUMBER_FLOAT;
        number->real = magnitude(&decimal);
        if (decimal.negative)
            number->real = -number->real;
        return;
    }
    value = decimal.count <= 19 && decimal.power == 0 ? small(&decimal) : UINT64_MAX; /* 19 digits fit */
    if (value <= (uint64_t)INT64_MAX) {
        number->kind = OH_NUMBER_WHOLE;
        number->whole = decimal.negative ? -(int64_t)value : (int64_t)value;
    } else if (decimal.negative && value == (uint64_t)INT64_MAX + 1) {
        number->kind = OH_NUMBER_WHOLE;
        number->whole = INT64_MIN;
    } else {
        number->kind = OH_NUMBER_LONG;
    }
}
