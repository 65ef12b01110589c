/* Redacts foreign text: one pass that copies it and leaves secrets out. Must not know Lua or libcurl.
   It reads the text up to the limit, and beyond it as far as the longest secret extends. At each place it looks back at
   most twice LONGEST_NAME bytes, and ahead to the end of the value or of the credentials that begin there. The
   stretches that it looks ahead hardly overlap: the cost is about linear for any text. */
#include "wire/redact.h"

#include <string.h>

#include "wire/secret_search.h"
#include "wire/secret_name.h"
#include "wire/ascii.h"
#include "wire/one_line.h"
#include "wire/utf8.h"

#define LONGEST_NAME 64  /* bytes of a name; also bytes of the blanks and quotes after it */
#define LONGEST_WORD 19  /* letters; longer runs are not words */
#define LONGEST_PORT 5   /* digits */
#define LONGEST_ODD 256  /* bytes searched for the end of credentials with characters that no URL may have */
#define BEYOND (OH_SECRET_SEARCH_LONGEST + LONGEST_ODD) /* bytes that are read beyond the limit */

static const char cut_mark[] = "\xe2\x80\xa6"; /* … */
#define CUT_SIZE (sizeof cut_mark - 1)

struct scan {
    const char *text;
    size_t length; /* bytes of the text that are read */
    const unsigned char *marks;
    char *out;
    size_t count, most;
    size_t safe; /* bytes of `out` that leave room for "…" */
    bool full;
};

static size_t window(size_t length, size_t most)
{
    size_t seen = most + BEYOND;

    return length < seen ? length : seen;
}

size_t oh_redact_capacity(size_t length, size_t most)
{
    size_t seen = window(length, most);

    return (seen + 1) * sizeof(int) + 3 * seen + most;
}

/* ---- parts of the text ---------------------------------------------------------------------------------------- */

static bool is_blank(char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }
static bool is_quote(char byte) { return byte == '"' || byte == '\'' || byte == '`'; }

/* Returns whether the byte may belong to a name. A name does not extend into a secret, which will be replaced. */
static bool is_name_byte(const struct scan *scan, size_t at)
{
    char byte = scan->text[at];

    return !scan->marks[at] &&
           (oh_ascii_is_letter(byte) || oh_ascii_is_digit(byte) || byte == '_' || byte == '-' || byte == '.');
}

static bool is_wrapping(const struct scan *scan, size_t at)
{
    char byte = scan->text[at];

    return !scan->marks[at] && (is_quote(byte) || byte == '\\' || byte == ']' || byte == ')');
}

static bool begins_with(const struct scan *scan, size_t at, const char *word)
{
    size_t i;

    for (i = 0; word[i] != '\0'; i++)
        if (at + i >= scan->length || oh_ascii_lower(scan->text[at + i]) != word[i])
            return false;
    return true;
}

static size_t skip_blanks(const struct scan *scan, size_t at)
{
    while (at < scan->length && is_blank(scan->text[at]))
        at++;
    return at;
}

/* Returns the first place from `at` on that has a blank or a byte of `ends`, outside of secrets and placeholders. */
static size_t run(const struct scan *scan, size_t at, const char *ends)
{
    size_t size;

    while (at < scan->length) {
        size = oh_secret_search_placeholder(scan->text + at, scan->length - at);
        if (size == 0 && !scan->marks[at] &&
            ((unsigned char)scan->text[at] <= ' ' || strchr(ends, scan->text[at]) != NULL))
            return at;
        at += size > 0 ? size : 1;
    }
    return at;
}

static size_t value_end(const struct scan *scan, size_t at) { return run(scan, at, "\"'`,;&<>)}]\\"); }

/* Returns the end of a quoted value: the closing quote with its backslashes, or the end of the line. `depth`: number of
   backslashes before the opening quote; the closing quote has at most as many. If `depth` is 0, a quote after an odd
   number of backslashes is part of the value. Sets `closed` to the place after the closing quote. */
static size_t quoted_end(const struct scan *scan, size_t at, char quote, size_t depth, size_t *closed)
{
    size_t slashes = 0;

    for (; at < scan->length && scan->text[at] != '\n'; at++) {
        if (scan->text[at] == quote && !scan->marks[at] && (depth == 0 ? slashes % 2 == 0 : slashes <= depth)) {
            *closed = at + 1;
            return at - (depth == 0 ? 0 : slashes);
        }
        slashes = scan->text[at] == '\\' ? slashes + 1 : 0;
    }
    *closed = at;
    return at;
}

static bool is_ordinary_word(const struct scan *scan, size_t from, size_t to)
{
    size_t at;

    for (at = from; at < to; at++) {
        char byte = scan->text[at];
        if (scan->marks[at] || (byte != '_' && !oh_ascii_is_letter(byte)) || (at > from && byte >= 'A' && byte <= 'Z'))
            return false;
    }
    return to - from <= LONGEST_WORD;
}

/* Returns whether the range may follow "key:" in a sentence: it is a word, or a URL, whose own secrets are found
   later. */
