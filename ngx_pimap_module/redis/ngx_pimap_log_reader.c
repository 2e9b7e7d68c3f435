
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the state of a log reader, and the queue of readers that wait for
 * their turn.
 */


#include "ngx_pimap_log_reader.h"


#define NGX_PIMAP_LOG_READER_WINDOW   64        /* reads in flight */
#define NGX_PIMAP_LOG_READER_PAUSE    1000      /* msec after an error */


static void ngx_pimap_log_reader_answered(void *data, redisReply *reply);
static void ngx_pimap_log_reader_back_off(void);
static void ngx_pimap_log_reader_run_handler(ngx_event_t *ev);


static const ngx_pimap_log_reader_ops_t  *ngx_pimap_log_reader_ops;

static ngx_queue_t  ngx_pimap_log_readers;
static ngx_uint_t   ngx_pimap_log_reader_reading;
static ngx_event_t  ngx_pimap_log_reader_event;
static ngx_event_t  ngx_pimap_log_reader_timer;


void
ngx_pimap_log_reader_init_process(ngx_cycle_t *cycle,
    const ngx_pimap_log_reader_ops_t *ops)
{
    ngx_pimap_log_reader_ops = ops;

    ngx_queue_init(&ngx_pimap_log_readers);

    ngx_pimap_timer_init(&ngx_pimap_log_reader_event,
                         ngx_pimap_log_reader_run_handler, cycle->log, 0);

    ngx_pimap_timer_init(&ngx_pimap_log_reader_timer,
                         ngx_pimap_log_reader_run_handler, cycle->log, 1);
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
        ngx_pimap_log_reader_reading--;
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
    ngx_queue_insert_tail(&ngx_pimap_log_readers, &reader->link);

    /* the owner may be incomplete, or the caller walk over devices */

    ngx_post_event(&ngx_pimap_log_reader_event, &ngx_posted_events);
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
ngx_pimap_log_reader_run(void)
{
    ngx_int_t                rc;
    ngx_queue_t             *q;
    ngx_pimap_log_reader_t  *reader;

    if (ngx_pimap_log_reader_timer.timer_set) {
        return;
    }

    while (ngx_pimap_log_reader_reading < NGX_PIMAP_LOG_READER_WINDOW
           && !ngx_queue_empty(&ngx_pimap_log_readers))
    {
        q = ngx_queue_head(&ngx_pimap_log_readers);
        reader = ngx_queue_data(q, ngx_pimap_log_reader_t, link);

        rc = ngx_pimap_log_reader_ops->start(reader,
                                             ngx_pimap_log_reader_answered);

        if (rc == NGX_AGAIN) {
            break;
        }

        if (rc == NGX_BUSY) {
            ngx_pimap_log_reader_back_off();
            break;
        }

        if (rc == NGX_DONE) {
            continue;
        }

        ngx_queue_remove(q);
        reader->state = NGX_PIMAP_LOG_READER_READING;
        reader->repeat = 0;
        ngx_pimap_log_reader_reading++;
    }
}


static void
ngx_pimap_log_reader_answered(void *data, redisReply *reply)
{
    ngx_pimap_log_reader_t  *reader = data;

    reader->state = NGX_PIMAP_LOG_READER_IDLE;
    ngx_pimap_log_reader_reading--;

    if (ngx_pimap_log_reader_ops->done(reader, reply) == NGX_BUSY) {
        ngx_pimap_log_reader_back_off();
    }

    ngx_pimap_log_reader_run();
}


static void
ngx_pimap_log_reader_back_off(void)
{
    if (!ngx_pimap_log_reader_timer.timer_set) {
        ngx_add_timer(&ngx_pimap_log_reader_timer, NGX_PIMAP_LOG_READER_PAUSE);
    }
}


static void
ngx_pimap_log_reader_run_handler(ngx_event_t *ev)
{
    ngx_pimap_log_reader_run();
}


const char *
ngx_pimap_log_reader_text(ngx_pimap_log_reader_t *reader)
{
    static const char  *names[] = {
        "idle", "queued", "reading", "joining", "paused"
    };

    return reader ? names[reader->state] : "live";
}
