/* The scope of an address (loopback, link-local, private, public), in any spelling, and which scopes a service may
   name. Must not know Lua or libcurl. */
#ifndef OH_ADDRESS_SCOPE_H
#define OH_ADDRESS_SCOPE_H

struct sockaddr;

enum oh_address_scope {
    OH_SCOPE_NAME, /* a host name: its address is known only after a lookup */
    OH_SCOPE_PUBLIC,
    OH_SCOPE_PRIVATE,  /* a private network */
    OH_SCOPE_LINK,     /* link-local: clouds serve the secrets of a machine there */
    OH_SCOPE_LOOPBACK, /* this machine */
    OH_SCOPE_NOWHERE   /* unspecified, multicast, reserved */
};

/* Returns the scope of the host in a URL: a name, or an address in any spelling of inet_aton or IPv6, in brackets or
   not. */
enum oh_address_scope oh_address_scope_of_host(const char *host);
/* Returns the scope of a socket's peer. */
enum oh_address_scope oh_address_scope_of_socket(const struct sockaddr *peer);
/* Returns NULL, or why a service in one scope may not name an address in the other. Names are never refused. */
const char *oh_address_scope_objection(enum oh_address_scope service, enum oh_address_scope named);

#endif
