/*
 * Measures the lower bound: the cost of a status call in plain C on libcurl. One easy handle, reused; one GET per call,
 * with the headers that a client must send; the response is collected in memory and not parsed.
 *
 *   loop URL COUNT             prints the CPU microseconds of a call
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct body {
    char *bytes;
    size_t length, room;
};

static size_t collect(char *bytes, size_t one, size_t length, void *data)
{
    struct body *body = data;

    (void)one;
    if (body->length + length > body->room) {
        size_t room = 2 * (body->length + length);
        char *grown = realloc(body->bytes, room);
        if (grown == NULL)
            return 0;
        body->bytes = grown;
        body->room = room;
    }
    memcpy(body->bytes + body->length, bytes, length);
    body->length += length;
    return length;
}

static double cpu_microseconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6
        + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
    struct body body = { NULL, 0, 0 };
    struct curl_slist *headers = NULL;
    double before;
    long i, count;
    CURL *easy;

    if (argc != 3 || curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || (easy = curl_easy_init()) == NULL)
        return 2;
    count = atol(argv[2]);
    headers = curl_slist_append(headers, "Authorization: Bearer bench");
    headers = curl_slist_append(headers, "Accept: application/json");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "loop");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);

    before = 0;
    for (i = -10; i < count; i++) { /* the first ten connect and warm up */
        long status = 0;
        if (i == 0)
            before = cpu_microseconds();
        curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
        body.length = 0;
        if (curl_easy_perform(easy) != CURLE_OK)
            return 1;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        if (status != 200 || body.length == 0)
            return 1;
    }
    printf("%.3f\n", (cpu_microseconds() - before) / (double)(count > 0 ? count : 1));
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    free(body.bytes);
    return 0;
}