static bool is_ordinary(const struct scan *scan, size_t from, size_t to)
{
    return is_ordinary_word(scan, from, to) || begins_with(scan, from, "https://") ||
           begins_with(scan, from, "http://");
}

/* ---- copying -------------------------------------------------------------------------------------------------- */

static void put(struct scan *scan, const char *bytes, size_t size)
{
    if (scan->full || scan->count + size > scan->most) {
        scan->full = true;
        return;
    }
    memcpy(scan->out + scan->count, bytes, size);
    scan->count += size;
    if (scan->count + CUT_SIZE <= scan->most)
        scan->safe = scan->count;
}

/* Copies a range by characters, so that none is cut. */
static void copy(struct scan *scan, size_t from, size_t to)
{
    size_t size;

    for (; from < to && !scan->full; from += size) {
        size = oh_utf8_sequence(scan->text + from, to - from);
        size = size > 0 ? size : 1;
        put(scan, scan->text + from, size);
    }
}

static void redact(struct scan *scan) { put(scan, OH_REDACT_PLACEHOLDER, sizeof OH_REDACT_PLACEHOLDER - 1); }

/* Copies up to `value`, replaces `value` to `end` by a placeholder, and copies from there to `closed`. Does all of it
   or nothing: after a cut in between, redacting the result again would find another value. */
static size_t replace(struct scan *scan, size_t at, size_t value, size_t end, size_t closed)
{
    size_t safe = scan->safe;

    scan->full = scan->full ||
                 scan->count + (value - at) + sizeof OH_REDACT_PLACEHOLDER - 1 + (closed - end) > scan->most;
    copy(scan, at, value);
    if (end > value)
        redact(scan);
    copy(scan, end, closed);
    if (scan->count + CUT_SIZE > scan->most)
        scan->safe = safe;
    return closed;
}

/* Returns whether the part of an authority behind a colon may be a port: one to five digits. Punctuation of the
   sentence around the URL may follow them, but no letter, no further digit, and no path after the punctuation. */
static bool may_be_port(const struct scan *scan, size_t at, size_t end)
{
    bool has_path = end < scan->length &&
                    (scan->text[end] == '/' || scan->text[end] == '?' || scan->text[end] == '#');
    size_t rest = at;

    while (rest < end && oh_ascii_is_digit(scan->text[rest]))
        rest++;
    if (rest == at || rest - at > LONGEST_PORT || (has_path && rest < end))
        return false;
    for (; rest < end; rest++)
        if (oh_ascii_is_letter(scan->text[rest]) || oh_ascii_is_digit(scan->text[rest]))
            return false;
    return true;
}

/* Redacts the credentials in `scheme://user:password@`, up to the last "@" of the authority. A password that is not
   percent-encoded may have any byte, even one that ends the authority ("/"). Such a password is recognised only if
   what precedes that byte cannot be a port. Returns the place after the credentials, 0 if there are none. */
static size_t credentials(struct scan *scan, size_t at)
{
    static const char ends[] = "/?#\"'`<>\\";
    size_t start = at + 3, end = run(scan, start, ends), i, last = 0, limit;
    bool odd = false;

    for (i = start; i < end; i++) {
        last = scan->text[i] == '@' ? i : last;
        if (scan->text[i] == ']')
            odd = false; /* the colons before it are those of an IPv6 address */
        else if (scan->text[i] == ':' && i + 1 < end)
            odd = odd || !may_be_port(scan, i + 1, end);
    }
    odd = odd || (end > start && scan->text[end - 1] == ':' && end < scan->length && !is_blank(scan->text[end]));
    if (odd && last == 0) {
        limit = scan->length - end < LONGEST_ODD ? scan->length : end + LONGEST_ODD;
        for (i = end; i < limit && scan->text[i] != '\n'; i++)
            last = scan->text[i] == '@' ? i : last;
    }
    return last > start ? replace(scan, at, start, last, last) : 0;
}

/* Judges the name before a colon or an equals sign, in any quotes. */
static enum oh_name_verdict name_before(const struct scan *scan, size_t at, bool *quoted)
{
    size_t end = at, start, spared = LONGEST_NAME;

    while (end > 0 && spared > 0 && is_blank(scan->text[end - 1])) { /* no secret has a blank */
        end--;
        spared--;
    }
    *quoted = false;
    while (end > 0 && spared > 0 && is_wrapping(scan, end - 1)) {
        *quoted = true;
        end--;
        spared--;
    }
    for (start = end; start > 0 && end - start < LONGEST_NAME && is_name_byte(scan, start - 1); start--)
        continue;
    return oh_secret_name(scan->text + start, end - start);
}

/* Skips the scheme of `Authorization: Bearer …`, which is not a secret. */
static size_t skip_scheme(const struct scan *scan, size_t at)
{
    static const char *const schemes[] = {"bearer", "basic", "token", "digest", "negotiate"};
    size_t i, end;

    for (i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        end = at + strlen(schemes[i]);
        if (begins_with(scan, at, schemes[i]) && end < scan->length && is_blank(scan->text[end]))
            return skip_blanks(scan, end);
    }
    return at;
}

