/* Makes libcurl trust the authority in the file $PROXY_AUTHORITY for https proxies. For LD_PRELOAD. */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>

#undef curl_easy_setopt

CURLcode curl_easy_setopt(CURL *handle, CURLoption option, ...)
{
    CURLcode (*real)(CURL *, CURLoption, ...);
    va_list rest;
    CURLcode result;

    *(void **)(&real) = dlsym(dlopen("libcurl.so.4", RTLD_NOW), "curl_easy_setopt");
    va_start(rest, option);
    if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
        result = real(handle, option, va_arg(rest, curl_off_t));
    else if (option >= CURLOPTTYPE_OBJECTPOINT)
        result = real(handle, option, va_arg(rest, void *));
    else
        result = real(handle, option, va_arg(rest, long));
    va_end(rest);
    if (option == CURLOPT_PROXY && result == CURLE_OK)
        result = real(handle, CURLOPT_PROXY_CAINFO, getenv("PROXY_AUTHORITY"));
    return result;
}
