/* Tells whether the TLS library holds bytes that have not been read. Knows libcurl, must not know Lua. */
#ifndef OH_TLS_PENDING_H
#define OH_TLS_PENDING_H

#include <stdbool.h>

/* Returns whether the TLS library holds bytes that came over the connection of this libcurl handle after its last
   response, decrypted or not. The handle must have a connection. False if nothing is known about the TLS library. */
bool oh_tls_has_pending(void *easy);

#endif
