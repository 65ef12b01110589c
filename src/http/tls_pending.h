/* Tells whether TLS holds decrypted bytes that have not been read. Knows libcurl, must not know Lua. */
#ifndef OH_TLS_PENDING_H
#define OH_TLS_PENDING_H

#include <stdbool.h>

/* True if the connection of this libcurl handle, which has one, has bytes that were decrypted together with an answer's
   last and belong to no response. False where the TLS library does not tell. */
bool oh_tls_has_pending(void *easy);

#endif
