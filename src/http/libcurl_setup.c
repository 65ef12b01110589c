/* Initialises libcurl and detects forks. Must not know Lua. */
#include "http/libcurl_setup.h"

#include <curl/curl.h>
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode result;
static volatile unsigned generation; /* written only by a new child, before it has a second thread */

static void count_fork(void)
{
    generation++;
}

static void start(void)
{
    result = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (pthread_atfork(NULL, NULL, count_fork) != 0)
        result = CURLE_OUT_OF_MEMORY;
}

unsigned oh_libcurl_generation(void)
{
    return generation;
}

bool oh_libcurl_open(void)
{
    (void)pthread_once(&once, start);
    return result == CURLE_OK;
}

/* Does not call curl_version(), which with OpenLDAP looks up the name of this host and waits for the answer. */
const char *oh_libcurl_version(const char **tls)
{
    const curl_version_info_data *build = curl_version_info(CURLVERSION_NOW);

    *tls = build->ssl_version != NULL ? build->ssl_version : "no TLS";
    return build->version;
}
