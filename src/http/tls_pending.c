/* Tells whether the TLS library holds decrypted bytes that have not been read. They have left the socket, so only the
   library that libcurl uses can tell. Supports OpenSSL and its forks. Must not know Lua. */
#define _GNU_SOURCE /* dladdr */
#include "http/tls_pending.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

typedef int pending_function(const void *ssl);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pending_function *pending;

/* Looks for SSL_pending in the dependencies of this module, which include the TLS library of our libcurl: the host may
   have loaded another one. */
static void find(void)
{
    static const char here;
    Dl_info module;
    void *handle, *symbol;

    if (dladdr(&here, &module) == 0 || module.dli_fname == NULL)
        return;
    handle = dlopen(module.dli_fname, RTLD_NOW | RTLD_NOLOAD);
    if (handle == NULL)
        return;
    symbol = dlsym(handle, "SSL_pending");
    memcpy(&pending, &symbol, sizeof pending);
    (void)dlclose(handle);
}

bool oh_tls_has_pending(void *easy)
{
    struct curl_tlssessioninfo *session = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK || session == NULL ||
        session->backend != CURLSSLBACKEND_OPENSSL || session->internals == NULL)
        return false;
    (void)pthread_once(&once, find);
    return pending != NULL && pending(session->internals) > 0;
}
