
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Bytes that are sent to devices: encoded once, shared by all devices that get
 * them, reference counted.
 */


#ifndef _NGX_PIMAP_MESSAGE_H_INCLUDED_
#define _NGX_PIMAP_MESSAGE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_dictionary.h"

#include "pimap_event_id.h"


/* Room in front of a message for its length as a chunk of HTTP/1.1. */
#define NGX_PIMAP_MESSAGE_CHUNK   (sizeof("ffffffff\r\n") - 1)


/* A number is part of a device's record: a new format comes at the end. */
typedef enum {
    NGX_PIMAP_FORMAT_SSE = 0,
    NGX_PIMAP_FORMAT_NDJSON,
    NGX_PIMAP_FORMAT_JSON,              /* one answer with all events */
    NGX_PIMAP_FORMAT_WEBSOCKET,         /* a JSON object in each frame */
    NGX_PIMAP_FORMAT_WEBSOCKET_DEFLATE, /* with permessage-deflate */
    NGX_PIMAP_NFORMATS
} ngx_pimap_format_t;

#define ngx_pimap_is_websocket(format)                                       \
    ((format) == NGX_PIMAP_FORMAT_WEBSOCKET                                   \
     || (format) == NGX_PIMAP_FORMAT_WEBSOCKET_DEFLATE)


typedef enum {
    NGX_PIMAP_MESSAGE_CONTROL = 0,
    NGX_PIMAP_MESSAGE_EVENT,
    NGX_PIMAP_MESSAGE_ID                /* only an event id */
} ngx_pimap_message_kind_t;


/* The state of a decoder: its dictionary (serial or 0) and the gaps. */
typedef struct {
    uint64_t               dictionary;
    uint16_t               gaps[NGX_PIMAP_DICTIONARY_EVENTS];
} ngx_pimap_message_key_t;


typedef struct ngx_pimap_message_compressed_s  ngx_pimap_message_compressed_t;

struct ngx_pimap_message_s {
    uint32_t               refs;
    uint32_t               len;
    uint32_t               chunk_len;   /* with the framing on both sides */
    uint32_t               plain_len;   /* before compression; 0: plain */
    uint8_t                kind;        /* ngx_pimap_message_kind_t */
    uint8_t                has_id;
    pimap_event_id_t       id;          /* the device's, after the message */
    ngx_pimap_message_compressed_t  *compressed;
    uint64_t               dictionaries;    /* that end with it: the serial
                                               of the first */
    u_char                *chunk;       /* ends right after the data's CRLF */
    u_char                *data;
    u_char                 bytes[1];
};


/*
 * A message with one reference, which is the caller's, as is filling "data";
 * NULL if memory is out.  It is already framed as a chunk (RFC 9112, 7.1).
 */
ngx_pimap_message_t *ngx_pimap_message_create(size_t size, ngx_log_t *log);

/* The same with these bytes. */
ngx_pimap_message_t *ngx_pimap_message_copy(u_char *data, size_t len,
    ngx_log_t *log);

/* Sets the kind, and the id if it is not NULL. */
void ngx_pimap_message_mark(ngx_pimap_message_t *message,
    ngx_pimap_message_kind_t kind, pimap_event_id_t *id);

/*
 * The compressed form for decoders with this key, or NULL; the reference
 * stays the message's.  add() takes a reference, or none if there are too
 * many forms.  free() is for a message that all devices have.
 */
ngx_pimap_message_t *ngx_pimap_message_compressed_find(
    ngx_pimap_message_t *message, ngx_pimap_message_key_t *key);
void ngx_pimap_message_compressed_add(ngx_pimap_message_t *message,
    ngx_pimap_message_key_t *key, ngx_pimap_message_t *compressed);
void ngx_pimap_message_compressed_free(ngx_pimap_message_t *message);

ngx_pimap_message_t *ngx_pimap_message_ref(ngx_pimap_message_t *message);
void ngx_pimap_message_unref(ngx_pimap_message_t *message);


#endif /* _NGX_PIMAP_MESSAGE_H_INCLUDED_ */
