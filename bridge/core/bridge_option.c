
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "bridge_option.h"
#include "bridge_log.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>


#define BRIDGE_OPTION_SECRET_MAX  4096


static const bridge_option_t *bridge_option_find(
    const bridge_option_t *options, const char *name);
static int bridge_option_is_other(const char **others, const char *name);
static int bridge_option_store(const bridge_option_t *option, void *to,
    config_setting_t *setting, const char *file);
static int bridge_option_text(const bridge_option_t *option, void *to,
    const char *text, char *why, size_t size);
static int bridge_option_secret_file(char **to, const char *file, char *why,
    size_t size);
static int bridge_option_number(const bridge_option_t *option, void *to,
    int64_t n, char *why, size_t size);
static int bridge_option_time(const char *text, int64_t *msec);
static void bridge_option_replace(char **to, const char *text);


void
bridge_option_init(const bridge_option_t *options, void *to)
{
    char  why[256];

    for ( /* void */ ; options->name; options++) {

        if (options->value
            && bridge_option_text(options, to, options->value, why,
                                  sizeof(why))
               != 0)
        {
            bridge_log(BRIDGE_LOG_ALERT, "default of \"%s\" %s",
                       options->name, why);
        }
    }
}


int
bridge_option_read(const bridge_option_t *options, const char **others,
    config_setting_t *group, void *to, const char *file)
{
    int                     i, rc;
    const char             *name;
    config_setting_t       *setting;
    const bridge_option_t  *option;

    rc = 0;

    for (i = 0; (setting = config_setting_get_elem(group, i)); i++) {
        name = config_setting_name(setting);
        option = bridge_option_find(options, name);

        if (option) {
            rc |= bridge_option_store(option, to, setting, file);

        } else if (!bridge_option_is_other(others, name)) {
            bridge_option_error(setting, file, "unknown setting \"%s\"",
                                name);
            rc = -1;
        }
    }

    return rc;
}


void
bridge_option_free(const bridge_option_t *options, void *to)
{
    char  **text;

    for ( /* void */ ; options->name; options++) {

        if (options->type <= BRIDGE_OPTION_SECRET_FILE) {
            text = (char **) ((char *) to + options->offset);
            bridge_option_replace(text, NULL);
        }
    }
}


void
bridge_option_error(config_setting_t *setting, const char *file,
    const char *format, ...)
{
    char     text[512];
    va_list  args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    if (config_setting_source_file(setting)) {
        file = config_setting_source_file(setting);
    }

    bridge_log(BRIDGE_LOG_EMERG, "%s in %s:%u", text, file,
               config_setting_source_line(setting));
}


static const bridge_option_t *
bridge_option_find(const bridge_option_t *options, const char *name)
{
    for ( /* void */ ; options->name; options++) {
        if (strcmp(options->name, name) == 0) {
            return options;
        }
    }

    return NULL;
}


static int
bridge_option_is_other(const char **others, const char *name)
{
    for ( /* void */ ; others && *others; others++) {
        if (strcmp(*others, name) == 0) {
            return 1;
        }
    }

    return 0;
}


static int
bridge_option_store(const bridge_option_t *option, void *to,
    config_setting_t *setting, const char *file)
{
    int   rc;
    char  why[256];

    rc = -1;
    snprintf(why, sizeof(why), "has a value of the wrong type");

    switch (config_setting_type(setting)) {

    case CONFIG_TYPE_STRING:
        if (option->type != BRIDGE_OPTION_FLAG
            && option->type != BRIDGE_OPTION_NUMBER)
        {
            rc = bridge_option_text(option, to,
                                    config_setting_get_string(setting), why,
                                    sizeof(why));
        }

        break;

    case CONFIG_TYPE_BOOL:
        if (option->type == BRIDGE_OPTION_FLAG) {
            *(int *) ((char *) to + option->offset) =
                                            config_setting_get_bool(setting);
            rc = 0;
        }

        break;

    case CONFIG_TYPE_INT:
        if (option->type == BRIDGE_OPTION_NUMBER
            || option->type == BRIDGE_OPTION_TIME)
        {
            rc = bridge_option_number(option, to,
                                      (int64_t) config_setting_get_int(setting)
                                      * (option->type == BRIDGE_OPTION_TIME
                                         ? 1000 : 1),
                                      why, sizeof(why));
        }

        break;
    }

    if (rc != 0) {
        bridge_option_error(setting, file, "\"%s\" %s", option->name, why);
    }

    return rc;
}


