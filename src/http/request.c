/* The bytes of one HTTP request, whose holders are counted. Must not know libcurl or Lua. */
#include "http/request.h"

#include <stdlib.h>
#include <string.h>

#include "wire/secret.h"
#include "wire/url.h"

struct oh_request *oh_request_new(size_t most_body)
{
    struct oh_request *request = calloc(1, sizeof *request);

    if (request != NULL) {
        request->holders = 1;
        oh_buffer_init(&request->path, OH_URL_LONGEST_PART);
        oh_buffer_init(&request->query, OH_URL_LONGEST_PART);
        oh_buffer_init(&request->body, most_body);
    }
    return request;
}

struct oh_request *oh_request_hold(struct oh_request *request)
{
    request->holders++;
    return request;
}

void oh_request_release(struct oh_request *request)
{
    if (request == NULL || --request->holders > 0)
        return;
    oh_buffer_free(&request->path);
    oh_buffer_free(&request->query);
    oh_buffer_free(&request->body);
    oh_secret_free(request->session_api_key);
    free(request);
}

struct oh_request *oh_request_recycle(struct oh_request *request, size_t keep)
{
    if (request == NULL || request->holders > 1) {
        oh_request_release(request);
        return NULL;
    }
    oh_buffer_clear(&request->path, keep);
    oh_buffer_clear(&request->query, keep);
    oh_buffer_clear(&request->body, 0);
    oh_secret_free(request->session_api_key);
    request->session_api_key = NULL;
    request->has_body = false;
    request->content_type[0] = '\0';
    return request;
}

void oh_request_set_type(struct oh_request *request, const char *content_type)
{
    size_t length = strlen(content_type);

    if (length >= sizeof request->content_type)
        length = 0;
    memcpy(request->content_type, content_type, length);
    request->content_type[length] = '\0';
}
