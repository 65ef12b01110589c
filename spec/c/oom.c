/*
 * Runs each Lua scenario repeatedly, and makes a later allocation fail each time, until a run ends before the failure.
 * No run may crash, leak or raise an error that does not name memory, and the next call must work.
 *
 *   oom SCENARIOS.lua
 *
 * The file returns functions: `prepare()`, which is called first and must not fail, and one for each scenario.
 * Every run is a process of its own, so that a crash is one line of the report. The allocations that fail are those of
 * Lua (its allocator is defined here) or those of the core (it is linked with --wrap=malloc and so on), not those of
 * libcurl. Lua collects garbage and tries again, which hides a single failure: therefore other runs make two
 * allocations in a row fail, or all from then on. Freeing and shrinking never fail.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <sanitizer/lsan_interface.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum source { LUA_MEMORY, CORE_MEMORY, SOURCES };
enum mode { ONCE, TWICE, FROM_THEN_ON, MODES };

static const char *const source_names[] = { "Lua's memory", "the core's memory" };
static const char *const mode_names[] = { "once", "twice", "from then on" };

enum { PASSED, NOT_REACHED = 10, NO_SCENARIO, FAILED };
#define TIME_LIMIT 60     /* seconds after which a run counts as hanging */
#define AT_A_TIME 4       /* runs at a time */
#define MOST_FAILURES 100 /* enough to read */

static struct {
    bool armed, reached;
    enum source source;
    enum mode mode;
    long at, count;
} fault;

static int scenario; /* index among the scenarios of the file */

static bool fails(enum source source)
{
    if (!fault.armed || source != fault.source)
        return false;
    fault.count++;
    if (fault.count < fault.at)
        return false;
    fault.reached = true;
    return fault.mode == FROM_THEN_ON || fault.count <= fault.at + (long)fault.mode;
}

static void *lua_memory(void *nothing, void *block, size_t old_size, size_t size)
{
    (void)nothing;
    if (size == 0) {
        free(block);
        return NULL;
    }
    if ((block == NULL || size > old_size) && fails(LUA_MEMORY))
        return NULL;
    return realloc(block, size);
}

/* Called by the core instead of malloc and so on. */
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size) { return fails(CORE_MEMORY) ? NULL : malloc(size); }
void *__wrap_calloc(size_t count, size_t size) { return fails(CORE_MEMORY) ? NULL : calloc(count, size); }
void *__wrap_realloc(void *block, size_t size) { return fails(CORE_MEMORY) ? NULL : realloc(block, size); }
char *__wrap_strdup(const char *text) { return fails(CORE_MEMORY) ? NULL : strdup(text); }

/* Keeps modules loaded: Lua unloads them when it closes, and the leak report, which is made later, could not name their
   functions. */
int dlclose(void *handle);
int dlclose(void *handle)
{
    (void)handle;
    return 0;
}

static lua_State *new_state(void)
{
#if LUA_VERSION_NUM >= 505
    return lua_newstate(lua_memory, NULL, 0);
#else
    return lua_newstate(lua_memory, NULL);
#endif
}

static int complain(lua_State *L, const char *what)
{
    const char *message = lua_tostring(L, -1);
    fprintf(stderr, "  %s: %s\n", what, message != NULL ? message : "(no text)");
    return FAILED;
}

static int run(lua_State *L, const char *file)
{
    int status;

    luaL_openlibs(L);
    if (luaL_loadfile(L, file) != 0 || lua_pcall(L, 0, LUA_MULTRET, 0) != 0)
        return complain(L, "loading");
    if (lua_gettop(L) <= scenario)
        return NO_SCENARIO;
    lua_pushvalue(L, 1);
    if (lua_pcall(L, 0, 0, 0) != 0)
        return complain(L, "prepare()");
    lua_pushvalue(L, scenario + 1);
    lua_gc(L, LUA_GCCOLLECT, 0);

    lua_pushvalue(L, -1);
    fault.armed = true;
    status = lua_pcall(L, 0, 0, 0);
    fault.armed = false;
    if (status != 0) {
        const char *message = lua_tostring(L, -1);
        if (!fault.reached || message == NULL || strstr(message, "memory") == NULL)
            return complain(L, "scenario()");
        lua_pop(L, 1);
    }
    if (!fault.reached)
        return NOT_REACHED;

    lua_pushvalue(L, -1);
    if (lua_pcall(L, 0, 0, 0) != 0)
        return complain(L, "scenario() again, with memory");
    return PASSED;
}

/* Does one run in this child process, and checks that it leaks nothing. */
static int run_once(const char *file)
{
    lua_State *L = new_state();
    int result;

    if (L == NULL)
        return FAILED;
    (void)alarm(TIME_LIMIT);
    result = run(L, file);
    lua_close(L);
    if (__lsan_do_recoverable_leak_check() != 0)
        result = FAILED;
    return result;
}

static int result_of(pid_t child)
{
    int status;

    if (waitpid(child, &status, 0) != child)
        return FAILED;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    fprintf(stderr, "  killed by signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
    return FAILED;
}

/* Makes each allocation of one source fail in one mode, several runs at a time; false if there is no such scenario. */
static bool sweep(const char *file, long *passed, long *failed)
{
    long first = 1, points = 0;
    bool to_the_end = false, there_is_one = true;

    while (!to_the_end && *failed < MOST_FAILURES) {
        pid_t children[AT_A_TIME];
        long i;
        for (i = 0; i < AT_A_TIME; i++) {
            fault.at = first + i;
            children[i] = fork();
            if (children[i] == 0)
                _exit(run_once(file));
        }
        for (i = 0; i < AT_A_TIME; i++) {
            int result = result_of(children[i]);
            if (result == NOT_REACHED || result == NO_SCENARIO) {
                to_the_end = true;
                there_is_one = there_is_one && result != NO_SCENARIO;
                continue;
            }
            points++;
            *(result == PASSED ? passed : failed) += 1;
            if (result != PASSED)
                fprintf(stderr, "FAIL  scenario %d, allocation %ld of %s, %s\n", scenario, first + i,
                        source_names[fault.source], mode_names[fault.mode]);
        }
        first += AT_A_TIME;
    }
    if (there_is_one)
        printf("scenario %d, %s fails %s: %ld points\n", scenario, source_names[fault.source], mode_names[fault.mode],
               points);
    fflush(stdout);
    return there_is_one;
}

/* Sweeps one scenario with each source and mode; false if there is no such scenario. */
static bool sweep_all(const char *file, long *passed, long *failed)
{
    int source, mode;

    for (source = 0; source < SOURCES; source++) {
        for (mode = 0; mode < MODES; mode++) {
            fault.source = (enum source)source;
            fault.mode = (enum mode)mode;
            if (!sweep(file, passed, failed))
                return false;
        }
    }
    return true;
}

int main(int count, char **arguments)
{
    long passed = 0, failed = 0;

    if (count != 2) {
        fprintf(stderr, "usage: oom SCENARIOS.lua\n");
        return 2;
    }
    for (scenario = 1; sweep_all(arguments[1], &passed, &failed); scenario++)
        continue;
    if (scenario == 1)
        failed++; /* nothing ran */
    printf("%ld passed, %ld failed\n", passed, failed);
    return failed != 0;
}