static int
bridge_option_text(const bridge_option_t *option, void *to, const char *text,
    char *why, size_t size)
{
    int      i;
    char   **string;
    int64_t  n;

    string = (char **) ((char *) to + option->offset);

    switch (option->type) {

    case BRIDGE_OPTION_TEXT:
    case BRIDGE_OPTION_SECRET:
        bridge_option_replace(string, text);
        return 0;

    case BRIDGE_OPTION_SECRET_FILE:
        return bridge_option_secret_file(string, text, why, size);

    case BRIDGE_OPTION_CHOICE:
        for (i = 0; option->choices[i]; i++) {
            if (strcmp(option->choices[i], text) == 0) {
                *(int *) string = i;
                return 0;
            }
        }

        snprintf(why, size, "cannot be \"%s\"", text);
        return -1;

    case BRIDGE_OPTION_TIME:
        if (bridge_option_time(text, &n) != 0) {
            snprintf(why, size, "has a bad time \"%s\"", text);
            return -1;
        }

        return bridge_option_number(option, to, n, why, size);

    default:
        /* the table's own text of a number or a flag */
        return bridge_option_number(option, to, atoll(text), why, size);
    }
}


static int
bridge_option_secret_file(char **to, const char *file, char *why, size_t size)
{
    int    rc;
    char   line[BRIDGE_OPTION_SECRET_MAX];
    FILE  *fh;

    fh = fopen(file, "re");
    if (fh == NULL) {
        snprintf(why, size, "cannot read \"%s\": %s", file, strerror(errno));
        return -1;
    }

    setvbuf(fh, NULL, _IONBF, 0);
    rc = -1;

    if (fgets(line, sizeof(line), fh)) {
        line[strcspn(line, "\r\n")] = '\0';

        if (*line) {
            bridge_option_replace(to, line);
            rc = 0;
        }
    }

    explicit_bzero(line, sizeof(line));
    fclose(fh);

    if (rc != 0) {
        snprintf(why, size, "\"%s\" has an empty first line", file);
    }

    return rc;
}


static int
bridge_option_number(const bridge_option_t *option, void *to, int64_t n,
    char *why, size_t size)
{
    const char  *unit;

    to = (char *) to + option->offset;

    if (option->type == BRIDGE_OPTION_FLAG) {
        *(int *) to = n != 0;
        return 0;
    }

    if (n < option->min || n > option->max) {
        unit = option->type == BRIDGE_OPTION_TIME ? "ms" : "";

        snprintf(why, size, "must be between %lld%s and %lld%s",
                 (long long) option->min, unit, (long long) option->max,
                 unit);
        return -1;
    }

    if (option->type == BRIDGE_OPTION_TIME) {
        *(bridge_msec_t *) to = n;

    } else {
        *(int *) to = n;
    }

    return 0;
}


static int
bridge_option_time(const char *text, int64_t *msec)
{
    int    i;
    char  *end;

    static const struct {
        const char  *name;
        int64_t      msec;
    } units[] = {
        { "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
        { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 }
    };

    if (!isdigit((unsigned char) *text)) {
        return -1;
    }

    *msec = strtol(text, &end, 10);

    if (*msec > 1000000000) {
        return -1;
    }

    for (i = 0; units[i].name; i++) {
        if (strcmp(units[i].name, end) == 0) {
            *msec *= units[i].msec;
            return 0;
        }
    }

    return -1;
}


static void
bridge_option_replace(char **to, const char *text)
{
    char  *new;

    new = bridge_string(text);

    if (*to) {
        bridge_wipe_free(*to, strlen(*to));
    }

    *to = new;
}
