/* Tells whether the TLS library holds bytes that have not been read. They have left the socket, so only the library
   that libcurl uses can tell. Supports OpenSSL and its forks. Must not know Lua. */
#define _GNU_SOURCE /* dladdr */
#include "http/tls_pending.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

typedef int query(const void *ssl);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static query *pending;      /* SSL_pending: counts decrypted bytes */
static query *has_pending;  /* SSL_has_pending: sees encrypted bytes, too; not every fork has it */
static query *reads_ahead;  /* SSL_get_read_ahead: encrypted bytes may have left the socket (libcurl from 8.15 on) */

static query *look_up(void *handle, const char *name)
{
    void *symbol = dlsym(handle, name);
    query *found;

    memcpy(&found, &symbol, sizeof found);
    return found;
}

/* Looks for the functions in the dependencies of this module, which include the TLS library of our libcurl: the host
   may have loaded another one. */
static void find(void)
{
    static const char here;
    Dl_info module;
    void *handle;

    if (dladdr(&here, &module) == 0 || module.dli_fname == NULL)
        return;
    handle = dlopen(module.dli_fname, RTLD_NOW | RTLD_NOLOAD);
    if (handle == NULL)
        return;
    pending = look_up(handle, "SSL_pending");
    has_pending = look_up(handle, "SSL_has_pending");
    reads_ahead = look_up(handle, "SSL_get_read_ahead");
    (void)dlclose(handle);
}

static enum oh_tls_pending ask(const void *ssl)
{
    if (pending == NULL)
        return OH_TLS_UNKNOWN;
    if (pending(ssl) > 0)
        return OH_TLS_PENDING;
    if (has_pending != NULL)
        return has_pending(ssl) != 0 ? OH_TLS_PENDING : OH_TLS_QUIET;
    return reads_ahead != NULL && reads_ahead(ssl) != 0 ? OH_TLS_UNKNOWN : OH_TLS_QUIET;
}

enum oh_tls_pending oh_tls_pending(void *easy)
{
    struct curl_tlssessioninfo *session = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK || session == NULL ||
        session->backend != CURLSSLBACKEND_OPENSSL || session->internals == NULL)
        return OH_TLS_UNKNOWN;
    (void)pthread_once(&once, find);
    return ask(session->internals);
}
