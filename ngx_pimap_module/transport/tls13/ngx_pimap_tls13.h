
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * TLS 1.3 without an OpenSSL connection object (docs/security.md).  After the
 * handshake a connection is two traffic secrets, two sequence numbers and a
 * cipher suite; that is ngx_pimap_tls13_t.  The record layer and the messages
 * that may still arrive (RFC 8446, sections 4.6.3, 5 and 6) are served here,
 * for the server's side.  Pure: bytes in, bytes out, no I/O, no nginx.
 */


#ifndef _NGX_PIMAP_TLS13_H_INCLUDED_
#define _NGX_PIMAP_TLS13_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>


#define NGX_PIMAP_TLS13_SECRET       48         /* the longest Hash.length */
#define NGX_PIMAP_TLS13_KEY          32         /* the longest key */
#define NGX_PIMAP_TLS13_NONCE        12
#define NGX_PIMAP_TLS13_HEADER       5
#define NGX_PIMAP_TLS13_PLAINTEXT    16384      /* a record's content */
#define NGX_PIMAP_TLS13_OVERHEAD     22         /* header, type, tag */

/* the longest record that open() ever waits for */
#define NGX_PIMAP_TLS13_RECORD       (NGX_PIMAP_TLS13_HEADER                  \
                                      + NGX_PIMAP_TLS13_PLAINTEXT + 256)

#define NGX_PIMAP_TLS13_ALERT_SIZE   (NGX_PIMAP_TLS13_OVERHEAD + 2)
#define NGX_PIMAP_TLS13_UPDATE_SIZE  (NGX_PIMAP_TLS13_OVERHEAD + 5)

/*
 * Records under one sending key.  RFC 8446, section 5.5 allows 2^24.5 with
 * AES-GCM.  A KeyUpdate goes out before the first limit is passed, nothing at
 * all after the second one.
 */
#define NGX_PIMAP_TLS13_REKEY        ((uint64_t) 1 << 23)
#define NGX_PIMAP_TLS13_LIMIT        ((uint64_t) 1 << 24)

/* records in a row that move nothing (KeyUpdate, empty data, user_canceled) */
#define NGX_PIMAP_TLS13_STALLS       32

/* flags of the state */
#define NGX_PIMAP_TLS13_OWES_UPDATE  0x01       /* the peer waits for ours */
#define NGX_PIMAP_TLS13_TX_CLOSED    0x02       /* secret is wiped */
#define NGX_PIMAP_TLS13_RX_CLOSED    0x04       /* secret is wiped */


/*
 * Plain data without pointers: may be copied, and handed to another process
 * of the same host as bytes, but only one copy may ever go on, because two
 * would seal under the same nonces.
 */
typedef struct {
    uint64_t    tx_seq;
    uint64_t    rx_seq;
    uint8_t     tx_secret[NGX_PIMAP_TLS13_SECRET];
    uint8_t     rx_secret[NGX_PIMAP_TLS13_SECRET];
    uint16_t    suite;                          /* 0x1301 .. 0x1303 */
    uint8_t     flags;
    uint8_t     stalls;
} ngx_pimap_tls13_t;


/* Key and IV of a secret, for who seals often.  Zeroed first, wiped last. */
typedef struct {
    uint8_t     of[8];                          /* the secret's first bytes */
    uint8_t     key[NGX_PIMAP_TLS13_KEY];
    uint8_t     iv[NGX_PIMAP_TLS13_NONCE];
} ngx_pimap_tls13_keys_t;


/* The OpenSSL objects that all connections of a worker share. */
typedef struct ngx_pimap_tls13_ctx_s  ngx_pimap_tls13_ctx_t;


typedef enum {
    NGX_PIMAP_TLS13_AGAIN = 0,  /* the record is incomplete: see need */
    NGX_PIMAP_TLS13_DATA,       /* application data */
    NGX_PIMAP_TLS13_SKIP,       /* a record with nothing for the caller */
    NGX_PIMAP_TLS13_CLOSED,     /* close_notify, or called after the end */
    NGX_PIMAP_TLS13_ALERT,      /* the peer gave up: close, send nothing */
    NGX_PIMAP_TLS13_FATAL       /* send this alert with seal_alert(), close */
} ngx_pimap_tls13_result_t;


typedef struct {
    size_t      used;           /* DATA, SKIP: bytes of the record */
    size_t      need;           /* AGAIN: bytes that the record has in all */
    uint8_t    *data;           /* DATA: inside the caller's buffer */
    size_t      len;
    uint8_t     alert;          /* ALERT, FATAL: SSL_AD_* */
} ngx_pimap_tls13_in_t;


/* What is learned of a connection while OpenSSL still owns it. */
typedef struct {
    ngx_pimap_tls13_t  tls;
    uint8_t            tx_len;          /* length of the secret, 0: unseen */
    uint8_t            rx_len;
    unsigned           client:1;
    unsigned           tx_finished:1;
    unsigned           rx_finished:1;
    unsigned           spoiled:1;       /* saw what can't be followed */
} ngx_pimap_tls13_capture_t;


