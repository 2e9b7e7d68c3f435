
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns a device, as an example for programs in C with libcurl: it parks,
 * prints events, and comes back without a loss.  Invariant: a request starts
 * after the last id that was read.
 *
 *     apt-get install gcc libc6-dev libcurl4-openssl-dev
 *     cc -o pimap_client pimap_client.c -lcurl
 *     PIMAP_TOKEN=... ./pimap_client URL [LAST-ID]
 *
 * Each event is a line: its id, its name and its JSON, with tabs between them.
 * Besides the events of the account there are "open", "resync", "expired",
 * "superseded" and "error".  PIMAP_CA names a file of certificates.  The exit
 * status is 0 if another client has this device's name, 1 if the server
 * refuses the request for good, and 2 if the command is wrong.
 */


#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>


#define LONGEST_LINE    (1 << 20)       /* bytes; an event has 64 kB */
#define LONGEST_PAUSE   300             /* seconds */
#define CONNECT         30L             /* seconds for a connection */
#define INTERVAL        300             /* of pings, until one says it */

#ifndef GRACE
#define GRACE           30              /* seconds that a ping may be late */
#endif


typedef struct {
    CURL        *curl;
    char        *line;                  /* what is read of it */
    size_t       len;
    char         id[64];                /* of this block of lines */
    char         name[65];
    char        *data;                  /* of it, or NULL */
    char         last_id[64];
    const char  *why;                   /* libcurl's reason of the end */
    long         interval;              /* of pings, in seconds */
    long         retry;                 /* milliseconds; 0: not said */
    int          open;                  /* a block was read */
    int          superseded;
} device_t;


/* Half of a block may be left of the response before. */

static void
device_clear(device_t *d)
{
    free(d->data);
    d->data = NULL;
    d->id[0] = '\0';
    d->name[0] = '\0';
}


/* A block of lines ends with an empty one.  Without data it is no event. */

static void
device_block(device_t *d)
{
    long  interval;

    d->superseded = strcmp(d->name, "superseded") == 0;

    if (d->id[0] && !d->superseded) {           /* that id is a mark */
        memcpy(d->last_id, d->id, sizeof(d->id));
    }

    if (!d->open) {
        d->open = 1;
        printf("%s\topen\t{}\n", d->last_id);
    }

    if (d->data && strcmp(d->name, "ping") == 0) {

        if (sscanf(d->data, "{\"interval\":%ld", &interval) == 1) {
            d->interval = interval;
            curl_easy_setopt(d->curl, CURLOPT_LOW_SPEED_TIME,
                             d->interval + GRACE);
        }

    } else if (d->data && strcmp(d->name, "parked") != 0
               && strcmp(d->name, "position") != 0
               && strcmp(d->name, "retry") != 0)
    {
        printf("%s\t%s\t%s\n", d->id, d->name, d->data);
    }

    fflush(stdout);
    device_clear(d);
}


/* Returns 0 if memory is out. */

static int
device_line(device_t *d, const char *line)
{
    if (line[0] == '\0') {
        device_block(d);

    } else if (strncmp(line, "id: ", 4) == 0) {
        snprintf(d->id, sizeof(d->id), "%s", line + 4);

    } else if (strncmp(line, "event: ", 7) == 0) {
        snprintf(d->name, sizeof(d->name), "%s", line + 7);

    } else if (strncmp(line, "retry: ", 7) == 0) {
        d->retry = strtol(line + 7, NULL, 10);

    } else if (strncmp(line, "data: ", 6) == 0) {
        free(d->data);
        d->data = strdup(line + 6);
        return d->data != NULL;
    }

    return 1;
}


/* Called by libcurl with the next bytes.  Those of an error are not read. */

static size_t
device_read(char *bytes, size_t one, size_t n, void *data)
{
    char      *p, *line;
    long       status;
    size_t     left;
    device_t  *d = data;

    curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &status);

    if (status != 200) {
        return n * one;
    }

    if (n == 0) {                               /* an empty body */
        return 0;
    }

    line = d->len + n > LONGEST_LINE ? NULL : realloc(d->line, d->len + n);

    if (line == NULL) {
        return 0;
    }

    memcpy(line + d->len, bytes, n);
    d->line = line;
    left = d->len + n;

    while ((p = memchr(line, '\n', left)) != NULL) {
        *p = '\0';

        if (!device_line(d, line)) {
            return 0;
        }

        left -= p + 1 - line;
        line = p + 1;
    }

    memmove(d->line, line, left);
    d->len = left;

    return n * one;
}


