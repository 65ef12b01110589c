# `make` builds for the Lua it finds, `make LUA=luajit` for another; `make demo` shows it at work;
# `make test` tests it on every Lua there is. These two install what is missing (Debian, Ubuntu).
ASKED       := $(LUA)
LUA         := $(or $(LUA),$(shell tools/lua.sh first))
PROBLEM     := $(shell tools/lua.sh problem $(LUA))
$(if $(PROBLEM),$(error $(PROBLEM)))
FLAVOUR     := $(shell tools/lua.sh flavour $(LUA))
LUA_INCDIR  := $(or $(LUA_INCDIR),$(shell tools/lua.sh incdir $(LUA)))
CURL_CONFIG := $(if $(shell pkg-config --exists libcurl 2>&1 || echo no),curl-config,pkg-config libcurl)
CURL_CFLAGS ?= $(shell $(CURL_CONFIG) --cflags 2>/dev/null)
CURL_LIBS   ?= $(or $(shell $(CURL_CONFIG) --libs 2>/dev/null),-lcurl)
PREFIX      ?= /usr/local
CFLAGS      ?= -O2 -g
BUILD       ?= build/$(FLAVOUR)
VERSION     := $(FLAVOUR:lua%=%)
VERSION     := $(VERSION:jit=5.1)

MODULE   := $(BUILD)/openhands/core.so
OBJECTS  := $(patsubst src/%.c,$(BUILD)/%.o,$(wildcard src/*.c src/*/*.c))
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wwrite-strings -Wvla $(if $(WERROR),-Werror)
FLAGS    := -std=gnu99 $(WARNINGS) -fPIC -fvisibility=hidden -Isrc -I$(LUA_INCDIR) $(CURL_CFLAGS) -MMD -MP
# never unloaded: libcurl may still have a thread that looks up a name when a Lua state closes
SHARED   := $(if $(filter Darwin,$(shell uname)),-bundle -undefined dynamic_lookup,-shared -Wl,-z,nodelete)
LIBS     := $(CURL_LIBS) -lm -ldl -lpthread
COMMAND  := $(CC) $(FLAGS) $(CFLAGS) $(SHARED) $(LDFLAGS) $(LIBS)
SETUP    := CC='$(CC)' CURL_CFLAGS='$(CURL_CFLAGS)' tools/setup.sh

quoted = '$(subst ','\'',$(1))'

## make                 builds the C module for the Lua it finds; make LUA=luajit for another (Neovim's is LuaJIT)
all: $(MODULE)

$(MODULE): $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(SHARED) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(CFLAGS) -c -o $@ $<

# changes when one of the flags does; the moment, too, to see whether the headers are there
$(BUILD)/flags: always
	@echo '$(COMMAND)' | cmp -s - $@ || { LUA_INCDIR='$(LUA_INCDIR)' $(SETUP) --check build $(LUA) && \
	mkdir -p $(@D) && echo '$(COMMAND)' >$@; }

## make env             prints what lets a shell use this checkout without installing: eval "$(make -s env)"
env: $(MODULE)
	@: $(info export LUA_PATH=$(call quoted,$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;))
	@: $(info export LUA_CPATH=$(call quoted,$(CURDIR)/$(BUILD)/?.so;;))

## make demo            runs the first example; on a simulator unless OPENHANDS_API_KEY is set
demo:
	@$(SETUP) demo $(LUA)
	@paths=$$($(MAKE) -s LUA=$(LUA) env) && eval "$$paths" && $(LUA) examples/first_conversation.lua

## make test            runs all specs on every Lua there is; SPEC='FILE ...' some, LUA=lua5.4 on one
## make asan            the same under AddressSanitizer; make valgrind: under valgrind
test asan valgrind:
	@MAKE='$(MAKE)' tools/test.sh $(@:test=plain) $(ASKED)

## make lint            checks the code without running it
## make types           checks the type annotations of the library, the examples and the README
## make prism           holds every request against the service's published documents
## make real            tries the library on servers from PyPI; needs Python 3.12
## make oom             fails each allocation once; make tsan: runs many Lua states in threads
## make bench           compares with a plain libcurl loop; make measure: what a host notices of a call
## make rock            builds and installs the rock in a directory of its own
lint prism oom bench rock tsan measure types real:
	@MAKE='$(MAKE)' tools/$@.sh $(ASKED)

## make fuzz            answers that no service should give, to every call; SECONDS=600 longer, SEED=n from there on
fuzz:
	@MAKE='$(MAKE)' FUZZ_SECONDS='$(SECONDS)' SEED='$(SEED)' tools/fuzz.sh $(ASKED)

## make soak            what takes longer than a test may
soak:
	@MAKE='$(MAKE)' SPEC='spec/soak/events.lua spec/soak/waiting.lua' tools/test.sh plain $(or $(ASKED),lua5.4 luajit)

## make hostile         answers that are meant to cost: how each call ended, CPU, the longest hold, peak memory
hostile:
	@MAKE='$(MAKE)' SPEC=spec/hostile/bombs.lua tools/test.sh plain $(or $(ASKED),lua5.4 luajit)

## make differential    reads a million texts with the core and with lua-cjson
differential:
	@MAKE='$(MAKE)' DOCUMENTS=1000000 SPEC=spec/core/json_differential_spec.lua tools/test.sh plain $(or $(ASKED),lua5.4 luajit)

## make install         installs below PREFIX (/usr/local) and DESTDIR; make uninstall removes it
install: $(MODULE)
	mkdir -p '$(DESTDIR)$(PREFIX)/share/lua/$(VERSION)' '$(DESTDIR)$(PREFIX)/lib/lua/$(VERSION)/openhands'
	cp -R lua/. '$(DESTDIR)$(PREFIX)/share/lua/$(VERSION)/'
	cp $(MODULE) '$(DESTDIR)$(PREFIX)/lib/lua/$(VERSION)/openhands/'

uninstall:
	cd lua && find . -name '*.lua' -exec rm -f '$(DESTDIR)$(PREFIX)/share/lua/$(VERSION)/{}' \;
	find '$(DESTDIR)$(PREFIX)/share/lua/$(VERSION)/openhands' -depth -type d -empty -delete 2>/dev/null || true
	rm -f '$(DESTDIR)$(PREFIX)/lib/lua/$(VERSION)/openhands/core.so'
	rmdir '$(DESTDIR)$(PREFIX)/lib/lua/$(VERSION)/openhands' 2>/dev/null || true

help:
	@sed -n 's/^## //p' Makefile

## make reference       writes what is said of the operations, from the core's own table of them
reference: $(MODULE)
	@eval "$$($(MAKE) -s LUA=$(LUA) env)" && \
	$(LUA) tools/reference.lua table >doc/operations.md && \
	$(LUA) tools/reference.lua types >lua/openhands/types/operations.lua

## make clean           removes what was built
clean:
	rm -rf build

.PHONY: always all env demo test asan valgrind lint prism oom bench rock tsan measure types real fuzz soak hostile differential install uninstall help reference clean
-include $(OBJECTS:.o=.d)
