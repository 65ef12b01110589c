/*
 * What the programs in C share: the works, and what they cost. A work is one of
 *   v0, v1           reads the status of a conversation, in the dialect
 *   events           reads a page of events
 *   start            starts a conversation, over a connection of its own
 *   first            reads one V0 status in a new process
 *   many, many_tls   reads V0 statuses, with many calls in flight at the same time
 *   watch            waits for many conversations; only openhands.lua has it
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct call {
    CURL *easy;
    char url[256], body[512];
    char *answer;
    size_t length, room;
};

static inline size_t call_collect(char *bytes, size_t one, size_t length, void *data)
{
    struct call *call = data;

    (void)one;
    if (call->length + length > call->room) {
        size_t room = 2 * (call->length + length);
        char *grown = realloc(call->answer, room);
        if (grown == NULL)
            return 0;
        call->answer = grown;
        call->room = room;
    }
    memcpy(call->answer + call->length, bytes, length);
    call->length += length;
    return length;
}

/* Makes a handle with the options that do not change from call to call. Ends the program if that fails. */
static inline void call_open(struct call *call, const char *work)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Authorization: Bearer bench");
    const char *authority = getenv("BENCH_CA");

    if ((call->easy = curl_easy_init()) == NULL)
        exit(2);
    headers = curl_slist_append(headers, "Accept: application/json");
    headers = curl_slist_append(headers, "Content-Type: application/json");
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, headers); /* freed by nobody: it lives as long as the program */
    curl_easy_setopt(call->easy, CURLOPT_USERAGENT, "bench");
    curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(call->easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, call_collect);
    curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
    if (authority != NULL)
        curl_easy_setopt(call->easy, CURLOPT_CAINFO, authority);
    if (strcmp(work, "start") == 0) {
        curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 1L);
    }
}

/* Prepares the call with a number. Calls one after the other take fifty conversations in turn; calls in flight at the
   same time have a conversation each. */
static inline void call_prepare(struct call *call, const char *work, const char *base, long number)
{
    char id[40];

    snprintf(id, sizeof(id), "7f3b9a1c2d4e4f60a1b2%012lx", number % (strncmp(work, "many", 4) == 0 ? 1000 : 50));
    call->length = 0;
    if (strcmp(work, "v1") == 0) {
        snprintf(call->url, sizeof(call->url), "%s/api/v1/app-conversations?ids=%s", base, id);
    } else if (strcmp(work, "events") == 0) {
        snprintf(call->url, sizeof(call->url), "%s/api/v1/conversation/%s/events/search?limit=100", base, id);
    } else if (strcmp(work, "start") == 0) {
        snprintf(call->url, sizeof(call->url), "%s/api/v1/app-conversations", base);
        snprintf(call->body, sizeof(call->body),
                 "{\"conversation_id\":\"%s\",\"selected_repository\":\"acme/widgets\",\"initial_message\":{\"role\":"
                 "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Fix the typo in README.md.\"}]}}",
                 id);
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->body);
    } else {
        snprintf(call->url, sizeof(call->url), "%s/api/conversations/%s", base, id);
    }
    curl_easy_setopt(call->easy, CURLOPT_URL, call->url);
}

/* Ends the program unless the call was answered. */
static inline void call_check(struct call *call, CURLcode result)
{
    long status = 0;

    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result == CURLE_OK && status == 200 && call->length > 0)
        return;
    fprintf(stderr, "%s: %s, status %ld\n", call->url, curl_easy_strerror(result), status);
    exit(1);
}

static inline double cpu_microseconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6
        + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* Prints the CPU microseconds of a call since `before`, and the peak of the memory in KB. */
static inline void report(double before, long count)
{
    struct rusage usage;
    double spent = cpu_microseconds() - before;

    getrusage(RUSAGE_SELF, &usage);
    printf("%.2f %ld\n", spent / (double)(count > 0 ? count : 1), usage.ru_maxrss);
}
