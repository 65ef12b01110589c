/* Tells whether the TLS library holds bytes that have not been read. Knows libcurl, must not know Lua. */
#ifndef OH_TLS_PENDING_H
#define OH_TLS_PENDING_H

enum oh_tls_pending {
    OH_TLS_QUIET,
    OH_TLS_PENDING,
    OH_TLS_UNKNOWN /* the library is neither OpenSSL nor one of its forks, or it cannot tell */
};

/* Tells whether the TLS library holds bytes that came over the connection of this libcurl handle after its last
   response, decrypted or not. The handle must have a connection. */
enum oh_tls_pending oh_tls_pending(void *easy);

#endif
