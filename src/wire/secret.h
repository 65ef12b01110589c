/* What an API key may look like, how it is kept out of memory, and which secrets a client knows. Pure C. */
#ifndef OH_SECRET_H
#define OH_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#define OH_SECRET_MOST 512 /* bytes of the longest key */

/* NULL when the bytes can stand in a header, else what is wrong with them (never the bytes themselves). */
const char *oh_secret_problem(const char *key, size_t length);
/* Wipes and frees a NUL-terminated copy; NULL is fine. */
void oh_secret_free(char *key);

#define OH_SECRETS_LASTING 12 /* of the client itself: its keys, the proxy's password */
#define OH_SECRETS_MOST 44    /* with the last ones that passed by: session keys, keys of single calls */

/* Zeroed: none are known. */
struct oh_secrets {
    char *known[OH_SECRETS_MOST]; /* owned; NULL: none */
    size_t next;
};

/* Keep a copy of what no text may show; the oldest of those that passed by gives way. Too short or too long ones are
   not kept. False: no memory. */
bool oh_secrets_add(struct oh_secrets *secrets, const char *secret, size_t length);
bool oh_secrets_add_lasting(struct oh_secrets *secrets, const char *secret, size_t length);
/* Keeps the password in the address of a proxy, whole and in the pieces that a careless reader makes of it. */
bool oh_secrets_add_proxy(struct oh_secrets *secrets, const char *proxy);
/* Keeps the session keys that stand in an response. */
bool oh_secrets_learn(struct oh_secrets *secrets, const char *json, size_t length);
void oh_secrets_forget(struct oh_secrets *secrets);

#endif
