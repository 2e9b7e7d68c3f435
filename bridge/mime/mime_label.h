
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the labels of character sets, and a converter for each set.
 */


#ifndef _MIME_LABEL_H_INCLUDED_
#define _MIME_LABEL_H_INCLUDED_


#include <iconv.h>

#include "bridge_buffer.h"


/* How the bytes of a set that is no UTF-8 are read. */

typedef enum {
    MIME_ONE_BYTE = 0,
    MIME_LEAD_BYTE,                 /* from 0x80 on, a second one follows */
    MIME_TWO_BYTE,
    MIME_FOUR_BYTE
} mime_unit_t;


typedef enum {
    MIME_READ_ICONV = 0,
    MIME_READ_UTF8,
    MIME_READ_ASCII,                /* UTF-8 if it is that */
    MIME_READ_ISO_2022_JP           /* as EUC-JP */
} mime_read_t;


typedef struct {
    const char   *name;             /* of iconv */
    mime_unit_t   unit;
    mime_read_t   read;
    iconv_t       cd;               /* opened once, and kept */
    unsigned      opened:1;
} mime_set_t;


/* Opens all converters, 4 ms; else each is opened when it is needed. */
void mime_label_init(void);

/* NULL: the label is unknown. */
mime_set_t *mime_label_find(const char *label, size_t len);

/* In its first state; (iconv_t) -1 if this system has none. */
iconv_t mime_label_open(mime_set_t *set);


#endif /* _MIME_LABEL_H_INCLUDED_ */
