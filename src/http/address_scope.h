/* How far an address reaches, in every spelling, and which ones a service may send us to. Pure C. */
#ifndef OH_ADDRESS_SCOPE_H
#define OH_ADDRESS_SCOPE_H

struct sockaddr;

enum oh_address_scope {
    OH_SCOPE_NAME, /* a name: where it leads is known when it is looked up */
    OH_SCOPE_PUBLIC,
    OH_SCOPE_PRIVATE,  /* a network of somebody's own */
    OH_SCOPE_LINK,     /* link-local: where clouds tell machines their secrets, too */
    OH_SCOPE_LOOPBACK, /* this machine */
    OH_SCOPE_NOWHERE   /* unspecified, multicast, reserved */
};

/* Of the host in a URL: a name, or a number as inet_aton or IPv6 spell it, in brackets or not. */
enum oh_address_scope oh_address_scope_of_host(const char *host);
/* Of a socket's peer. */
enum oh_address_scope oh_address_scope_of_socket(const struct sockaddr *peer);
/* NULL, or why a service of such reach may not name such an address. Nothing is said of names. */
const char *oh_address_scope_objection(enum oh_address_scope service, enum oh_address_scope named);

#endif
