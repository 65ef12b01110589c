/* Makes every name lookup take SLOW_DNS_SECONDS and then fail. Like a real lookup it cannot be interrupted. For
   LD_PRELOAD. */
#include <netdb.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

int getaddrinfo(const char *restrict node, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict result)
{
    const char *seconds = getenv("SLOW_DNS_SECONDS");
    struct timespec left = {seconds != NULL ? strtol(seconds, NULL, 10) : 0, 0};

    (void)node;
    (void)service;
    (void)hints;
    *result = NULL;
    while (nanosleep(&left, &left) != 0)
        ;
    return EAI_AGAIN;
}
