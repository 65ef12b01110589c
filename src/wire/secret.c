/* Secrets: their rules, copies that are wiped, and the list of those that a client knows. Must not know Lua or
   libcurl. */
#define _GNU_SOURCE /* memmem */
#include "wire/secret.h"

#include <stdlib.h>
#include <string.h>

#include "os/wipe.h"
#include "wire/ascii.h"

#define SHORTEST_KNOWN 4  /* shorter ones would be found in ordinary words */
#define SHORTEST_LEARNT 8 /* a response must not make us redact arbitrary words */
#define MOST_BLANKS 256   /* bytes between a name and its value in a text: more would hold up the host */

const char *oh_secret_problem(const char *key, size_t length)
{
    size_t i;

    if (length == 0)
        return "is empty";
    if (length > OH_SECRET_MOST)
        return "is longer than " OH_DIGITS(OH_SECRET_MOST) " bytes";
    for (i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)key[i];
        if (byte == ' ' || byte == '\t')
            return "contains a space";
        if (byte == '\r' || byte == '\n')
            return "contains a line break";
        if (byte < 0x21 || byte > 0x7e)
            return "contains a byte that is not printable ASCII";
    }
    return NULL;
}

bool oh_secret_keep(char **slot, const char *value, size_t length)
{
    char *copy = malloc(length + 1);

    if (copy == NULL)
        return false;
    memcpy(copy, value, length);
    copy[length] = '\0';
    oh_secret_free(*slot);
    *slot = copy;
    return true;
}

void oh_secret_free(char *text)
{
    if (text != NULL) {
        oh_wipe(text, strlen(text));
        free(text);
    }
}

/* ---- the secrets that a client knows --------------------------------------------------------------------------- */

#define FIRST_LEARNT (OH_SECRETS_LASTING + OH_SECRETS_OTHERS)

/* Returns the place of a known secret among the first `count` places, `count` if it is not there. */
static size_t place_of(const struct oh_secrets *secrets, const char *secret, size_t length, size_t count)
{
    size_t place;

    for (place = 0; place < count; place++)
        if (secrets->known[place] != NULL && strlen(secrets->known[place]) == length &&
            memcmp(secrets->known[place], secret, length) == 0)
            break;
    return place;
}

static bool is_addable(const char *secret, size_t length)
{
    return length >= SHORTEST_KNOWN && length <= OH_SECRET_MOST && memchr(secret, '\0', length) == NULL;
}

/* Keeps a secret in the next of the places from `first` on. */
static bool keep_in_turn(struct oh_secrets *secrets, size_t first, size_t *next, const char *secret, size_t length)
{
    if (!oh_secret_keep(&secrets->known[first + *next], secret, length))
        return false;
    *next = (*next + 1) % OH_SECRETS_OTHERS;
    return true;
}

bool oh_secrets_add(struct oh_secrets *secrets, const char *secret, size_t length)
{
    /* One that was learnt is kept here, too: the place that it has may be taken by the next answer. */
    return !is_addable(secret, length) || place_of(secrets, secret, length, FIRST_LEARNT) < FIRST_LEARNT ||
           keep_in_turn(secrets, OH_SECRETS_LASTING, &secrets->next_given, secret, length);
}

bool oh_secrets_add_lasting(struct oh_secrets *secrets, const char *secret, size_t length)
{
    size_t known = place_of(secrets, secret, length, OH_SECRETS_MOST), place = 0;

    if (!is_addable(secret, length) || known < OH_SECRETS_LASTING)
        return true;
    while (place < OH_SECRETS_LASTING && secrets->known[place] != NULL)
        place++;
    if (place == OH_SECRETS_LASTING)
        return oh_secrets_add(secrets, secret, length);
    if (known == OH_SECRETS_MOST)
        return oh_secret_keep(&secrets->known[place], secret, length);
    secrets->known[place] = secrets->known[known];
    secrets->known[known] = NULL;
    return true;
}

/* Adds the pieces of a password with special characters, too: libcurl and proxies may take a piece for another part of
   the URL and quote it. */
bool oh_secrets_add_proxy(struct oh_secrets *secrets, const char *proxy)
{
    const char *scheme_end = strstr(proxy, "://"), *start = scheme_end != NULL ? scheme_end + 3 : proxy;
    const char *end = strrchr(start, '@'), *password = end != NULL ? memchr(start, ':', (size_t)(end - start)) : NULL;
    const char *piece;

    if (end == NULL)
        return true;
    if (!oh_secrets_add_lasting(secrets, start, (size_t)(end - start)))
        return false;
    for (piece = password != NULL ? password + 1 : end; piece < end; piece++) {
        size_t length = strcspn(piece, "@:/?#'\"\\ ");
        length = length < (size_t)(end - piece) ? length : (size_t)(end - piece);
        if (!oh_secrets_add_lasting(secrets, piece, length))
            return false;
        piece += length;
    }
    return true;
}

#define KEY_NAME "session_api_key"

bool oh_secrets_is_key_name(const char *name, size_t length)
{
    return length == sizeof KEY_NAME - 1 && memcmp(name, KEY_NAME, length) == 0;
}

bool oh_secrets_learn(struct oh_secrets *secrets, const char *value, size_t length)
{
    return length < SHORTEST_LEARNT || oh_secret_problem(value, length) != NULL ||
           place_of(secrets, value, length, OH_SECRETS_MOST) < OH_SECRETS_MOST ||
           keep_in_turn(secrets, FIRST_LEARNT, &secrets->next_learnt, value, length);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

bool oh_secrets_learn_from_text(struct oh_secrets *secrets, const char *json, size_t length, size_t from, size_t to)
{
    static const char name[] = "\"" KEY_NAME "\"";
    static const size_t most = OH_SECRET_MOST + 1; /* bytes of a key with its closing quote */
    const char *end = json + length, *at = json + from, *closing;
    const char *names_end = length - to > sizeof name - 2 ? json + to + sizeof name - 2 : end;
    size_t blanks;

    while (at < names_end && (at = memmem(at, (size_t)(names_end - at), name, sizeof name - 1)) != NULL) {
        at += sizeof name - 1;
        for (blanks = 0; at < end && blanks <= MOST_BLANKS && (is_blank(*at) || *at == ':'); blanks++)
            at++;
        if (at == end || *at != '"')
            continue;
        at++;
        closing = memchr(at, '"', (size_t)(end - at) < most ? (size_t)(end - at) : most);
        if (closing == NULL)
            continue;
        if (!oh_secrets_learn(secrets, at, (size_t)(closing - at)))
            return false;
        at = closing + 1;
    }
    return true;
}

void oh_secrets_forget(struct oh_secrets *secrets)
{
    size_t i;

    for (i = 0; i < OH_SECRETS_MOST; i++)
        oh_secret_free(secrets->known[i]);
    memset(secrets, 0, sizeof *secrets);
}
