/* The server that a client talks to. Must not know Lua. */
#include "http/origin.h"

#include <curl/curl.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "os/buffer.h"
#include "os/wipe.h"
#include "wire/ascii.h"
#include "wire/headers.h"
#include "wire/secret.h"
#include "wire/url.h"

/* Returns one part of the URL, NULL if it is absent. The caller frees it with curl_free. */
static char *part(CURLU *url, CURLUPart which)
{
    char *text = NULL;

    return curl_url_get(url, which, &text, 0) == CURLUE_OK ? text : NULL;
}

static bool has_part(CURLU *url, CURLUPart which)
{
    char *text = part(url, which);
    bool there = text != NULL;

    curl_free(text);
    return there;
}

/* Sets `prefix`, with each byte encoded that a request line cannot hold; libcurl has refused spaces and control
   characters already. */
static bool keep_prefix(struct oh_origin *origin, const char *path, size_t length)
{
    struct oh_buffer encoded;
    bool kept;
    size_t i;

    oh_buffer_init(&encoded, 3 * OH_ORIGIN_LONGEST);
    for (kept = true, i = 0; i < length && kept; i++)
        kept = (path[i] > ' ' && path[i] < '\177' ? oh_buffer_append(&encoded, path + i, 1)
                                                  : oh_url_encode(&encoded, path + i, 1)) == OH_BUFFER_OK;
    kept = kept && oh_secret_keep(&origin->prefix, encoded.length > 0 ? encoded.data : "", encoded.length);
    oh_buffer_free(&encoded);
    return kept;
}

/* Sets `text`: scheme://host[:port] as libcurl spells it, then the prefix. */
static bool keep_text(struct oh_origin *origin)
{
    char *bare;
    bool kept = false;

    if (curl_url_set(origin->url, CURLUPART_PATH, NULL, 0) != CURLUE_OK)
        return false;
    bare = part(origin->url, CURLUPART_URL); /* libcurl gives the empty path a slash */
    if (bare != NULL) {
        size_t length = strlen(bare), extra = strlen(origin->prefix);
        while (length > 0 && bare[length - 1] == '/')
            length--;
        origin->text = malloc(length + extra + 1);
        if (origin->text != NULL) {
            memcpy(origin->text, bare, length);
            memcpy(origin->text + length, origin->prefix, extra + 1);
            kept = true;
        }
    }
    curl_free(bare);
    return kept;
}

/* If libcurl's directory of certificates has OpenSSL's hash links, notes the directory and libcurl's bundle file. The
   directory needs no loading; the bundle takes 20 ms to parse, so it is used only for authorities that the directory
   lacks. False: out of memory. */
static bool find_ca_directory(struct oh_origin *origin)
{
    const curl_version_info_data *build = curl_version_info(CURLVERSION_NOW);
    struct dirent *entry;
    bool hashed = false, kept = true;
    DIR *directory;

    if (build->age < CURLVERSION_SEVENTH || build->capath == NULL || build->ssl_version == NULL ||
        strncmp(build->ssl_version, "OpenSSL", 7) != 0)
        return true;
    directory = opendir(build->capath);
    if (directory == NULL)
        return true;
    while (!hashed && (entry = readdir(directory)) != NULL)
        hashed = strlen(entry->d_name) == 10 && strspn(entry->d_name, "0123456789abcdef") == 8 &&
                 strcmp(entry->d_name + 8, ".0") == 0;
    closedir(directory);
    if (hashed)
        kept = oh_secret_keep(&origin->ca_directory, build->capath, strlen(build->capath)) &&
               (build->cainfo == NULL || oh_secret_keep(&origin->ca_bundle, build->cainfo, strlen(build->cainfo)));
    return kept;
}

const char oh_origin_no_memory[] = "out of memory";

static const char *problem_of(struct oh_origin *origin, const char *scheme, const char *host)
{
    if (scheme == NULL || host == NULL || host[0] == '\0')
        return "is not a URL with a host";
    if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
        return "must begin with https://";
    if (strcmp(scheme, "http") == 0 && oh_address_scope_of_host(host) != OH_SCOPE_LOOPBACK)
        return "must begin with https:// (plain http would show the API key to the network; only loopback may use it)";
    if (has_part(origin->url, CURLUPART_USER) || has_part(origin->url, CURLUPART_PASSWORD))
        return "must not carry a user name or password";
    if (has_part(origin->url, CURLUPART_QUERY) || has_part(origin->url, CURLUPART_FRAGMENT))
        return "must not carry a query or fragment";
    return NULL;
}

