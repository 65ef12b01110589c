/* The version of the library, stated only here. `make release` reads it; core.version() and the user agent contain
   it. */
#ifndef OH_VERSION_H
#define OH_VERSION_H

#define OH_VERSION "0.2.0"

#endif
