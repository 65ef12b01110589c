/* Makes libcurl behave as if it was built without HTTP/2: it refuses the option. For LD_PRELOAD. */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdarg.h>

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
    else {
        long value = va_arg(rest, long);
        result = option == CURLOPT_HTTP_VERSION && value > CURL_HTTP_VERSION_1_1 ? CURLE_UNSUPPORTED_PROTOCOL
                                                                                  : real(handle, option, value);
    }
    va_end(rest);
    return result;
}
