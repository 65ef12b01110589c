/* Classifies a response body by its content type and first bytes. Must not know Lua or libcurl. */
#include "wire/response.h"

#include <string.h>

#include "wire/ascii.h"

bool oh_response_is_html(const struct oh_response *response)
{
    return oh_ascii_same(response->content_type, "text/html", 9) ||
           (response->length > 0 && response->body[0] == '<');
}

bool oh_response_is_json(const struct oh_response *response)
{
    const char *type = response->content_type;

    return (oh_ascii_same(type, "application/json", 16) && strchr("; \t", type[16]) != NULL) ||
           strstr(type, "+json") != NULL;
}
