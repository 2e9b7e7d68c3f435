
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the check of settings by a table: the name of each, its type, its
 * bounds and its place.  libconfig reads the file.
 */


#ifndef _BRIDGE_OPTION_H_INCLUDED_
#define _BRIDGE_OPTION_H_INCLUDED_


#include "bridge.h"

#include <libconfig.h>


typedef enum {
    BRIDGE_OPTION_TEXT = 0,             /* char * */
    BRIDGE_OPTION_SECRET,               /* char *, wiped */
    BRIDGE_OPTION_SECRET_FILE,          /* that, from a file's first line */
    BRIDGE_OPTION_FLAG,                 /* int */
    BRIDGE_OPTION_NUMBER,               /* int */
    BRIDGE_OPTION_TIME,                 /* bridge_msec_t; "500ms", "5m", 30 */
    BRIDGE_OPTION_MSEC,                 /* the same, uint32_t */
    BRIDGE_OPTION_CHOICE,               /* int, the place in "choices" */
    BRIDGE_OPTION_GROUP                 /* "group" NULL: its owner reads it */
} bridge_option_type_t;


typedef struct bridge_option_s  bridge_option_t;

struct bridge_option_s {
    const char            *name;        /* NULL: the last one */
    bridge_option_type_t   type;
    size_t                 offset;
    const char            *value;       /* the default, NULL: none */
    int64_t                min;         /* of numbers; milliseconds */
    int64_t                max;
    const char           **choices;     /* ended by NULL */
    const bridge_option_t *group;
};


/* Stores the defaults. */
void bridge_option_init(const bridge_option_t *options, void *to);

/* Stores the members of a group.  Returns -1, with a line in the log for each
   that is unknown or has a wrong value. */
int bridge_option_read(const bridge_option_t *options,
    config_setting_t *group, void *to, const char *file);

void bridge_option_free(const bridge_option_t *options, void *to);

/* Logs an error with the line of the setting. */
void bridge_option_error(config_setting_t *setting, const char *file,
    const char *format, ...) __attribute__((format(printf, 3, 4)));


#endif /* _BRIDGE_OPTION_H_INCLUDED_ */