/* One response, until it ends: its status, or 0 if there was none. */

static long
device_park(device_t *d, const char *url, const char *token)
{
    char                header[128];
    long                status;
    struct curl_slist  *headers;

    headers = curl_slist_append(NULL, "Accept: text/event-stream");

    if (d->last_id[0]) {
        snprintf(header, sizeof(header), "Last-Event-ID: %s", d->last_id);
        headers = curl_slist_append(headers, header);
    }

    curl_easy_setopt(d->curl, CURLOPT_URL, url);
    curl_easy_setopt(d->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(d->curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(d->curl, CURLOPT_XOAUTH2_BEARER, token);
    curl_easy_setopt(d->curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(d->curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(d->curl, CURLOPT_CONNECTTIMEOUT, CONNECT);
    curl_easy_setopt(d->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(d->curl, CURLOPT_LOW_SPEED_TIME, d->interval + GRACE);
    curl_easy_setopt(d->curl, CURLOPT_WRITEFUNCTION, device_read);
    curl_easy_setopt(d->curl, CURLOPT_WRITEDATA, d);

    if (getenv("PIMAP_CA")) {
        curl_easy_setopt(d->curl, CURLOPT_CAINFO, getenv("PIMAP_CA"));
    }

    device_clear(d);
    d->len = 0;
    d->open = 0;
    d->retry = 0;
    status = 0;

    if (headers) {
        d->why = curl_easy_strerror(curl_easy_perform(d->curl));
        curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &status);
    }

    curl_slist_free_all(headers);

    return status;
}


/* usleep() can't sleep for hours.  A signal does not end it. */

static void
device_sleep(double seconds)
{
    struct timespec  time;

    time.tv_sec = seconds;
    time.tv_nsec = (seconds - time.tv_sec) * 1e9;

    while (nanosleep(&time, &time) == -1 && errno == EINTR) { /* void */ }
}


/*
 * After a good response the server has said how long to wait.  Otherwise it is
 * twice as long each time, and not as long as other clients wait.
 */

static void
device_wait(device_t *d, unsigned *failures)
{
    double      seconds;
    curl_off_t  later;

    if (d->retry > 0) {
        *failures = 0;
        device_sleep(d->retry / 1000.0);
        return;
    }

    later = 0;
    curl_easy_getinfo(d->curl, CURLINFO_RETRY_AFTER, &later);

    seconds = *failures < 9 ? 1 << *failures : LONGEST_PAUSE;
    seconds *= 0.5 + drand48() / 2;
    seconds = seconds > later ? seconds : later + drand48();

    device_sleep(seconds);
    (*failures)++;
}


/* Returns the exit status. */

static int
device_run(device_t *d, const char *url, const char *token)
{
    long      status;
    unsigned  failures;

    failures = 0;

    while (d->curl) {
        status = device_park(d, url, token);

        if (d->superseded) {
            return 0;
        }

        if (status >= 400 && status < 500 && status != 429) {
            fprintf(stderr, "the server's answer is %ld\n", status);
            return 1;
        }

        printf("\terror\t{\"status\":%ld,\"why\":\"%s\"}\n", status, d->why);
        fflush(stdout);

        device_wait(d, &failures);
    }

    fprintf(stderr, "libcurl does not start\n");

    return 1;
}


int
main(int argc, char **argv)
{
    int          status;
    device_t     device;
    const char  *token;

    token = getenv("PIMAP_TOKEN");

    if (argc < 2 || token == NULL) {
        fprintf(stderr, "usage: PIMAP_TOKEN=... pimap_client URL [LAST-ID]\n");
        return 2;
    }

    memset(&device, 0, sizeof(device_t));

    device.interval = INTERVAL;
    snprintf(device.last_id, sizeof(device.last_id), "%s",
             argc > 2 ? argv[2] : "");

    srand48(time(NULL) ^ getpid());
    curl_global_init(CURL_GLOBAL_DEFAULT);

    device.curl = curl_easy_init();
    status = device_run(&device, argv[1], token);

    curl_easy_cleanup(device.curl);
    curl_global_cleanup();
    device_clear(&device);
    free(device.line);

    return status;
}
