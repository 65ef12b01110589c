/* Reads the headers of a response. Must not know Lua or libcurl. */
#include "wire/headers.h"

#include <string.h>

#include "wire/ascii.h"

#define LEAP_DAYS_BEFORE_1970 477
#define MOST_SECONDS 1e9 /* longer times to wait, as a number or as a date, count as this one */

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
    switch (length > 0 ? oh_ascii_lower(line[0]) : '\0') { /* most lines are none of these */
    case 'r':
        if (response->retry_after[0] == '\0' && (value = value_of(line, length, "retry-after:", &size)) != NULL)
            oh_headers_copy_value(response->retry_after, sizeof response->retry_after, value, size);
        break;
    case 'd':
        if ((value = value_of(line, length, "date:", &size)) != NULL)
            oh_headers_copy_value(response->date, sizeof response->date, value, size);
        break;
    case 't':
        if ((value = value_of(line, length, "transfer-encoding:", &size)) != NULL && ends_with_chunked(value, size))
            headers->marks_end_of_body = true;
        break;
    case 'c':
        if ((value = value_of(line, length, "content-encoding:", &size)) != NULL)
            headers->body_is_compressed = !is_identity(value, size);
        break;
    }
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
        if (months[3 * i] == name[0] && months[3 * i + 1] == name[1] && months[3 * i + 2] == name[2])
            return i;
    return -1;
}

static int two_digits(const char *text)
{
    if (!oh_ascii_is_digit(text[0]) || !oh_ascii_is_digit(text[1]))
        return -1;
    return (text[0] - '0') * 10 + (text[1] - '0');
}

/* Returns the days from 1970-01-01 to the first day of a month of the Gregorian calendar. `month` is 0 for January. */
static long days_before(long year, long month)
{
    static const short days[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    long passed = month > 1 ? year : year - 1; /* years whose leap day is over */

    return (year - 1970) * 365 + days[month] + passed / 4 - passed / 100 + passed / 400 - LEAP_DAYS_BEFORE_1970;
}

/* Reads the only date format that servers may send: "Sun, 06 Nov 1994 08:49:37 GMT". Returns the seconds since 1970,
   below 0 if it is none. (timegm would cost more than all else that is done with a header.) */
static double read_date(const char *text)
{
    int day, month, century, year, hour, minute, second;

    if (strlen(text) != 29 || memcmp(text + 25, " GMT", 4) != 0 || memcmp(text + 3, ", ", 2) != 0)
        return -1;
    day = two_digits(text + 5);
    month = month_number(text + 8);
    century = two_digits(text + 12);
    year = two_digits(text + 14);
    hour = two_digits(text + 17);
    minute = two_digits(text + 20);
    second = two_digits(text + 23);
    if (day < 1 || month < 0 || century < 0 || year < 0 || century * 100 + year < 1970 || hour < 0 || minute < 0 ||
        second < 0)
        return -1;
    return 86400.0 * (double)(days_before(century * 100 + year, month) + day - 1) + 3600.0 * hour + 60.0 * minute +
           second;
}

double oh_headers_retry_after(const char *value, time_t now)
{
    double seconds, date;

    value += strspn(value, " \t");
    date = read_date(value);
    if (date >= 0)
        seconds = date - (double)now;
    else if (!read_decimal(value, &seconds))
        return -1;
    if (seconds > MOST_SECONDS)
        return MOST_SECONDS;
    return seconds < 1 ? 1 : seconds; /* servers send 0 and less, too: callers must not spin */
}

double oh_headers_date(const char *value)
{
    return read_date(value);
}
