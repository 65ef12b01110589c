/* Determines the scope of an address, in any spelling. Must not know Lua or libcurl.
   Sources: the special-purpose address registries of IANA (RFC 6890), and the ways to embed IPv4 in IPv6. */
#include "http/address_scope.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "wire/ascii.h"

#define LONGEST_NUMBER 64 /* bytes of a numeric address */

static const struct {
    uint32_t network;
    int bits;
    enum oh_address_scope scope;
} known[] = {
    {0x7f000000, 8, OH_SCOPE_LOOPBACK}, {0x0a000000, 8, OH_SCOPE_PRIVATE},  {0xac100000, 12, OH_SCOPE_PRIVATE},
    {0xc0a80000, 16, OH_SCOPE_PRIVATE}, {0x64400000, 10, OH_SCOPE_PRIVATE}, {0xc6120000, 15, OH_SCOPE_PRIVATE},
    {0xa9fe0000, 16, OH_SCOPE_LINK},    {0xc0000000, 24, OH_SCOPE_RESERVED}, {0x00000000, 8, OH_SCOPE_RESERVED},
    {0xe0000000, 3, OH_SCOPE_RESERVED}, /* multicast and reserved */
};

static enum oh_address_scope of_ipv4(uint32_t address)
{
    size_t i;

    for (i = 0; i < sizeof known / sizeof known[0]; i++)
        if ((address ^ known[i].network) >> (32 - known[i].bits) == 0)
            return known[i].scope;
    return OH_SCOPE_PUBLIC;
}

static uint32_t word(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static enum oh_address_scope of_ipv6(const unsigned char *bytes)
{
    static const unsigned char zero[16], mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff},
                                         translated[12] = {0, 0x64, 0xff, 0x9b};

    if (memcmp(bytes, zero, 15) == 0 && bytes[15] <= 1)
        return bytes[15] == 1 ? OH_SCOPE_LOOPBACK : OH_SCOPE_RESERVED;
    if (memcmp(bytes, mapped, 12) == 0 || memcmp(bytes, translated, 12) == 0 || memcmp(bytes, zero, 12) == 0)
        return of_ipv4(word(bytes + 12));
    if (word(bytes) == 0x0064ff9b && bytes[4] == 0 && bytes[5] == 1)
        return OH_SCOPE_PRIVATE; /* 64:ff9b:1::/48, local translation */
    if (bytes[0] == 0x20 && bytes[1] == 0x02)
        return of_ipv4(word(bytes + 2)); /* 6to4 */
    if (word(bytes) == 0x20010000)
        return of_ipv4(~word(bytes + 12)); /* Teredo */
    if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80)
        return OH_SCOPE_LINK;
    if ((bytes[0] & 0xfe) == 0xfc || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0))
        return OH_SCOPE_PRIVATE;
    return bytes[0] == 0xff ? OH_SCOPE_RESERVED : OH_SCOPE_PUBLIC;
}

/* Reads one number as inet_aton does: decimal, octal after 0, hexadecimal after 0x. Returns the text after
   the number, NULL if there is no number or it does not fit in 32 bits. */
static const char *read_number(const char *text, uint64_t *value)
{
    int base = 10, digit;
    const char *start;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    } else if (text[0] == '0' && text[1] >= '0' && text[1] <= '9') {
        base = 8;
        text++;
    }
    *value = 0;
    for (start = text; (digit = oh_ascii_hex(*text)) >= 0 && digit < base; text++) {
        *value = *value * (unsigned)base + (unsigned)digit;
        if (*value > UINT32_MAX)
            return NULL;
    }
    return text > start ? text : NULL;
}

/* Reads an IPv4 address in any form that getaddrinfo accepts: one to four numbers, the last of which fills the
   remaining bytes. */
static bool parse_ipv4(const char *text, uint32_t *address)
{
    uint64_t value, parts = 0;
    int count = 0;

    while (count < 4) {
        text = read_number(text, &value);
        if (text == NULL)
            return false;
        count++;
        if (text[0] != '.' || text[1] == '\0') /* a dot at the end is allowed */
            break;
        if (value > 255 || count == 4)
            return false;
        parts = parts << 8 | value;
        text++;
    }
    if (text[0] != '\0' && !(text[0] == '.' && text[1] == '\0'))
        return false;
    if (value >> (8 * (5 - count)) != 0)
        return false;
    *address = (uint32_t)(parts << (8 * (5 - count)) | value);
    return true;
}

static bool is_local_name(const char *host, size_t length)
{
    static const char name[] = "localhost";
    size_t size = sizeof name - 1;

    if (length > 0 && host[length - 1] == '.')
        length--;
    return length >= size && oh_ascii_same(host + (length - size), name, size) &&
           (length == size || host[length - size - 1] == '.');
}

enum oh_address_scope oh_address_scope_of_host(const char *host)
{
    char text[LONGEST_NUMBER];
    size_t length = strlen(host);
    struct in6_addr ipv6;
    uint32_t ipv4;

    if (is_local_name(host, length))
        return OH_SCOPE_LOOPBACK;
    if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
        host++;
        length -= 2;
    }
    if (length >= sizeof text)
        return OH_SCOPE_UNRESOLVED;
    memcpy(text, host, length);
    text[length] = '\0';
    text[strcspn(text, "%")] = '\0'; /* drops the zone of an IPv6 address */
    if (inet_pton(AF_INET6, text, &ipv6) == 1)
        return of_ipv6(ipv6.s6_addr);
    return parse_ipv4(text, &ipv4) ? of_ipv4(ipv4) : OH_SCOPE_UNRESOLVED;
}

enum oh_address_scope oh_address_scope_of_socket(const struct sockaddr *peer)
{
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;

    if (peer->sa_family == AF_INET) {
        memcpy(&ipv4, peer, sizeof ipv4);
        return of_ipv4(ntohl(ipv4.sin_addr.s_addr));
    }
    if (peer->sa_family == AF_INET6) {
        memcpy(&ipv6, peer, sizeof ipv6);
        return of_ipv6(ipv6.sin6_addr.s6_addr);
    }
    return OH_SCOPE_RESERVED;
}

const char *oh_address_scope_objection(enum oh_address_scope service, enum oh_address_scope named)
{
    if (named == OH_SCOPE_RESERVED)
        return "is a reserved address, which no host can have";
    if (named == OH_SCOPE_UNRESOLVED || named == OH_SCOPE_PUBLIC || service == OH_SCOPE_LOOPBACK)
        return NULL;
    if (named == OH_SCOPE_LOOPBACK)
        return "is a loopback address, which only a service on the same machine may name";
    if (named == OH_SCOPE_LINK)
        return service == OH_SCOPE_LINK ? NULL
                                        : "is a link-local address, which only a service on the same link may name";
    return service == OH_SCOPE_PRIVATE || service == OH_SCOPE_LINK
               ? NULL
               : "belongs to a private network, which only a service in a private network may name";
}
