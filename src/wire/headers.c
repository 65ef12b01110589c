/* Reads the headers of a response. Must not know Lua or libcurl. */
#define _GNU_SOURCE /* timegm */
#include "wire/headers.h"

#include <string.h>

#include "wire/ascii.h"

#define MOST_SECONDS 1e9 /* larger numbers of seconds count as this one; dates are not limited */

void oh_headers_copy_value(char *out, size_t capacity, const char *value, size_t length)
{
    while (length > 0 && (*value == ' ' || *value == '\t')) {
        value++;
        length--;
    }
    while (length > 0 && (unsigned char)value[length - 1] <= ' ')
        length--;
    if (length >= capacity)
        length = 0;
    memcpy(out, value, length);
    out[length] = '\0';
}

/* ---- header lines --------------------------------------------------------------------------------------------- */

/* Returns the value behind the name and its colon, NULL if the line is another header. */
static const char *value_of(const char *line, size_t length, const char *name, size_t *size)
{
    size_t prefix = strlen(name);

    if (length <= prefix || !oh_ascii_same(line, name, prefix))
        return NULL;
    *size = length - prefix;
    return line + prefix;
}

/* Returns whether "chunked" is the last coding: only then do chunks mark the end of the body. */
static bool ends_with_chunked(const char *value, size_t length)
{
    static const char chunked[] = "chunked";
    size_t size = sizeof chunked - 1;

    while (length > 0 && (unsigned char)value[length - 1] <= ' ')
        length--;
    return length >= size && oh_ascii_same(value + (length - size), chunked, size);
}

static bool is_identity(const char *value, size_t length)
{
    char coding[32];

    oh_headers_copy_value(coding, sizeof coding, value, length);
    return oh_ascii_same(coding, "identity", sizeof coding);
}

bool oh_headers_read(struct oh_headers *headers, struct oh_response *response, const char *line, size_t length)
{
    const char *value;
    size_t size;

    if (length >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        response->retry_after[0] = response->date[0] = '\0';
        memset(headers, 0, sizeof *headers);
        headers->is_multiplexed = headers->marks_end_of_body = length >= 6 && line[5] != '1';
        return true;
    }
    if (length > 0 && length <= 2 && (line[0] == '\r' || line[0] == '\n')) {
        headers->is_complete = line[length - 1] == '\n'; /* libcurl also passes on a lone "\r" */
        return false;
    }
    if (response->retry_after[0] == '\0' && (value = value_of(line, length, "retry-after:", &size)) != NULL)
        oh_headers_copy_value(response->retry_after, sizeof response->retry_after, value, size);
    if ((value = value_of(line, length, "date:", &size)) != NULL)
        oh_headers_copy_value(response->date, sizeof response->date, value, size);
    if ((value = value_of(line, length, "transfer-encoding:", &size)) != NULL && ends_with_chunked(value, size))
        headers->marks_end_of_body = true;
    if ((value = value_of(line, length, "content-encoding:", &size)) != NULL)
        headers->body_is_compressed = !is_identity(value, size);
    return false;
}

/* ---- values --------------------------------------------------------------------------------------------------- */

/* Reads a number of seconds. The standard allows digits only, but minus signs, fractions and exponents occur. */
static bool read_decimal(const char *text, double *out)
{
    const char *at = text + (*text == '-');
    double value = 0, scale = 1;
    bool shrinks;
    int exponent = 0;

    if (!oh_ascii_is_digit(*at))
        return false;
    for (; oh_ascii_is_digit(*at); at++)
        value = value * 10 + (*at - '0');
    if (*at == '.')
        for (at++; oh_ascii_is_digit(*at); at++)
            value += (*at - '0') * (scale /= 10);
    if ((*at == 'e' || *at == 'E') && oh_ascii_is_digit(at[1 + (at[1] == '-' || at[1] == '+')])) {
        shrinks = at[1] == '-';
        for (at += 1 + (at[1] == '-' || at[1] == '+'); oh_ascii_is_digit(*at); at++)
            exponent = exponent < 100 ? exponent * 10 + (*at - '0') : exponent;
        for (; exponent > 0; exponent--)
            value = shrinks ? value / 10 : value * 10;
    }
    *out = *text == '-' ? -value : value;
    return *at == '\0';
}

static int month_number(const char *name)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int i;

    for (i = 0; i < 12; i++)
        if (strncmp(months + 3 * i, name, 3) == 0)
            return i;
    return -1;
}

static int two_digits(const char *text)
{
    if (!oh_ascii_is_digit(text[0]) || !oh_ascii_is_digit(text[1]))
        return -1;
    return (text[0] - '0') * 10 + (text[1] - '0');
}

/* Reads the only date format that servers may send: "Sun, 06 Nov 1994 08:49:37 GMT". */
static bool read_date(const char *text, time_t *out)
{
    struct tm date;

    if (strlen(text) != 29 || strcmp(text + 25, " GMT") != 0 || strncmp(text + 3, ", ", 2) != 0)
        return false;
    memset(&date, 0, sizeof date);
    date.tm_mday = two_digits(text + 5);
    date.tm_mon = month_number(text + 8);
    date.tm_year = two_digits(text + 12) * 100 + two_digits(text + 14) - 1900;
    date.tm_hour = two_digits(text + 17);
    date.tm_min = two_digits(text + 20);
    date.tm_sec = two_digits(text + 23);
    if (date.tm_mday < 1 || date.tm_mon < 0 || date.tm_year < 70 || date.tm_hour < 0 || date.tm_min < 0 ||
        date.tm_sec < 0)
        return false;
    *out = timegm(&date);
    return *out != (time_t)-1;
}

double oh_headers_retry_after(const char *value, time_t now)
{
    double seconds;
    time_t date;

    value += strspn(value, " \t");
    if (read_date(value, &date))
        seconds = (double)date - (double)now;
    else if (read_decimal(value, &seconds))
        seconds = seconds > MOST_SECONDS ? MOST_SECONDS : seconds;
    else
        return -1;
    return seconds < 1 ? 1 : seconds; /* servers send 0 and less, too: callers must not spin */
}

double oh_headers_date(const char *value)
{
    time_t date;

    return read_date(value, &date) ? (double)date : -1;
}
