/* Queues of exchanges. Must not know Lua. */
#include "http/exchange_queue.h"

void oh_queue_push(struct oh_queue *queue, struct oh_exchange *exchange)
{
    exchange->next = NULL;
    exchange->previous = queue->last;
    if (queue->last != NULL)
        queue->last->next = exchange;
    else
        queue->first = exchange;
    queue->last = exchange;
}

void oh_queue_unlink(struct oh_queue *queue, struct oh_exchange *exchange)
{
    if (exchange->previous != NULL)
        exchange->previous->next = exchange->next;
    else
        queue->first = exchange->next;
    if (exchange->next != NULL)
        exchange->next->previous = exchange->previous;
    else
        queue->last = exchange->previous;
    exchange->previous = exchange->next = NULL;
}

struct oh_exchange *oh_queue_find(const struct oh_queue *queue, uint64_t number)
{
    struct oh_exchange *exchange = queue->first;

    while (exchange != NULL && exchange->number != number)
        exchange = exchange->next;
    return exchange;
}

void oh_queue_free(struct oh_queue *queue)
{
    struct oh_exchange *exchange;

    while ((exchange = queue->first) != NULL) {
        oh_queue_unlink(queue, exchange);
        oh_exchange_free(exchange);
    }
}
