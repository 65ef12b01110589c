/* Secrets: what an API key may look like, copies that are wiped, and the secrets that a client knows and that no text
   may show. Must not know Lua or libcurl. */
#ifndef OH_SECRET_H
#define OH_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#define OH_SECRET_MOST 512 /* bytes of the longest key */

/* Returns NULL if the key can be sent in a header, else what is wrong with it (never the key itself). The only place
   that knows which bytes a key may have. */
const char *oh_secret_problem(const char *key, size_t length);
/* Replaces the string in `slot`, which it wipes, by a copy; false when out of memory. */
bool oh_secret_keep(char **slot, const char *value, size_t length);
/* Wipes and frees a NUL-terminated string; NULL is fine. */
void oh_secret_free(char *key);

#define OH_SECRETS_LASTING 12 /* those of the client itself: its keys, the password of its proxy */
#define OH_SECRETS_MOST 44    /* and the latest others: session keys, keys of single calls */

/* The known secrets. Zeroed: none. */
struct oh_secrets {
    char *known[OH_SECRETS_MOST]; /* owned; NULL: none */
    size_t next;
};

/* Adds a copy of a secret, which replaces the oldest one that is not lasting. Too short or too long ones are ignored.
   False: out of memory. */
bool oh_secrets_add(struct oh_secrets *secrets, const char *secret, size_t length);
/* The same for a secret that must not be replaced. */
bool oh_secrets_add_lasting(struct oh_secrets *secrets, const char *secret, size_t length);
/* Adds the credentials in the URL of a proxy, whole and in the parts that careless parsers split them into. */
bool oh_secrets_add_proxy(struct oh_secrets *secrets, const char *proxy);
/* Adds the session keys that a response contains. */
bool oh_secrets_learn(struct oh_secrets *secrets, const char *json, size_t length);
/* Wipes all of them. */
void oh_secrets_forget(struct oh_secrets *secrets);

#endif
