# `make help` lists the targets. `make demo` and `make test` install the packages they need (Debian, Ubuntu).
ASKED       := $(LUA)
LUA         := $(or $(LUA),$(shell tools/lua.sh first))
PROBLEM     := $(shell tools/lua.sh problem $(LUA))
$(if $(PROBLEM),$(error $(PROBLEM)))
BUILD_NAME  := $(shell tools/lua.sh build_name $(LUA))
LUA_INCDIR  := $(or $(LUA_INCDIR),$(shell tools/lua.sh incdir $(LUA)))
CURL_CONFIG := $(if $(shell pkg-config --exists libcurl 2>&1 || echo no),curl-config,pkg-config libcurl)
CURL_CFLAGS ?= $(shell $(CURL_CONFIG) --cflags 2>/dev/null)
CURL_LIBS   ?= $(or $(shell $(CURL_CONFIG) --libs 2>/dev/null),-lcurl)
PREFIX      ?= /usr/local
CFLAGS      ?= -O2 -g
BUILD       ?= build/$(BUILD_NAME)
VERSION     := $(BUILD_NAME:lua%=%)
VERSION     := $(VERSION:jit=5.1)

MODULE   := $(BUILD)/openhands/core.so
OBJECTS  := $(patsubst src/%.c,$(BUILD)/%.o,$(wildcard src/*.c src/*/*.c))
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wwrite-strings -Wvla $(if $(WERROR),-Werror)
FLAGS    := -std=gnu99 $(WARNINGS) -fPIC -fvisibility=hidden -Isrc -I$(LUA_INCDIR) $(CURL_CFLAGS) -MMD -MP
# nodelete: when a Lua state closes, a thread of libcurl may still be resolving a host name
SHARED   := $(if $(filter Darwin,$(shell uname)),-bundle -undefined dynamic_lookup,-shared -Wl,-z,nodelete)
LIBS     := $(CURL_LIBS) -lm -ldl -lpthread
COMMAND  := $(CC) $(FLAGS) $(CFLAGS) $(SHARED) $(LDFLAGS) $(LIBS)
SETUP    := CC='$(CC)' CURL_CFLAGS='$(CURL_CFLAGS)' tools/setup.sh

quoted = '$(subst ','\'',$(1))'

## make                 builds the C module for the first Lua found; LUA=luajit for another (Neovim uses LuaJIT)
all: $(MODULE)

$(MODULE): $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(SHARED) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(CFLAGS) -c -o $@ $<

# Rewritten only when a flag changes, so that all objects are rebuilt then; checks that the headers are installed.
$(BUILD)/flags: always
	@echo '$(COMMAND)' | cmp -s - $@ || { LUA_INCDIR='$(LUA_INCDIR)' $(SETUP) --check build $(LUA) && \
	mkdir -p $(@D) && echo '$(COMMAND)' >$@; }

# Where this checkout has the library.
HERE       := $(if $(filter /%,$(BUILD)),,$(CURDIR)/)$(BUILD)
LUA_PATHS  := $(call quoted,$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;)
LUA_CPATHS := $(call quoted,$(HERE)/?.so;;)
WITH_LUA   := $(call quoted,$(if $(findstring /,$(LUA)),$(abspath $(LUA)),$(LUA)))

# Runs the command with the interpreter that the module is built for, whatever `lua` is.
$(BUILD)/bin/openhands-lua: always
	@mkdir -p $(@D)
	@printf '%s\n' '#!/bin/sh' $(call quoted,exec $(WITH_LUA) $(call quoted,$(CURDIR)/bin/openhands-lua) "$$@") >$@
	@chmod +x $@

$(BUILD)/man/man1/openhands-lua.1: doc/openhands-lua.1
	@mkdir -p $(@D)
	@cp $< $@

## make env             prints the shell variables to use this checkout without installing: eval "$(make -s env)"
# An empty part of MANPATH, here at its end, stands for the places that man knows by itself.
env: $(MODULE) $(BUILD)/bin/openhands-lua $(BUILD)/man/man1/openhands-lua.1
	@: $(info export PATH=$(call quoted,$(HERE)/bin):"$$PATH")
	@: $(info export MANPATH=$(call quoted,$(HERE)/man):"$${MANPATH-}")
	@: $(info export LUA_PATH=$(LUA_PATHS))
	@: $(info export LUA_CPATH=$(LUA_CPATHS))

## make demo            runs the first example, on the simulator unless a variable gives an API key
# The line that runs the program must not name MAKE: `make -n` runs such lines, too.
demo:
	@$(SETUP) demo $(LUA)
	@$(MAKE) -s LUA=$(LUA) all
	@LUA_PATH=$(LUA_PATHS) LUA_CPATH=$(LUA_CPATHS) $(LUA) examples/first_conversation.lua

## make test            runs all specs on every installed Lua; SPEC='FILE ...' selects specs, LUA=lua5.4 one Lua
## make asan            the same under AddressSanitizer and UBSan; without LUA on Lua 5.4, 5.1 and LuaJIT
## make valgrind        the same under valgrind, on the same three
test asan valgrind:
	@MAKE='$(MAKE)' tools/test.sh $(@:test=plain) $(ASKED)

