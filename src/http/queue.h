/* A queue of exchanges, linked through themselves: an exchange is in one queue at a time, which owns it. */
#ifndef OH_QUEUE_H
#define OH_QUEUE_H

#include <stdint.h>

#include "http/exchange.h"

struct oh_queue {
    struct oh_exchange *first, *last;
};

void oh_queue_push(struct oh_queue *queue, struct oh_exchange *exchange);
void oh_queue_remove(struct oh_queue *queue, struct oh_exchange *exchange);
/* NULL if no exchange in it has the number. */
struct oh_exchange *oh_queue_find(const struct oh_queue *queue, uint64_t number);
/* Frees every exchange in it. */
void oh_queue_free(struct oh_queue *queue);

#endif
