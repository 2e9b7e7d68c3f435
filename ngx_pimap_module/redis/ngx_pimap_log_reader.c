
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the state of a log reader, and the queues of readers that wait for
 * their turn, one for each node: a node that is away keeps no other waiting.
 */


#include "ngx_pimap_log_reader.h"
#include "ngx_pimap_subscriber.h"


#define NGX_PIMAP_LOG_READER_WINDOW   64        /* reads in flight */
#define NGX_PIMAP_LOG_READER_PAUSE    1000      /* msec after an error */


static void ngx_pimap_log_reader_answered(void *data, redisReply *reply);
static void ngx_pimap_log_reader_insert(ngx_pimap_log_reader_t *reader);
static ngx_pimap_node_t *ngx_pimap_log_reader_node(
    ngx_pimap_log_reader_t *reader);
static void ngx_pimap_log_reader_back_off(ngx_pimap_node_t *node);
static void ngx_pimap_log_reader_event_handler(ngx_event_t *ev);
static void ngx_pimap_log_reader_timer_handler(ngx_event_t *ev);


static const ngx_pimap_log_reader_ops_t  *ngx_pimap_log_reader_ops;

static ngx_queue_t  ngx_pimap_log_reader_homeless;  /* no node has the slot */


void
ngx_pimap_log_reader_init_process(const ngx_pimap_log_reader_ops_t *ops)
{
    ngx_pimap_log_reader_ops = ops;

    ngx_queue_init(&ngx_pimap_log_reader_homeless);
}


void
ngx_pimap_log_reader_created(ngx_pimap_node_t *node)
{
    ngx_queue_init(&node->readers.queue);

    ngx_pimap_timer_init(&node->readers.event,
                         ngx_pimap_log_reader_event_handler, ngx_cycle->log,
                         0);

    ngx_pimap_timer_init(&node->readers.timer,
                         ngx_pimap_log_reader_timer_handler, ngx_cycle->log,
                         1);
}


void
ngx_pimap_log_reader_destroyed(ngx_pimap_node_t *node)
{
    if (node->readers.timer.timer_set) {
        ngx_del_timer(&node->readers.timer);
    }

    if (node->readers.event.posted) {
        ngx_delete_posted_event(&node->readers.event);
    }
}


/* Each reader that waits goes to the queue of its slot's node. */

void
ngx_pimap_log_reader_moved(void)
{
    ngx_queue_t        all, *q;
    ngx_pimap_node_t  *node;

    ngx_queue_init(&all);

    ngx_queue_add(&all, &ngx_pimap_log_reader_homeless);
    ngx_queue_init(&ngx_pimap_log_reader_homeless);

    for (node = ngx_pimap_node_first();
         node;
         node = ngx_pimap_node_next(node))
    {
        ngx_queue_add(&all, &node->readers.queue);
        ngx_queue_init(&node->readers.queue);
    }

    while (!ngx_queue_empty(&all)) {
        q = ngx_queue_head(&all);
        ngx_queue_remove(q);

        ngx_pimap_log_reader_insert(ngx_queue_data(q, ngx_pimap_log_reader_t,
                                                   link));
    }
}


ngx_pimap_log_reader_t *
ngx_pimap_log_reader_create(ngx_pimap_log_reader_t **owner,
    ngx_pimap_account_t *account, ngx_pimap_device_t *device,
    ngx_pimap_log_reader_ask_t ask, ngx_log_t *log)
{
    ngx_pimap_log_reader_t  *reader;

    reader = ngx_calloc(sizeof(ngx_pimap_log_reader_t), log);
    if (reader == NULL) {
        return NULL;
    }

    reader->owner = owner;
    reader->account = account;
    reader->device = device;
    reader->ask = ask;

    *owner = reader;

    return reader;
}


void
ngx_pimap_log_reader_forget(ngx_pimap_log_reader_t **reader)
{
    if (*reader) {
        ngx_pimap_log_reader_destroy(*reader);
    }
}


void
ngx_pimap_log_reader_destroy(ngx_pimap_log_reader_t *reader)
{
    if (reader->state == NGX_PIMAP_LOG_READER_QUEUED) {
        ngx_queue_remove(&reader->link);
    }

    if (reader->state == NGX_PIMAP_LOG_READER_READING) {
        ngx_pimap_command_forget(reader->command);
        reader->node->readers.reading--;
    }

    *reader->owner = NULL;

    ngx_free(reader);
}