## make lint            runs the static checks, those of `make types` included where the checker is installed
## make types           checks the type annotations; builds the checker with cargo if it is missing
## make prism           validates every request against the published OpenAPI documents
## make real            runs the library against real servers from PyPI; needs Python 3.12
## make oom             fails each allocation once, under AddressSanitizer
## make tsan            runs thousands of Lua states in eight threads, under ThreadSanitizer
## make bench           compares what calls cost with other clients and with plain libcurl; writes bench/RESULTS.md
## make bench-check     counts the instructions of calls, and compares them with bench/baseline.json
## make measure         measures how long calls hold up their host, and what waiting costs
## make rock            builds and installs the rock in a temporary tree
## make pictures        makes the pictures of the pages from runs on the simulator; needs Chromium
## make release         tags the version of src/lua/version.h; writes its rockspec and changelog section
## make portable        checks on Linux what macOS, BSD and older releases of libcurl need
lint prism oom bench rock tsan measure types real release portable pictures:
	@MAKE='$(MAKE)' tools/$@.sh $(ASKED)

bench-check:
	@MAKE='$(MAKE)' tools/bench_check.sh $(ASKED)

## make fuzz            answers every call with mutated responses; SECONDS=600 for longer, SEED=n to start at a case
fuzz:
	@MAKE='$(MAKE)' FUZZ_SECONDS='$(SECONDS)' SEED='$(SEED)' tools/fuzz.sh $(ASKED)

## make soak            runs the specs that take minutes; without LUA on Lua 5.4 and LuaJIT
soak:
	@MAKE='$(MAKE)' SPEC='spec/soak/events.lua spec/soak/waiting.lua' tools/test.sh plain $(or $(ASKED),lua5.4 luajit)

## make fleet-schedules runs a fleet under ten thousand schedules of random faults; SEED=n to start at one
fleet-schedules:
	@MAKE='$(MAKE)' LIMIT=14400 SCHEDULES='$(or $(SCHEDULES),10000)' SEED='$(SEED)' \
	SPEC=spec/fleet/schedules_spec.lua tools/test.sh plain $(or $(ASKED),lua5.4)

## make fleet-torture   kills a fleet's process at each system call and at each step; STEP=n: at every n-th only
fleet-torture:
	@MAKE='$(MAKE)' STEP='$(STEP)' LIMIT=7200 SPEC=spec/fleet/torture.lua tools/test.sh plain $(or $(ASKED),lua5.4)

## make fleet-faults    a full disk, and one error, at each write of a fleet's ledger; STEP=n: at every n-th only
fleet-faults:
	@MAKE='$(MAKE)' STEP='$(or $(STEP),1)' LIMIT=7200 SPEC="spec/fleet/ledger_files_spec.lua spec/fleet/write_faults_spec.lua" \
	tools/test.sh plain $(or $(ASKED),lua5.4)

## make fleet-workers   kills and stops eight workers on one PostgreSQL while they run two thousand items; RUNS=n for fewer
fleet-workers:
	@MAKE='$(MAKE)' RUNS='$(RUNS)' LIMIT=7200 SPEC="spec/fleet/many_workers.lua spec/fleet/large_queue.lua" tools/test.sh plain $(or $(ASKED),lua5.4)

## make hostile         answers with bombs and floods; prints CPU time, longest hold and peak memory of each call
hostile:
	@MAKE='$(MAKE)' SPEC=spec/hostile/bombs.lua tools/test.sh plain $(or $(ASKED),lua5.4 luajit)

## make differential    decodes a million JSON texts with the core and with lua-cjson, and compares
differential:
	@MAKE='$(MAKE)' DOCUMENTS=1000000 SPEC=spec/core/json_differential_spec.lua tools/test.sh plain $(or $(ASKED),lua5.4 luajit)

## make install         installs below PREFIX (/usr/local) and DESTDIR
## make uninstall       removes what `make install` installed
install: $(MODULE)
install uninstall:
	@LUA='$(LUA)' VERSION='$(VERSION)' MODULE='$(MODULE)' DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' LUADIR='$(LUADIR)' \
	CLUADIR='$(CLUADIR)' DOCDIR='$(DOCDIR)' tools/install.sh $@

## make deb             builds the Debian package below build/deb, and tries it in a root of its own
## make doc             writes the reference of the API below build/doc, with LDoc
deb doc:
	@MAKE='$(MAKE)' tools/$@.sh $(ASKED)

help:
	@sed -n 's/^## //p' Makefile

## make reference       generates doc/operations.md, types/operations.lua and the manual page doc/openhands-lua.1
reference: $(MODULE)
	@eval "$$($(MAKE) -s LUA=$(LUA) env)" && \
	$(LUA) tools/reference.lua table >doc/operations.md && \
	$(LUA) tools/reference.lua types >lua/openhands/types/operations.lua && \
	$(LUA) tools/manual.lua >doc/openhands-lua.1

## make clean           removes build/
clean:
	rm -rf build

.PHONY: always all env demo test asan valgrind lint prism oom bench bench-check rock tsan measure types real release portable pictures fuzz soak fleet-schedules fleet-torture fleet-faults fleet-workers hostile differential install uninstall deb doc help reference clean
-include $(OBJECTS:.o=.d)