/* Redacts the value in `name: value`, `name=value`, `"name":"value"`, `name%3Dvalue`. `size`: of the separator.
   Returns the place after the value, 0 if there is nothing to redact. */
static size_t named_value(struct scan *scan, size_t at, size_t size)
{
    bool quoted, prose;
    enum oh_name_verdict verdict = name_before(scan, at, &quoted);
    size_t value = at + size, depth = 0, end, closed, word;

    if (verdict == OH_NAME_ORDINARY)
        return 0;
    while (value < scan->length && value < at + size + 2 && (scan->text[value] == '=' || scan->text[value] == '>'))
        value++; /* "=>", "==" */
    prose = !quoted && value < scan->length && is_blank(scan->text[value]);
    value = skip_blanks(scan, value);
    while (value + depth < scan->length && scan->text[value + depth] == '\\')
        depth++;
    if (value + depth < scan->length && is_quote(scan->text[value + depth])) {
        value += depth + 1;
        end = quoted_end(scan, value, scan->text[value - 1], depth, &closed);
        if (verdict == OH_NAME_PERHAPS && prose && is_ordinary(scan, value, end))
            return 0;
        return replace(scan, at, value, end, closed);
    }
    if (value < scan->length && strchr("{[(", scan->text[value]) != NULL && !scan->marks[value] &&
        oh_secret_search_placeholder(scan->text + value, scan->length - value) == 0)
        return 0; /* the values inside have names of their own */
    word = value;
    value = skip_scheme(scan, value);
    end = value_end(scan, value);
    if (end == value)
        end = value_end(scan, value = word);
    if (verdict == OH_NAME_PERHAPS && prose && is_ordinary(scan, value, end))
        return 0;
    return end > value ? replace(scan, at, value, end, end) : 0;
}

static size_t bearer(struct scan *scan, size_t at)
{
    size_t value = skip_blanks(scan, at + strlen("bearer")), end = value_end(scan, value);

    if (value == at + strlen("bearer") || is_ordinary_word(scan, value, end) ||
        (at > 0 && !scan->marks[at - 1] && oh_ascii_is_letter(scan->text[at - 1])))
        return 0;
    return replace(scan, at, value, end, end);
}

static size_t secret_at(struct scan *scan, size_t at)
{
    char byte = scan->text[at];

    if (byte == ':' && begins_with(scan, at, "://"))
        return credentials(scan, at);
    if (byte == ':' || byte == '=')
        return named_value(scan, at, 1);
    if (byte == '%' && (begins_with(scan, at, "%3d") || begins_with(scan, at, "%3a")))
        return named_value(scan, at, 3);
    if ((byte == 'B' || byte == 'b') && begins_with(scan, at, "bearer"))
        return bearer(scan, at);
    return 0;
}

static size_t step(struct scan *scan, size_t at)
{
    size_t size = oh_secret_search_placeholder(scan->text + at, scan->length - at), next;

    if (scan->marks[at]) {
        for (next = at; next < scan->length && scan->marks[next]; next++)
            continue;
        redact(scan);
        return next;
    }
    if (size > 0) {
        redact(scan);
        return at + size;
    }
    next = secret_at(scan, at);
    if (next > 0)
        return next;
    size = begins_with(scan, at, "://") ? 3 : oh_utf8_sequence(scan->text + at, scan->length - at);
    size = size > 0 ? size : 1;
    put(scan, scan->text + at, size);
    return at + size;
}

const char *oh_redact(const struct oh_secrets *known, const char *text, size_t length, enum oh_redact_form form,
                     size_t most, void *memory, size_t *redacted)
{
    size_t seen = window(length, most), at = 0, stop;
    int *origins = memory;
    char *line = (char *)(origins + seen + 1), *plain = line + seen;
    unsigned char *marks = (unsigned char *)(plain + seen);
    struct scan scan = {text, seen, marks, (char *)(marks + seen), 0, most, 0, false};
    bool cut = seen < length;

    if (form == OH_REDACT_LINE) {
        scan.length = oh_one_line(text, seen, line);
        scan.text = line;
    }
    if (scan.length >= CUT_SIZE && memcmp(scan.text + scan.length - CUT_SIZE, cut_mark, CUT_SIZE) == 0) {
        scan.length -= CUT_SIZE; /* the mark of an earlier cut is not part of a value */
        cut = true;
    }
    memset(marks, 0, seen);
    oh_secret_search(known, scan.text, scan.length, marks, plain, origins);
    /* The last bytes that are read may be a part of a secret: they are not copied. */
    stop = seen < length ? scan.length - (scan.length < BEYOND ? scan.length : BEYOND) : scan.length;
    while (at < stop && !scan.full)
        at = step(&scan, at);
    if (cut || scan.full || at < scan.length) {
        scan.count = scan.count < scan.safe ? scan.count : scan.safe;
        memcpy(scan.out + scan.count, cut_mark, CUT_SIZE);
        scan.count += CUT_SIZE;
    }
    *redacted = scan.count;
    return scan.out;
}
