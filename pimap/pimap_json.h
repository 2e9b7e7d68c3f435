
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns JSON from outside (RFC 8259): a text is checked as a whole, then read
 * where it stands, and never made into a tree.  Called by the codecs of events
 * and updates, and for tokens.  Invariant: no I/O; time and memory are linear
 * in the text (n log n for the names of a large object).
 */


#ifndef _PIMAP_JSON_H_INCLUDED_
#define _PIMAP_JSON_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define PIMAP_JSON_MAX_DEPTH   32       /* nested arrays and objects */
#define PIMAP_JSON_MAX_NAME    32       /* bytes of a name to look for */


typedef struct {
    const char   *data;
    size_t        len;
} pimap_str_t;


typedef enum {
    PIMAP_JSON_OK = 0,
    PIMAP_JSON_TOO_LARGE,               /* over the limit that was given */
    PIMAP_JSON_TOO_DEEP,                /* over PIMAP_JSON_MAX_DEPTH */
    PIMAP_JSON_BAD,                     /* syntax, UTF-8, duplicate keys,
                                           integers beyond 64 bits, reals
                                           beyond a double */
    PIMAP_JSON_NOT_OBJECT,
    PIMAP_JSON_NO_MEMORY
} pimap_json_status_t;


/* Why not, without any of the text, which must not get into logs. */
typedef struct {
    const char   *reason;
    int           at;                   /* byte, from 1; -1 if unknown */
} pimap_json_error_t;


/* A member that is looked for, and its value as it is written. */
typedef struct {
    const char   *name;                 /* of ASCII, PIMAP_JSON_MAX_NAME */
    pimap_str_t   value;                /* data == NULL: it is absent */
} pimap_json_member_t;


/*
 * Takes white space around the text off, checks that the rest is one object,
 * and finds members of it, "n" of them.  The text is as it was.
 */
pimap_json_status_t pimap_json_check(char **text, size_t *len, size_t max,
    pimap_json_member_t *members, size_t n, pimap_json_error_t *err);

/*
 * Takes line breaks out of a text that has been checked, in place; the new
 * length.  Not earlier: "[1\n2]" must not become valid by it.
 */
size_t pimap_json_squeeze(char *text, size_t len);

/* Finds members of a checked object, "n" of them. */
void pimap_json_find(const pimap_str_t *object, pimap_json_member_t *members,
    size_t n);

/*
 * The next member of a checked object: its name and its value as they are
 * written, with quotes.  *p is NULL at first.  Returns 0 after the last one.
 */
int pimap_json_next(const pimap_str_t *object, const char **p,
    pimap_str_t *name, pimap_str_t *value);

/* The same for a checked array, whose elements have no names. */
int pimap_json_element(const pimap_str_t *array, const char **p,
    pimap_str_t *value);

int pimap_json_is_string(const pimap_str_t *value);
int pimap_json_is_array(const pimap_str_t *value);
int pimap_json_is_object(const pimap_str_t *value);

/* True if the text of a checked string has escapes. */
int pimap_json_escaped(const pimap_str_t *value);

/*
 * The characters of a checked string: where they stand, or in "buf" if they
 * are escaped.  They are never more bytes than the string.  Returns -1 if the
 * value is no string, or "size" is too small.  An absent value leaves *str
 * empty.
 */
int pimap_json_string(const pimap_str_t *value, char *buf, size_t size,
    pimap_str_t *str);

/* "<reason>" or "<reason> at byte <n>"; "why" may be NULL. */
void pimap_json_why(const pimap_json_error_t *err, char *why, size_t size);


#endif /* _PIMAP_JSON_H_INCLUDED_ */
