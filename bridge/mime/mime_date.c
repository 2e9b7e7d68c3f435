
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns dates of messages.  Called by imap/.  GMime reads them, correct or not
 * (RFC 5322, 3.3).
 */


#include "mime_header.h"

#include <string.h>
#include <time.h>

#include <gmime/gmime.h>


#define MIME_MAX_DATE  200
#define MIME_MAX_TIME  4102444800    /* the year 2100 */
#define MIME_MAX_ZONE  (14 * G_TIME_SPAN_HOUR)     /* as on earth */


void
mime_date(bridge_buffer_t *b, const char *data, size_t len)
{
    char       *field, *text;
    GDateTime  *date;
    GTimeSpan   zone;

    if (len == 0) {
        return;
    }

    g_mime_init();

    field = g_strndup(data, len < MIME_MAX_DATE ? len : MIME_MAX_DATE);
    date = g_mime_utils_header_decode_date(field);

    /* a clock that was never set shows 1970 or earlier */

    if (date && g_date_time_to_unix(date) > 0
        && g_date_time_to_unix(date) < MIME_MAX_TIME)
    {
        zone = g_date_time_get_utc_offset(date);
        text = g_date_time_format(date, zone == 0 || ABS(zone) > MIME_MAX_ZONE
                                        ? "%FT%TZ" : "%FT%T%:z");
        bridge_buffer_text(b, text);
        g_free(text);
    }

    if (date) {
        g_date_time_unref(date);
    }

    g_free(field);
}


int64_t
mime_internal_date(const char *data, size_t len)
{
    char       text[32];
    long       zone;
    time_t     t;
    struct tm  tm;

    if (len == 0 || len >= sizeof(text)) {
        return 0;
    }

    memcpy(text, data, len);
    text[len] = '\0';
    memset(&tm, 0, sizeof(tm));

    if (strptime(text, "%d-%b-%Y %H:%M:%S %z", &tm) == NULL) {
        return 0;
    }

    zone = tm.tm_gmtoff;
    t = timegm(&tm);

    return t == -1 || t < zone ? 0 : (int64_t) t - zone;
}
