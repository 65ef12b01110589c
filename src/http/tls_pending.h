/* Tells whether the TLS library holds decrypted bytes that have not been read. Knows libcurl, must not know Lua. */
#ifndef OH_TLS_PENDING_H
#define OH_TLS_PENDING_H

#include <stdbool.h>

/* Returns whether the connection of this libcurl handle has decrypted bytes that follow the end of its last response.
   The handle must have a connection. False if the TLS library cannot tell. */
bool oh_tls_has_pending(void *easy);

#endif
