/*
 * The lower bound of many calls at once: plain C on libcurl's multi interface with epoll. Over HTTP/2 it uses at most
 * ten connections. The answers are collected in memory and not looked into.
 *   c_multi WORK URL COUNT [IN_FLIGHT]
 * With the works `many`, IN_FLIGHT status calls are in flight all the time; the others are made one after the other.
 * BENCH_CONNECTIONS in the environment limits the connections of `many`, as this library does by default.
 */
#include "work.h"
#include <stdbool.h>
#include <sys/epoll.h>
#include <time.h>

static int epoll = -1;
static double due_at = -1; /* milliseconds, monotonic: when libcurl wants to be called; -1: never */

static int watch(CURL *easy, curl_socket_t socket, int what, void *data, void *known)
{
    struct epoll_event event = { 0 };

    (void)easy;
    event.data.fd = socket;
    event.events = (what & CURL_POLL_IN ? (unsigned)EPOLLIN : 0U) | (what & CURL_POLL_OUT ? (unsigned)EPOLLOUT : 0U);
    if (what == CURL_POLL_REMOVE)
        return epoll_ctl(epoll, EPOLL_CTL_DEL, socket, NULL), 0;
    curl_multi_assign((CURLM *)data, socket, &epoll);
    return epoll_ctl(epoll, known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static int keep_timer(CURLM *multi, long milliseconds, void *data)
{
    (void)multi;
    (void)data;
    due_at = milliseconds < 0 ? -1 : milliseconds == 0 ? 0 : now() + (double)milliseconds;
    return 0;
}

/* Returns the milliseconds until libcurl wants to be called; -1 for never. */
static int left_to_wait(void)
{
    double left = due_at <= 0 ? due_at : due_at - now();

    return due_at < 0 ? -1 : left <= 0 ? 0 : (int)left + 1;
}

int main(int argc, char **argv)
{
    struct epoll_event events[256];
    struct call *calls;
    double before = 0;
    long count, at_once, i, begun = 0, done = 0, warm;
    CURLM *multi;
    const char *limit = getenv("BENCH_CONNECTIONS");
    bool many;

    if (argc >= 2 && strcmp(argv[1], "version") == 0)
        return printf("libcurl %s\n", curl_version_info(CURLVERSION_NOW)->version) < 0;
    if (argc < 4 || strcmp(argv[1], "first") == 0 || (limit != NULL && strcmp(argv[1], "many") != 0) ||
        curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return 77;
    count = atol(argv[3]);
    many = strncmp(argv[1], "many", 4) == 0;
    at_once = !many ? 1 : argc > 4 ? atol(argv[4]) : 1000;
    warm = many ? at_once : 10;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    multi = curl_multi_init();
    calls = calloc((size_t)at_once, sizeof(*calls));
    if (epoll < 0 || multi == NULL || calls == NULL)
        return 2;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, keep_timer);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, at_once);
    if (strncmp(argv[2], "https", 5) == 0)
        curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 10L);
    else if (limit != NULL)
        curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, atol(limit));

    for (i = 0; i < at_once; i++) {
        call_open(&calls[i], argv[1]);
        if (strncmp(argv[2], "https", 5) != 0)
            curl_easy_setopt(calls[i].easy, CURLOPT_PIPEWAIT, 0L);
        call_prepare(&calls[i], argv[1], argv[2], begun++);
        curl_multi_add_handle(multi, calls[i].easy);
    }
    while (done < warm + count) {
        int running, left, ready = epoll_wait(epoll, events, 256, left_to_wait());
        CURLMsg *message;

        for (i = 0; i < ready; i++) {
            int what = (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? CURL_CSELECT_IN : 0)
                | (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
            curl_multi_socket_action(multi, events[i].data.fd, what, &running);
        }
        if (left_to_wait() == 0) {
            due_at = -1; /* it rings once; libcurl sets it anew where it wants to be called again */
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        while ((message = curl_multi_info_read(multi, &left)) != NULL) {
            struct call *call = NULL;
            CURL *easy = message->easy_handle;
            CURLcode result = message->data.result;

            curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
            call_check(call, result);
            curl_multi_remove_handle(multi, easy);
            if (++done == warm)
                before = cpu_microseconds();
            if (begun < warm + count) {
                call_prepare(call, argv[1], argv[2], begun++);
                curl_multi_add_handle(multi, easy);
            }
        }
    }
    report(before, count);
    return 0;
}
