
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Names are compared by their characters, however they are written.  Many are
 * sorted, so no choice of names takes long.
 */


#include <stdlib.h>
#include <string.h>

#include "pimap_json_keys.h"
#include "pimap_json_string.h"


static uint32_t pimap_json_keys_hash(const pimap_json_key_t *key);
static int pimap_json_keys_compare(const void *one, const void *two);
static int pimap_json_keys_compare_bytes(const pimap_json_key_t *a,
    const pimap_json_key_t *b);


void
pimap_json_keys_init(pimap_json_keys_t *keys)
{
    keys->keys = keys->few;
    keys->n = 0;
    keys->size = PIMAP_JSON_KEYS_FEW;
}


void
pimap_json_keys_free(pimap_json_keys_t *keys)
{
    if (keys->keys != keys->few) {
        free(keys->keys);
    }
}


int
pimap_json_keys_add(pimap_json_keys_t *keys, const pimap_str_t *name,
    int escaped)
{
    pimap_json_key_t  *key, *more;

    if (keys->n == keys->size) {
        more = malloc(2 * keys->size * sizeof(pimap_json_key_t));
        if (more == NULL) {
            return -1;
        }

        memcpy(more, keys->keys, keys->n * sizeof(pimap_json_key_t));
        pimap_json_keys_free(keys);

        keys->keys = more;
        keys->size *= 2;
    }

    key = &keys->keys[keys->n++];

    key->text = *name;
    key->escaped = escaped;
    key->hash = pimap_json_keys_hash(key);

    return 0;
}


const char *
pimap_json_keys_close(pimap_json_keys_t *keys, size_t first)
{
    size_t             i, k, n;
    pimap_json_key_t  *key;

    key = keys->keys + first;
    n = keys->n - first;
    keys->n = first;

    if (n > PIMAP_JSON_KEYS_FEW) {
        qsort(key, n, sizeof(pimap_json_key_t), pimap_json_keys_compare);

        for (i = 1; i < n; i++) {
            if (pimap_json_keys_compare(&key[i - 1], &key[i]) == 0) {
                return key[i].text.data;
            }
        }

        return NULL;
    }

    for (i = 1; i < n; i++) {
        for (k = 0; k < i; k++) {
            if (key[k].hash == key[i].hash
                && pimap_json_keys_compare(&key[k], &key[i]) == 0)
            {
                return key[i].text.data;
            }
        }
    }

    return NULL;
}


/* FNV-1a */

static uint32_t
pimap_json_keys_hash(const pimap_json_key_t *key)
{
    int                 c;
    uint32_t            hash;
    const char         *p;
    pimap_json_bytes_t  bytes;

    hash = 2166136261u;

    if (!key->escaped) {
        for (p = key->text.data + 1;
             p < key->text.data + key->text.len - 1;
             p++)
        {
            hash = (hash ^ (unsigned char) *p) * 16777619u;
        }

        return hash;
    }

    pimap_json_bytes_init(&bytes, &key->text);

    for (c = pimap_json_bytes_next(&bytes);
         c >= 0;
         c = pimap_json_bytes_next(&bytes))
    {
        hash = (hash ^ c) * 16777619u;
    }

    return hash;
}


static int
pimap_json_keys_compare(const void *one, const void *two)
{
    int                      rc;
    size_t                   len;
    const pimap_json_key_t  *a, *b;

    a = one;
    b = two;

    if (a->hash != b->hash) {
        return a->hash < b->hash ? -1 : 1;
    }

    if (a->escaped || b->escaped) {
        return pimap_json_keys_compare_bytes(a, b);
    }

    /* the same order as by bytes; the quotes are equal */

    len = (a->text.len < b->text.len ? a->text.len : b->text.len) - 1;
    rc = memcmp(a->text.data, b->text.data, len);

    return rc ? rc : (a->text.len > b->text.len) - (a->text.len < b->text.len);
}


static int
pimap_json_keys_compare_bytes(const pimap_json_key_t *a,
    const pimap_json_key_t *b)
{
    int                 c, d;
    pimap_json_bytes_t  one, two;

    pimap_json_bytes_init(&one, &a->text);
    pimap_json_bytes_init(&two, &b->text);

    do {
        c = pimap_json_bytes_next(&one);
        d = pimap_json_bytes_next(&two);
    } while (c == d && c >= 0);

    return c - d;
}