/* NULL if memory or all ciphers are missing. */
ngx_pimap_tls13_ctx_t *ngx_pimap_tls13_ctx_create(void);
void ngx_pimap_tls13_ctx_destroy(ngx_pimap_tls13_ctx_t *ctx);

/*
 * 0 if a state that came from elsewhere can be gone on with, else -1.  It says
 * nothing about the secrets: the first record shows whether they are right.
 */
int ngx_pimap_tls13_check(ngx_pimap_tls13_ctx_t *ctx, ngx_pimap_tls13_t *s);

/* Forgets the secrets, also what the shared objects still know of them. */
void ngx_pimap_tls13_wipe(ngx_pimap_tls13_ctx_t *ctx, ngx_pimap_tls13_t *s);

/*
 * Application data becomes records.  A KeyUpdate that is owed to the peer, or
 * that the key's age asks for, goes in front of them.  The plaintext of the
 * last record, its type included, is padded to a multiple of "pad" (0 or 1: no
 * padding), or as far as a record may go.
 *
 * seal_size() is exact for the next seal(); 0 if there is nothing to seal or
 * the sending side is closed.  seal() returns the number of bytes in "out", or
 * 0: then nothing more can be sent.  "in" lies outside of "out", or ends
 * exactly where the sealed bytes will end.  "keys" may be NULL; else they are
 * those of the last call for this state, and are derived if they do not fit.
 *
 * The bytes have to reach the peer, all and in this order: what is sealed
 * cannot be sealed again.
 */
size_t ngx_pimap_tls13_seal_size(const ngx_pimap_tls13_t *s, size_t len,
    size_t pad);
size_t ngx_pimap_tls13_seal(ngx_pimap_tls13_ctx_t *ctx, ngx_pimap_tls13_t *s,
    ngx_pimap_tls13_keys_t *keys, uint8_t *out, size_t size, const uint8_t *in,
    size_t len, size_t pad);

/*
 * One alert, NGX_PIMAP_TLS13_ALERT_SIZE bytes.  After close_notify nothing can
 * be sealed; after any other alert but user_canceled nothing can be opened
 * either, and both secrets are gone.
 */
size_t ngx_pimap_tls13_seal_alert(ngx_pimap_tls13_ctx_t *ctx,
    ngx_pimap_tls13_t *s, uint8_t *out, size_t size, uint8_t alert);

/*
 * A KeyUpdate at once, NGX_PIMAP_TLS13_UPDATE_SIZE bytes; "request" asks the
 * peer for one.  Not needed for an answer: seal() gives it by itself.
 */
size_t ngx_pimap_tls13_seal_update(ngx_pimap_tls13_ctx_t *ctx,
    ngx_pimap_tls13_t *s, uint8_t *out, size_t size, int request);

/*
 * Takes one record from the front of "buf", which is decrypted in place.  To
 * be called again with the rest while there is a rest.  Nothing of a partial
 * record is kept in the state: on AGAIN the caller keeps the "len" bytes and
 * comes back when it has more; at most NGX_PIMAP_TLS13_RECORD.
 */
ngx_pimap_tls13_result_t ngx_pimap_tls13_open(ngx_pimap_tls13_ctx_t *ctx,
    ngx_pimap_tls13_t *s, uint8_t *buf, size_t len, ngx_pimap_tls13_in_t *in);

/*
 * Capture: init() before the handshake, then keylog() from the callback of
 * SSL_CTX_set_keylog_callback() and message() from that of
 * SSL_CTX_set_msg_callback(), for the connection's whole life with OpenSSL.
 */
void ngx_pimap_tls13_capture_init(ngx_pimap_tls13_capture_t *c, int client);
void ngx_pimap_tls13_capture_keylog(ngx_pimap_tls13_capture_t *c,
    const char *line);
void ngx_pimap_tls13_capture_message(ngx_pimap_tls13_capture_t *c,
    ngx_pimap_tls13_ctx_t *ctx, SSL *ssl, int write, int type,
    const void *buf, size_t len);

/* NULL if the connection can be taken over now, else a constant: why not. */
const char *ngx_pimap_tls13_capture_refusal(ngx_pimap_tls13_capture_t *c,
    ngx_pimap_tls13_ctx_t *ctx, SSL *ssl);

/*
 * Takes the connection over into "s" if there is no refusal (which is returned
 * as above).  Then "ssl" may only be freed, which neither sends anything nor
 * drops its session from the cache.
 */
const char *ngx_pimap_tls13_capture_take(ngx_pimap_tls13_capture_t *c,
    ngx_pimap_tls13_ctx_t *ctx, SSL *ssl, ngx_pimap_tls13_t *s);

/* To be called before the capture's memory is freed. */
void ngx_pimap_tls13_capture_wipe(ngx_pimap_tls13_capture_t *c);


#endif /* _NGX_PIMAP_TLS13_H_INCLUDED_ */