void
ngx_pimap_log_reader_queue(ngx_pimap_log_reader_t *reader)
{
    if (reader->state == NGX_PIMAP_LOG_READER_READING) {
        reader->repeat = 1;
        return;
    }

    if (reader->state == NGX_PIMAP_LOG_READER_QUEUED) {
        return;
    }

    reader->state = NGX_PIMAP_LOG_READER_QUEUED;
    ngx_pimap_log_reader_insert(reader);
}


static void
ngx_pimap_log_reader_insert(ngx_pimap_log_reader_t *reader)
{
    ngx_pimap_node_t  *node;

    node = ngx_pimap_log_reader_node(reader);

    if (node == NULL) {
        ngx_queue_insert_tail(&ngx_pimap_log_reader_homeless, &reader->link);
        return;
    }

    ngx_queue_insert_tail(&node->readers.queue, &reader->link);

    /* the owner may be incomplete, or the caller walk over devices */

    ngx_post_event(&node->readers.event, &ngx_posted_events);
}


static ngx_pimap_node_t *
ngx_pimap_log_reader_node(ngx_pimap_log_reader_t *reader)
{
    ngx_pimap_subscription_t  *sub;

    /* it is the first member of the account */

    sub = (ngx_pimap_subscription_t *) reader->account;

    return ngx_pimap_node_owner(sub->slot);
}


void
ngx_pimap_log_reader_read(ngx_pimap_log_reader_t *reader)
{
    if (reader->state != NGX_PIMAP_LOG_READER_READING) {
        reader->ask = NGX_PIMAP_LOG_READER_PAGE;
    }

    ngx_pimap_log_reader_queue(reader);
}


void
ngx_pimap_log_reader_join(ngx_pimap_log_reader_t *reader)
{
    reader->state = NGX_PIMAP_LOG_READER_JOINING;
}


void
ngx_pimap_log_reader_pause(ngx_pimap_log_reader_t *reader)
{
    if (reader->state == NGX_PIMAP_LOG_READER_QUEUED) {
        ngx_queue_remove(&reader->link);
    }

    reader->state = NGX_PIMAP_LOG_READER_PAUSED;
}


void
ngx_pimap_log_reader_run(ngx_pimap_node_t *node)
{
    ngx_int_t                 rc;
    ngx_queue_t              *q;
    ngx_pimap_log_reader_t   *reader;
    ngx_pimap_node_readers_t *readers;

    readers = &node->readers;

    if (readers->timer.timer_set) {
        return;
    }

    while (readers->reading < NGX_PIMAP_LOG_READER_WINDOW
           && !ngx_queue_empty(&readers->queue))
    {
        q = ngx_queue_head(&readers->queue);
        reader = ngx_queue_data(q, ngx_pimap_log_reader_t, link);

        rc = ngx_pimap_log_reader_ops->start(reader,
                                             ngx_pimap_log_reader_answered);

        if (rc == NGX_AGAIN) {
            break;
        }

        if (rc == NGX_BUSY) {
            ngx_pimap_log_reader_back_off(node);
            break;
        }

        if (rc == NGX_DONE) {
            continue;
        }

        ngx_queue_remove(q);
        reader->state = NGX_PIMAP_LOG_READER_READING;
        reader->repeat = 0;
        reader->node = node;
        readers->reading++;
    }
}


static void
ngx_pimap_log_reader_answered(void *data, redisReply *reply)
{
    ngx_pimap_log_reader_t  *reader = data;

    ngx_pimap_node_t  *node;

    node = reader->node;

    reader->state = NGX_PIMAP_LOG_READER_IDLE;
    node->readers.reading--;

    if (ngx_pimap_log_reader_ops->done(reader, reply) == NGX_BUSY) {
        ngx_pimap_log_reader_back_off(node);
    }

    ngx_pimap_log_reader_run(node);
}


static void
ngx_pimap_log_reader_back_off(ngx_pimap_node_t *node)
{
    if (!node->readers.timer.timer_set) {
        ngx_add_timer(&node->readers.timer, NGX_PIMAP_LOG_READER_PAUSE);
    }
}


static void
ngx_pimap_log_reader_event_handler(ngx_event_t *ev)
{
    ngx_pimap_log_reader_run(ngx_queue_data(ev, ngx_pimap_node_t,
                                            readers.event));
}


static void
ngx_pimap_log_reader_timer_handler(ngx_event_t *ev)
{
    ngx_pimap_log_reader_run(ngx_queue_data(ev, ngx_pimap_node_t,
                                            readers.timer));
}


const char *
ngx_pimap_log_reader_text(ngx_pimap_log_reader_t *reader)
{
    static const char  *names[] = {
        "idle", "queued", "reading", "joining", "paused"
    };

    return reader ? names[reader->state] : "live";
}
