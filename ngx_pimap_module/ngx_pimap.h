
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The hub: the types that rooms pass to each other by pointer.  What is in
 * them is in the header of the room that owns them.
 */


#ifndef _NGX_PIMAP_H_INCLUDED_
#define _NGX_PIMAP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <ngx_http_ssl_module.h>


#if !(NGX_HTTP_SSL)
#error "ngx_pimap_module requires --with-http_ssl_module"
#endif


typedef struct ngx_pimap_account_s      ngx_pimap_account_t;
typedef struct ngx_pimap_device_s       ngx_pimap_device_t;
typedef struct ngx_pimap_filter_s       ngx_pimap_filter_t;
typedef struct ngx_pimap_loc_conf_s     ngx_pimap_loc_conf_t;
typedef struct ngx_pimap_main_conf_s    ngx_pimap_main_conf_t;
typedef struct ngx_pimap_partial_s      ngx_pimap_partial_t;
typedef struct ngx_pimap_log_reader_s   ngx_pimap_log_reader_t;
typedef struct ngx_pimap_message_s      ngx_pimap_message_t;
typedef struct ngx_pimap_dictionary_s   ngx_pimap_dictionary_t;
typedef struct ngx_pimap_window_s       ngx_pimap_window_t;
typedef struct ngx_pimap_backlog_s      ngx_pimap_backlog_t;


extern ngx_module_t  ngx_pimap_module;


/* Compare two strings, or a string and a literal. */

#define ngx_pimap_equal(a, b)                                                \
    ((a)->len == (b)->len                                                    \
     && ((a)->len == 0 || ngx_memcmp((a)->data, (b)->data, (a)->len) == 0))

#define ngx_pimap_is(s, text)                                                \
    ((s)->len == sizeof(text) - 1                                            \
     && ngx_memcmp((s)->data, text, sizeof(text) - 1) == 0)


/* The number in 16 hexadecimal digits, as "%016xL" of nginx writes it. */

#define NGX_PIMAP_HEX_LEN  16

static ngx_inline ngx_int_t
ngx_pimap_hex(u_char *p, uint64_t *number)
{
    ngx_int_t   digit;
    ngx_uint_t  i;

    *number = 0;

    for (i = 0; i < NGX_PIMAP_HEX_LEN; i++) {
        digit = ngx_hextoi(&p[i], 1);

        if (digit == NGX_ERROR) {
            return NGX_ERROR;
        }

        *number = *number << 4 | digit;
    }

    return NGX_OK;
}


/* RFC 3339, in UTC.  Returns the end. */

#define NGX_PIMAP_TIME_LEN  (sizeof("1970-01-01T00:00:00Z") - 1)

static ngx_inline u_char *
ngx_pimap_time(u_char *p, time_t t)
{
    ngx_tm_t  tm;

    ngx_gmtime(t, &tm);

    return ngx_snprintf(p, NGX_PIMAP_TIME_LEN,
                        "%4d-%02d-%02dT%02d:%02d:%02dZ",
                        tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                        tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec);
}


/*
 * Asks for memory that is used soon.  A worker has more devices than its
 * caches hold, so an event would wait for each line of each structure.
 */

#define NGX_PIMAP_CACHE_LINE  64

static ngx_inline void
ngx_pimap_prefetch(const void *p, size_t size)
{
    uintptr_t  line;

    for (line = (uintptr_t) p & ~(uintptr_t) (NGX_PIMAP_CACHE_LINE - 1);
         line < (uintptr_t) p + size;
         line += NGX_PIMAP_CACHE_LINE)
    {
        __builtin_prefetch((const void *) line);
    }
}


/* Copies bytes of a library; NGX_ERROR if memory is out. */

static ngx_inline ngx_int_t
ngx_pimap_copy(ngx_pool_t *pool, ngx_str_t *to, const void *data, size_t len)
{
    ngx_str_t  from;

    from.data = (u_char *) data;
    from.len = len;

    to->len = len;
    to->data = ngx_pstrdup(pool, &from);

    return to->data ? NGX_OK : NGX_ERROR;
}


/*
 * For a timer that belongs to no connection.  nginx reads the fd of the data
 * of each event for its debug log.  At a graceful shutdown a worker does not
 * wait for a timer that is cancelable.
 */

static ngx_inline void
ngx_pimap_timer_init(ngx_event_t *ev, ngx_event_handler_pt handler,
    ngx_log_t *log, unsigned cancelable)
{
    static ngx_connection_t  none;

    none.fd = (ngx_socket_t) -1;

    ev->handler = handler;
    ev->data = &none;
    ev->log = log;
    ev->cancelable = cancelable;
}


#endif /* _NGX_PIMAP_H_INCLUDED_ */