const char *oh_origin_open(struct oh_origin *origin, const char *base_url)
{
    const char *problem;
    char *scheme, *host, *path;

    if (strlen(base_url) > OH_ORIGIN_LONGEST)
        return "is longer than " OH_DIGITS(OH_ORIGIN_LONGEST) " bytes";
    origin->url = curl_url();
    if (origin->url == NULL)
        return oh_origin_no_memory;
    if (curl_url_set(origin->url, CURLUPART_URL, base_url, 0) != CURLUE_OK)
        return "is not a URL that begins with https://";
    scheme = part(origin->url, CURLUPART_SCHEME);
    host = part(origin->url, CURLUPART_HOST);
    path = part(origin->url, CURLUPART_PATH);
    problem = problem_of(origin, scheme, host);
    if (problem == NULL) {
        size_t length = path != NULL ? strlen(path) : 0;
        while (length > 0 && path[length - 1] == '/')
            length--;
        origin->secure = strcmp(scheme, "https") == 0;
        origin->scope = oh_address_scope_of_host(host);
        origin->seen_scope = OH_SCOPE_UNRESOLVED;
        if (!keep_prefix(origin, path, length) || !keep_text(origin) ||
            (origin->secure && origin->ca_file == NULL && origin->ca_directory == NULL && !find_ca_directory(origin)))
            problem = oh_origin_no_memory;
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(path);
    return problem;
}

const char *oh_origin_environment_proxy(size_t i)
{
    static const char *const variables[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    const char *proxy;

    if (i >= sizeof variables / sizeof variables[0])
        return NULL;
    proxy = getenv(variables[i]);
    return proxy != NULL ? proxy : "";
}

/* Returns whether a proxy whose URL begins with `scheme`, in whatever letters, is or may be used. */
static bool may_use_proxy(const struct oh_origin *origin, const char *scheme)
{
    size_t i, length = strlen(scheme);
    const char *proxy;

    if (!origin->secure) /* plain http never goes through a proxy */
        return false;
    if (origin->proxy != NULL)
        return origin->proxy[0] != '\0' && oh_ascii_same(origin->proxy, scheme, length);
    for (i = 0; (proxy = oh_origin_environment_proxy(i)) != NULL; i++)
        if (proxy[0] != '\0' && oh_ascii_same(proxy, scheme, length))
            return true;
    return false;
}

bool oh_origin_is_proxied(const struct oh_origin *origin)
{
    return may_use_proxy(origin, "");
}

bool oh_origin_has_secure_proxy(const struct oh_origin *origin)
{
    return may_use_proxy(origin, "https:");
}

enum oh_address_scope oh_origin_scope(const struct oh_origin *origin)
{
    enum oh_address_scope scope = origin->scope != OH_SCOPE_UNRESOLVED ? origin->scope : origin->seen_scope;

    return scope != OH_SCOPE_UNRESOLVED ? scope : OH_SCOPE_PUBLIC;
}

void oh_origin_note_scope(struct oh_origin *origin, enum oh_address_scope scope)
{
    if (!oh_origin_is_proxied(origin) && (origin->seen_scope == OH_SCOPE_UNRESOLVED || scope < origin->seen_scope))
        origin->seen_scope = scope;
}

static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
    size_t name_length = strlen(name), size = name_length + strlen(value) + 1;
    struct curl_slist *longer;
    char *line = malloc(size);

    if (line == NULL)
        return false;
    memcpy(line, name, name_length);
    memcpy(line + name_length, value, size - name_length);
    longer = curl_slist_append(*list, line);
    oh_wipe(line, size);
    free(line);
    if (longer != NULL)
        *list = longer;
    return longer != NULL;
}

static bool add_if_given(struct curl_slist **list, const char *name, const char *value)
{
    return value == NULL || value[0] == '\0' || add_header(list, name, value);
}

struct curl_slist *oh_origin_headers(const struct oh_origin *origin, const struct oh_credentials *credentials,
                                     const char *accept, const char *content_type, bool compressed)
{
    struct curl_slist *list = NULL;

    if (add_header(&list, OH_HEADER_ACCEPT, accept) &&
        add_if_given(&list, OH_HEADER_API_KEY, credentials->api_key) &&
        add_if_given(&list, OH_HEADER_SESSION_API_KEY, credentials->session_api_key) &&
        add_if_given(&list, OH_HEADER_ORGANIZATION, credentials->organization) &&
        add_if_given(&list, OH_HEADER_USER_AGENT, origin->user_agent) &&
        (compressed || add_header(&list, OH_HEADER_NO_ACCEPT_ENCODING, "")) &&
        (content_type == NULL ||
         (add_header(&list, content_type[0] != '\0' ? OH_HEADER_CONTENT_TYPE : OH_HEADER_NO_CONTENT_TYPE,
                     content_type) &&
          add_header(&list, OH_HEADER_NO_EXPECT, ""))))
        return list;
    oh_origin_free_headers(list);
    return NULL;
}

void oh_origin_free_headers(struct curl_slist *headers)
{
    struct curl_slist *line;

    for (line = headers; line != NULL; line = line->next)
        oh_wipe(line->data, strlen(line->data));
    curl_slist_free_all(headers);
}

struct curl_slist *oh_origin_shared_headers(struct oh_origin *origin, enum oh_headers_of kind)
{
    struct oh_credentials own = {origin->api_key, origin->session_api_key, origin->organization};
    struct curl_slist **headers = &origin->headers[kind];

    if (*headers == NULL)
        *headers = oh_origin_headers(origin, &own, OH_ACCEPT_JSON,
                                     kind == OH_HEADERS_OF_POST ? OH_ACCEPT_JSON : NULL, kind == OH_HEADERS_OF_READ);
    return *headers;
}

const char *oh_origin_proxy_problem(const char *proxy)
{
    static const char *const known[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
    CURLU *url = curl_url();
    char *scheme = NULL;
    bool good = false;
    size_t i;

    if (url == NULL)
        return oh_origin_no_memory;
    if (curl_url_set(url, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME | CURLU_DEFAULT_SCHEME) == CURLUE_OK ||
        curl_url_set(url, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME) == CURLUE_OK)
        scheme = part(url, CURLUPART_SCHEME);
    for (i = 0; i < sizeof known / sizeof known[0] && !good; i++)
        good = scheme != NULL && (strcmp(scheme, known[i]) == 0 || strstr(proxy, "://") == NULL);
    curl_free(scheme);
    curl_url_cleanup(url);
    return good ? NULL : "is not the URL of an http, https, socks4 or socks5 proxy";
}

static bool copy_text(char **slot, const char *text)
{
    return text == NULL || oh_secret_keep(slot, text, strlen(text));
}

struct oh_origin *oh_origin_new_sibling(const struct oh_origin *origin)
{
    struct oh_origin *other = calloc(1, sizeof *other);

    if (other != NULL && copy_text(&other->user_agent, origin->user_agent) &&
        copy_text(&other->ca_file, origin->ca_file) &&
        copy_text(&other->ca_directory, origin->ca_directory) && copy_text(&other->ca_bundle, origin->ca_bundle) &&
        copy_text(&other->proxy, origin->proxy)) {
        other->prefers_bundle = origin->prefers_bundle;
        return other;
    }
    oh_origin_free(other);
    return NULL;
}

void oh_origin_close(struct oh_origin *origin)
{
    size_t i;

    for (i = 0; i < OH_HEADERS_KINDS; i++)
        oh_origin_free_headers(origin->headers[i]);
    curl_url_cleanup(origin->url);
    oh_secret_free(origin->text);
    oh_secret_free(origin->prefix);
    oh_secret_free(origin->api_key);
    oh_secret_free(origin->session_api_key);
    oh_secret_free(origin->organization);
    oh_secret_free(origin->user_agent);
    oh_secret_free(origin->ca_file);
    oh_secret_free(origin->ca_directory);
    oh_secret_free(origin->ca_bundle);
    oh_secret_free(origin->proxy);
    memset(origin, 0, sizeof *origin);
}

void oh_origin_free(struct oh_origin *origin)
{
    if (origin != NULL)
        oh_origin_close(origin);
    free(origin);
}
