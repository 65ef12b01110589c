/* Recognises the names of secrets. Must not know Lua or libcurl. */
#include "wire/secret_name.h"

#include <string.h>

#include "wire/ascii.h"

#define LONGEST_WORD 24

/* The last words of names that always name a secret; some are two words written as one. */
static const char *const always[] = {
    "tkn",          "password",   "passwd",     "passphrase",  "pwd",       "authorization", "cookie",
    "apikey",       "accesstoken", "authtoken", "sessiontoken", "refreshtoken", "sessionkey", "accesskey",
    "privatekey",   "secretkey",  "credentials",
};
/* Last words that name a secret after another word ("api_key"), but may be ordinary words alone. */
static const char *const perhaps[] = {"key", "token", "secret"};

/* A last word that may be an ordinary word even after another word ("user_secrets"). */
static const char *const plural = "secrets";

static bool is_separator(char byte) { return byte == '_' || byte == '-'; }

static size_t last_word(const char *name, size_t length)
{
    size_t at = length;

    while (at > 0 && !is_separator(name[at - 1])) {
        at--;
        if (at > 0 && oh_ascii_is_upper(name[at]) &&
            (!oh_ascii_is_upper(name[at - 1]) || (at + 1 < length && oh_ascii_is_lower(name[at + 1]))))
            break;
    }
    return at;
}

static bool is_one_of(const char *const *list, size_t count, const char *word, size_t length)
{
    char lower[LONGEST_WORD];
    size_t i;

    if (length >= sizeof lower)
        return false;
    for (i = 0; i < length; i++)
        lower[i] = oh_ascii_lower(word[i]);
    lower[length] = '\0';
    for (i = 0; i < count; i++)
        if (strcmp(list[i], lower) == 0)
            return true;
    return false;
}

/* Returns where the part after the last dot begins. Only that part is judged: "device.token" is the name of a call,
   "config.api_key" that of a secret. */
static size_t last_part(const char *name, size_t length)
{
    while (length > 0 && name[length - 1] != '.')
        length--;
    return length;
}

enum oh_name_verdict oh_secret_name(const char *name, size_t length)
{
    size_t part = last_part(name, length), word, start;

    name += part;
    length -= part;
    word = last_word(name, length);
    start = length;

    if (is_one_of(always, sizeof always / sizeof always[0], name + word, length - word))
        return OH_NAME_SECRET;
    while (start > 0 && !is_separator(name[start - 1]))
        start--;
    if (is_one_of(always, sizeof always / sizeof always[0], name + start, length - start))
        return OH_NAME_SECRET; /* one word with capitals inside: "passWord", "APIkey" */
    if (is_one_of(perhaps, sizeof perhaps / sizeof perhaps[0], name + word, length - word))
        return word > 0 ? OH_NAME_SECRET : OH_NAME_PERHAPS;
    return is_one_of(&plural, 1, name + word, length - word) ? OH_NAME_PERHAPS : OH_NAME_ORDINARY;
}
