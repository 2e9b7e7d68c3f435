
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the checks of JSON from outside: an object on one line, within limits.
 * Called by the codecs of events and updates.  Invariant: no I/O.
 */


#ifndef _PIMAP_JSON_H_INCLUDED_
#define _PIMAP_JSON_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include <jansson.h>


#define PIMAP_JSON_MAX_DEPTH   32       /* nested arrays and objects */


typedef struct {
    const char   *data;
    size_t        len;
} pimap_str_t;


typedef enum {
    PIMAP_JSON_OK = 0,
    PIMAP_JSON_TOO_LARGE,               /* over the limit that was given */
    PIMAP_JSON_TOO_DEEP,                /* over PIMAP_JSON_MAX_DEPTH */
    PIMAP_JSON_BAD,                     /* syntax, UTF-8, duplicate keys,
                                           integers beyond 64 bits */
    PIMAP_JSON_NOT_OBJECT,
    PIMAP_JSON_NO_MEMORY
} pimap_json_status_t;


/* Why not, without any of the text, which must not get into logs. */
typedef struct {
    const char   *reason;
    int           at;                   /* byte in the text, -1 if unknown */
} pimap_json_error_t;


/*
 * Takes white space around the text off, and parses the rest.  On
 * PIMAP_JSON_OK "root" is the caller's; the text is as it was.
 */
pimap_json_status_t pimap_json_load(json_t **root, char **text, size_t *len,
    size_t max, pimap_json_error_t *err);

/*
 * Takes line breaks out of a text that has been parsed, in place; the new
 * length.  Not earlier: "[1\n2]" must not become valid by it.
 */
size_t pimap_json_squeeze(char *text, size_t len);

/* An absent value leaves *str empty.  Returns -1 if it isn't a string. */
int pimap_json_string(const json_t *value, pimap_str_t *str);

/* "<reason>" or "<reason> at byte <n>"; "why" may be NULL. */
void pimap_json_why(const pimap_json_error_t *err, char *why, size_t size);


#endif /* _PIMAP_JSON_H_INCLUDED_ */
