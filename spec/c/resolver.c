/* Resolves names that end in ".names.example" to 127.0.0.1, and no other name. For LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>

int getaddrinfo(const char *restrict node, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict result)
{
    static const char ending[] = ".names.example";
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    size_t size = sizeof ending - 1, length = node != NULL ? strlen(node) : 0;

    *(void **)(&real) = dlsym(RTLD_NEXT, "getaddrinfo");
    if (length > size && strcmp(node + (length - size), ending) == 0)
        return real("127.0.0.1", service, hints, result);
    return node != NULL && strspn(node, "0123456789.:abcdef") == length ? real(node, service, hints, result)
                                                                        : EAI_NONAME;
}
