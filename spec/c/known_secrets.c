/* Adds a secret for each argument: "=SECRET" a lasting one, "+SECRET" one that does not last, "*" a hundred others.
   Then prints the secrets that are still known, without the hundred. */
#include <stdio.h>
#include <string.h>

#include "wire/secret.h"

static bool add_others(struct oh_secrets *secrets)
{
    char other[32];
    int i;

    for (i = 0; i < 100; i++) {
        snprintf(other, sizeof other, "other-%d", i);
        if (!oh_secrets_add(secrets, other, strlen(other)))
            return false;
    }
    return true;
}

static bool add(struct oh_secrets *secrets, const char *word)
{
    const char *secret = word + 1;

    if (word[0] == '*')
        return add_others(secrets);
    return (word[0] == '=' ? oh_secrets_add_lasting : oh_secrets_add)(secrets, secret, strlen(secret));
}

int main(int count, char **words)
{
    struct oh_secrets secrets;
    int i;

    memset(&secrets, 0, sizeof secrets);
    for (i = 1; i < count; i++)
        if (!add(&secrets, words[i]))
            return 1;
    for (i = 0; i < OH_SECRETS_MOST; i++)
        if (secrets.known[i] != NULL && strncmp(secrets.known[i], "other-", 6) != 0)
            puts(secrets.known[i]);
    oh_secrets_forget(&secrets);
    return 0;
}
