/* Makes libcurl report other built-in authorities: $AUTHORITIES_DIRECTORY and $AUTHORITIES_FILE. For LD_PRELOAD. */
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdlib.h>

curl_version_info_data *curl_version_info(CURLversion age)
{
    static curl_version_info_data changed;
    curl_version_info_data *(*real)(CURLversion);

    *(void **)(&real) = dlsym(dlopen("libcurl.so.4", RTLD_NOW), "curl_version_info");
    changed = *real(age);
    changed.capath = getenv("AUTHORITIES_DIRECTORY");
    changed.cainfo = getenv("AUTHORITIES_FILE");
    return &changed;
}
