/* Secrets: the rules for API keys, copies that are wiped, and the list of secrets that a client knows and that no text
   may show. Must not know Lua or libcurl. */
#ifndef OH_SECRET_H
#define OH_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#define OH_SECRET_MOST 512 /* bytes of the longest key */

/* Returns NULL if the key can be sent in a header, else the problem with it (never the key itself). The only place
   that knows which bytes a key may have. */
const char *oh_secret_problem(const char *key, size_t length);
/* Replaces the string in `slot` by a copy of `value`, and wipes and frees the old string. False: out of memory, and
   nothing is changed. */
bool oh_secret_keep(char **slot, const char *value, size_t length);
/* Wipes and frees a NUL-terminated string; NULL is fine. */
void oh_secret_free(char *text);

#define OH_SECRETS_LASTING 12 /* places for the client's own secrets: its keys, the password of its proxy */
#define OH_SECRETS_OTHERS 32  /* places for the latest others that the program gave, and as many for those learnt */
#define OH_SECRETS_MOST (OH_SECRETS_LASTING + 2 * OH_SECRETS_OTHERS)

/* The known secrets. Zeroed: none. */
struct oh_secrets {
    char *known[OH_SECRETS_MOST]; /* owned; NULL: none. The lasting ones, those that the program gave, those learnt */
    size_t next_given;            /* place of the next one, from the first place for its like */
    size_t next_learnt;
};

/* Adds a copy of a secret that the program gave, e.g. the key of a single call; the places for those are reused in
   turn, and no answer takes one. Secrets that are too short, too long or already known are ignored. All functions that
   add secrets return false when out of memory. */
bool oh_secrets_add(struct oh_secrets *secrets, const char *secret, size_t length);
/* Adds a copy of a secret that is never replaced, or makes a known one lasting; does the same as oh_secrets_add if all
   lasting places are taken. */
bool oh_secrets_add_lasting(struct oh_secrets *secrets, const char *secret, size_t length);
/* Adds the credentials in the URL of a proxy as lasting secrets: whole, and in the parts that other programs may split
   the password into. */
bool oh_secrets_add_proxy(struct oh_secrets *secrets, const char *proxy);
/* Returns whether a field of a response holds a session key, by its name. */
bool oh_secrets_is_key_name(const char *name, size_t length);
/* Adds the value of such a field, unless no key looks like it; the places for those are reused in turn. */
bool oh_secrets_learn(struct oh_secrets *secrets, const char *value, size_t length);
/* Searches the text of a response that is not decoded for such fields, and adds their values. Takes only fields whose
   name begins at byte `from` or later, and before `to`. */
bool oh_secrets_learn_from_text(struct oh_secrets *secrets, const char *json, size_t length, size_t from, size_t to);
/* Wipes all of them. */
void oh_secrets_forget(struct oh_secrets *secrets);

#endif
