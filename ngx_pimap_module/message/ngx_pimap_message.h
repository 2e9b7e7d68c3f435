
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Bytes that are sent to devices: encoded once, shared by all who get them,
 * reference counted.
 */


#ifndef _NGX_PIMAP_TEXT_H_INCLUDED_
#define _NGX_PIMAP_TEXT_H_INCLUDED_


#include "ngx_pimap.h"
#include "pimap_event_id.h"
#include "ngx_pimap_dictionary.h"


/* Room for the text's length as a chunk of HTTP/1.1, in front of it. */
#define NGX_PIMAP_MESSAGE_CHUNK   (sizeof("ffffffff\r\n") - 1)


typedef enum {
    NGX_PIMAP_SSE = 0,
    NGX_PIMAP_LINES,                    /* newline-delimited JSON */
    NGX_PIMAP_JSON,                     /* one answer with all that came */
    NGX_PIMAP_FRAMES,                   /* WebSocket's, JSON in each */
    NGX_PIMAP_DEFLATED,                 /* the same, permessage-deflate */
    NGX_PIMAP_NFORMATS
} ngx_pimap_format_t;

#define ngx_pimap_is_framed(format)  ((format) >= NGX_PIMAP_FRAMES)


/* What is in it. */
typedef enum {
    NGX_PIMAP_MESSAGE_CONTROL = 0,
    NGX_PIMAP_MESSAGE_EVENT,
    NGX_PIMAP_MESSAGE_PLACE                /* only the place in the log */
} ngx_pimap_message_kind_t;


/* What a decoder has got: a trail, by its serial or 0, and what came since. */
typedef struct {
    uint64_t               trail;
    uint16_t               gaps[NGX_PIMAP_DICTIONARY_EVENTS];
} ngx_pimap_message_key_t;


typedef struct ngx_pimap_packed_s  ngx_pimap_packed_t;

struct ngx_pimap_message_s {
    uint32_t               refs;
    uint32_t               len;
    uint32_t               chunk_len;   /* with the framing on both sides */
    uint32_t               plain;       /* of a compressed message: as long
                                           as it was; or 0 */
    uint8_t                kind;        /* ngx_pimap_message_kind_t */
    uint8_t                placed;
    pimap_event_id_t   position;    /* who has it is there, if "placed" */
    ngx_pimap_packed_t    *packed;      /* its compressed forms */
    uint64_t               trails;      /* those that end with it, the serial
                                           of the first */
    u_char                *chunk;       /* ends right after the data's CRLF */
    u_char                *data;
    u_char                 bytes[1];
};


/*
 * One reference, owned by the caller, who fills "data"; NULL if memory is
 * out.  The text is framed as a chunk (RFC 9112, 7.1) already.
 */
ngx_pimap_message_t *ngx_pimap_message_create(size_t size, ngx_log_t *log);

/* Says what it is, and where in the log, if "position" is not NULL. */
void ngx_pimap_message_mark(ngx_pimap_message_t *text,
    ngx_pimap_message_kind_t kind, pimap_event_id_t *position);

/*
 * A compressed form of it, for devices with these bytes before, by a key.
 * packed(): NULL if there is none, the reference stays the text's.  pack(): it
 * may keep a reference.  unpack(): the text has been delivered, its forms are
 * not needed any more.
 */
ngx_pimap_message_t *ngx_pimap_message_packed(ngx_pimap_message_t *text,
    ngx_pimap_message_key_t *key);
void ngx_pimap_message_pack(ngx_pimap_message_t *text,
    ngx_pimap_message_key_t *key, ngx_pimap_message_t *form);
void ngx_pimap_message_unpack(ngx_pimap_message_t *text);

ngx_pimap_message_t *ngx_pimap_message_ref(ngx_pimap_message_t *text);
void ngx_pimap_message_unref(ngx_pimap_message_t *text);


#endif /* _NGX_PIMAP_TEXT_H_INCLUDED_ */
