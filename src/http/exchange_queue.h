/* Queues of exchanges: linked lists, which own them. Must not know Lua. */
#ifndef OH_EXCHANGE_QUEUE_H
#define OH_EXCHANGE_QUEUE_H

#include <stdint.h>

#include "http/exchange.h"

struct oh_queue {
    struct oh_exchange *first, *last;
};

/* Adds an exchange, which must be in no queue, as the last one. */
void oh_queue_push(struct oh_queue *queue, struct oh_exchange *exchange);
/* Takes an exchange out of the queue, which must contain it. */
void oh_queue_unlink(struct oh_queue *queue, struct oh_exchange *exchange);
/* Returns the exchange with the number, NULL if it is not in the queue. */
struct oh_exchange *oh_queue_find(const struct oh_queue *queue, uint64_t number);
/* Frees all exchanges of the queue. */
void oh_queue_free(struct oh_queue *queue);

#endif
