/*
 * The lower bound: calls one after the other in plain C on libcurl, with one easy handle. The answer is collected in
 * memory and not looked into.
 *   c_easy WORK URL COUNT
 */
#include "work.h"

int main(int argc, char **argv)
{
    struct call call = { 0 };
    double before = 0;
    long i, count;

    if (argc >= 2 && strcmp(argv[1], "version") == 0)
        return printf("libcurl %s\n", curl_version_info(CURLVERSION_NOW)->version) < 0;
    if (argc < 4 || strncmp(argv[1], "many", 4) == 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return 77;
    count = atol(argv[3]);
    call_open(&call, argv[1]);
    for (i = strcmp(argv[1], "first") == 0 ? 0 : -10; i < count; i++) { /* the first ten connect and warm up */
        if (i == 0)
            before = cpu_microseconds();
        call_prepare(&call, argv[1], argv[2], i + 10);
        call_check(&call, curl_easy_perform(call.easy));
    }
    report(before, count);
    curl_easy_cleanup(call.easy);
    curl_global_cleanup();
    return 0;
}
