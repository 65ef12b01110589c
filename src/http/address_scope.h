/* Determines the scope of an address (loopback, link-local, private, public), in any spelling, and whether a service
   may name the address, that is, send the client to it. Must not know Lua or libcurl. */
#ifndef OH_ADDRESS_SCOPE_H
#define OH_ADDRESS_SCOPE_H

struct sockaddr;

enum oh_address_scope {
    OH_SCOPE_UNRESOLVED, /* a host name: its address is known only after a lookup */
    OH_SCOPE_PUBLIC,
    OH_SCOPE_PRIVATE,  /* a private network */
    OH_SCOPE_LINK,     /* link-local: cloud providers serve the credentials of a machine there */
    OH_SCOPE_LOOPBACK, /* this machine */
    OH_SCOPE_RESERVED  /* unspecified, multicast, reserved */
};

/* Returns the scope of the host in a URL: a name, an IPv4 address in any form that inet_aton accepts, or an IPv6
   address with or without brackets. */
enum oh_address_scope oh_address_scope_of_host(const char *host);
/* Returns the scope of a socket's peer. */
enum oh_address_scope oh_address_scope_of_socket(const struct sockaddr *peer);
/* Returns why a service with an address of scope `service` may not name one of scope `named`; NULL if it may. Of the
   host names, it refuses at most localhost and its subdomains: for the others, exchange_attempt.c checks the addresses
   that they resolve to. */
const char *oh_address_scope_objection(enum oh_address_scope service, enum oh_address_scope named);

#endif
