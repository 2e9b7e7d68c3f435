
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The login is a header, which is wiped, and no option of libcurl.  So it is
 * sent to this host only, and is in no log.
 */


#include "dav_transfer.h"
#include "bridge_buffer.h"
#include "dav_counters.h"
#include "dav_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include <glib.h>


#define DAV_TRANSFER_RETRY_MAX  (24 * 3600)     /* seconds */
#define DAV_TRANSFER_ETAG_MAX   512


static int dav_transfer_set(dav_transfer_t *t, const dav_request_t *request);
static int dav_transfer_sending(void *data, char *to, char *from, int to_port,
    int from_port);
static int dav_transfer_is_redirect(long status);
static void dav_transfer_scheme(dav_transfer_t *t, dav_answer_t *answer);
static curl_socket_t dav_transfer_socket(void *data, curlsocktype purpose,
    struct curl_sockaddr *to);
static int dav_transfer_headers(dav_transfer_t *t,
    const dav_request_t *request, const dav_login_t *login);
static int dav_transfer_login(dav_transfer_t *t, const dav_login_t *login);
static int dav_transfer_header(dav_transfer_t *t, const char *name,
    const char *value);
static int dav_transfer_start(dav_transfer_t *t);
static size_t dav_transfer_body(char *bytes, size_t size, size_t n,
    void *data);
static void dav_transfer_answer(dav_transfer_t *t, dav_answer_t *answer);
static const char *dav_transfer_redirect(dav_transfer_t *t);
static dav_http_result_t dav_transfer_result(dav_transfer_t *t,
    CURLcode code);
static void dav_transfer_free(dav_transfer_t *t);


dav_transfer_t *
dav_http_send(dav_http_t *h, const dav_request_t *request,
    const dav_login_t *login, dav_body_pt body, dav_done_pt done, void *data)
{
    dav_transfer_t  *t;

    if (h->ntransfers >= h->conf->max_waiting) {
        return NULL;
    }

    h->ntransfers++;

    t = bridge_alloc(sizeof(dav_transfer_t));
    t->http = h;
    t->origin = bridge_string(request->origin);
    t->path = bridge_string(request->path);
    t->max = request->max_answer;
    t->handler = body;
    t->done = done;
    t->data = data;

    t->easy = curl_easy_init();

    if (t->easy == NULL
        || dav_transfer_set(t, request) == -1
        || dav_transfer_headers(t, request, login) == -1
        || dav_transfer_start(t) == -1)
    {
        dav_transfer_free(t);
        return NULL;
    }

    return t;
}


static int
dav_transfer_set(dav_transfer_t *t, const dav_request_t *request)
{
    CURL                   *c = t->easy;
    const dav_http_conf_t  *conf = t->http->conf;

#define dav_set(option, value)                                                \
    if (curl_easy_setopt(c, option, value) != CURLE_OK) return -1

    dav_set(CURLOPT_PRIVATE, t);
    dav_set(CURLOPT_ERRORBUFFER, t->error);
    dav_set(CURLOPT_NOSIGNAL, 1L);
    dav_set(CURLOPT_PROTOCOLS_STR, "http,https");
    dav_set(CURLOPT_PATH_AS_IS, 1L);
    dav_set(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS);
    dav_set(CURLOPT_PIPEWAIT, 1L);
    dav_set(CURLOPT_TCP_KEEPALIVE, 1L);
    dav_set(CURLOPT_MAXAGE_CONN, 300L);
    dav_set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    dav_set(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
    dav_set(CURLOPT_PROXY, "");
    dav_set(CURLOPT_FOLLOWLOCATION, 0L);
    dav_set(CURLOPT_USERAGENT, BRIDGE_NAME "/" BRIDGE_VERSION);

    dav_set(CURLOPT_CONNECTTIMEOUT_MS, (long) conf->connect);
    dav_set(CURLOPT_TIMEOUT_MS, (long) conf->answer);
    dav_set(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    dav_set(CURLOPT_SSL_VERIFYPEER, (long) conf->verify);
    dav_set(CURLOPT_SSL_VERIFYHOST, conf->verify ? 2L : 0L);

    if (conf->ca_file) {
        dav_set(CURLOPT_CAINFO, conf->ca_file);
        dav_set(CURLOPT_CAPATH, NULL);
    }

    dav_set(CURLOPT_OPENSOCKETFUNCTION, dav_transfer_socket);
    dav_set(CURLOPT_PREREQFUNCTION, dav_transfer_sending);
    dav_set(CURLOPT_PREREQDATA, t);
    dav_set(CURLOPT_WRITEFUNCTION, dav_transfer_body);
    dav_set(CURLOPT_WRITEDATA, t);

    if (request->body) {
        dav_set(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->len);
        dav_set(CURLOPT_COPYPOSTFIELDS, request->body);
    }

    dav_set(CURLOPT_CUSTOMREQUEST, request->method);

    return 0;
}


/*
 * A connection is there, and the request is sent.  libcurl sends it again if
 * a connection that was kept ends before the answer.
 */

static int
dav_transfer_sending(void *data, char *to, char *from, int to_port,
    int from_port)
{
    dav_transfer_t *t = data;

    t->sent++;

    return CURL_PREREQFUNC_OK;
}


static curl_socket_t
dav_transfer_socket(void *data, curlsocktype purpose, struct curl_sockaddr *to)
{
    return socket(to->family, to->socktype|SOCK_CLOEXEC, to->protocol);
}


static int
dav_transfer_headers(dav_transfer_t *t, const dav_request_t *request,
    const dav_login_t *login)
{
    char  depth[8];

    depth[0] = '0' + (request->depth > 0);
    depth[1] = '\0';

    if (dav_transfer_header(t, "Depth", request->depth < 0 ? NULL : depth)
        || dav_transfer_header(t, "Content-Type", request->type)
        || dav_transfer_header(t, "If-Match", request->if_match)
        || dav_transfer_header(t, "If-None-Match", request->if_none_match)
        || dav_transfer_header(t, "Expect", "")
        || dav_transfer_login(t, login))
    {
        return -1;
    }

    return curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers)
           == CURLE_OK ? 0 : -1;
}


static int
dav_transfer_login(dav_transfer_t *t, const dav_login_t *login)
{
    int               rc;
    char             *plain;
    bridge_buffer_t   value;

    if (login == NULL || login->secret == NULL) {
        return 0;
    }

    memset(&value, 0, sizeof(value));

    if (login->bearer) {
        bridge_buffer_text(&value, "Bearer ");
        bridge_buffer_text(&value, login->secret);

    } else {
        plain = bridge_format("%s:%s", login->user, login->secret);
        bridge_buffer_text(&value, "Basic ");
        bridge_buffer_base64(&value, plain, strlen(plain));
        bridge_wipe_free(plain, strlen(plain));
    }

    bridge_buffer_char(&value, '\0');

    rc = dav_transfer_header(t, "Authorization", value.data);
    bridge_buffer_free(&value);

    if (rc == 0 && login->as_header) {
        rc = dav_transfer_header(t, login->as_header, login->as);
    }

    return rc;
}


/* An empty value stops libcurl from sending a header of its own. */

static int
dav_transfer_header(dav_transfer_t *t, const char *name, const char *value)
{
    char               *line;
    struct curl_slist  *headers;

    if (value == NULL) {
        return 0;
    }

    if (strpbrk(value, "\r\n")) {
        return -1;
    }

    line = bridge_format("%s:%s%s", name, *value ? " " : "", value);
    headers = curl_slist_append(t->headers, line);
    bridge_wipe_free(line, strlen(line));

    if (headers == NULL) {
        return -1;
    }

    t->headers = headers;

    return 0;
}


static int
dav_transfer_start(dav_transfer_t *t)
{
    char      *url;
    CURLcode   code;

    url = bridge_format("%s%s", t->origin, t->path);
    code = curl_easy_setopt(t->easy, CURLOPT_URL, url);
    free(url);

    if (code != CURLE_OK) {
        return -1;
    }

    t->received = 0;
    t->sent = 0;
    t->http->requests++;

    return curl_multi_add_handle(t->http->multi, t->easy) == CURLM_OK ? 0 : -1;
}


static size_t
dav_transfer_body(char *bytes, size_t size, size_t n, void *data)
{
    dav_transfer_t *t = data;

    long  status;

    n *= size;
    t->received += n;

    if (t->received > t->max) {
        return 0;
    }

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);

    return !dav_transfer_is_redirect(status) && t->handler
           && t->handler(t->data, bytes, n) != 0 ? 0 : n;
}


void
dav_transfer_finish(dav_transfer_t *t, CURLcode code)
{
    long          status = 0;
    dav_answer_t  answer;

    memset(&answer, 0, sizeof(answer));

    curl_multi_remove_handle(t->http->multi, t->easy);
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);

    if (code == CURLE_OK && dav_transfer_is_redirect(status)) {
        answer.result = DAV_HTTP_LIMIT;
        answer.why = dav_transfer_redirect(t);

        if (answer.why == NULL) {
            dav_counters.requests[DAV_COUNT_REDIRECT]++;
            return;
        }

    } else {
        answer.result = dav_transfer_result(t, code);
        answer.why = t->error[0] ? t->error : curl_easy_strerror(code);
    }

    answer.status = (int) status;
    answer.origin = t->origin;
    answer.path = t->path;
    answer.resent = t->sent > 1;
    dav_transfer_answer(t, &answer);

    dav_count_answer(&answer);

    t->done(t->data, &answer);
    dav_transfer_free(t);
}


/* RFC 9110, 10.2.3: Retry-After is a date or a number of seconds. */

static void
dav_transfer_answer(dav_transfer_t *t, dav_answer_t *answer)
{
    long                seconds;
    time_t              when;
    struct curl_header  *h;

    if (curl_easy_header(t->easy, "Retry-After", 0, CURLH_HEADER, -1, &h)
        == CURLHE_OK)
    {
        when = curl_getdate(h->value, NULL);
        seconds = when > 0 ? (long) (when - time(NULL)) : atol(h->value);

        if (seconds > 0) {
            answer->retry_after = seconds < DAV_TRANSFER_RETRY_MAX
                                  ? seconds * 1000
                                  : DAV_TRANSFER_RETRY_MAX * 1000;
        }
    }

    if (answer->status == 401) {
        dav_transfer_scheme(t, answer);
    }

    /* the value is valid as long as the handle is not used again */

    if (curl_easy_header(t->easy, "ETag", 0, CURLH_HEADER, -1, &h)
        == CURLHE_OK && strlen(h->value) < DAV_TRANSFER_ETAG_MAX)
    {
        answer->etag = h->value;
    }
}


/* The first one, if it is neither Basic nor Bearer. */

static void
dav_transfer_scheme(dav_transfer_t *t, dav_answer_t *answer)
{
    size_t               i, len;
    struct curl_header  *h;

    for (i = 0;
         curl_easy_header(t->easy, "WWW-Authenticate", i, CURLH_HEADER, -1, &h)
         == CURLHE_OK;
         i++)
    {
        for (len = 0; g_ascii_isalnum(h->value[len]); len++) { /* void */ }

        if (strncasecmp(h->value, "Basic", len) == 0
            || strncasecmp(h->value, "Bearer", len) == 0)
        {
            answer->scheme = NULL;
            return;
        }

        if (i == 0) {
            snprintf(t->scheme, sizeof(t->scheme), "%.*s", (int) len,
                     h->value);
            answer->scheme = t->scheme;
        }
    }
}


static int
dav_transfer_is_redirect(long status)
{
    return status == 301 || status == 302 || status == 307 || status == 308;
}


/*
 * The method stays, because only GET may become GET.  A login goes to no
 * other host or port, but from plain text to TLS.  Returns NULL or the reason
 * for a refusal.
 */

static const char *
dav_transfer_redirect(dav_transfer_t *t)
{
    char        *url, *origin, *full, *path;
    const char  *why;

    if (curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &url) != CURLE_OK
        || url == NULL || dav_url_split(url, &origin, &full) == -1)
    {
        return "redirect without an address";
    }

    path = dav_url_resolve(origin, "/", full);
    free(full);

    if (t->redirects++ == DAV_HTTP_REDIRECTS) {
        why = "too many redirects";

    } else if (path == NULL || !dav_url_same_host(t->origin, origin)) {
        why = "redirect to another host";

    } else if (strcmp(t->origin, origin) != 0
               && (strncmp(t->origin, "https:", 6) == 0
                   || strncmp(origin, "https:", 6) != 0))
    {
        why = "redirect to another port, or from TLS to plain text";

    } else {
        free(t->origin);
        free(t->path);
        t->origin = origin;
        t->path = path;

        return dav_transfer_start(t) == 0 ? NULL : "out of memory";
    }

    free(origin);
    free(path);

    return why;
}


static dav_http_result_t
dav_transfer_result(dav_transfer_t *t, CURLcode code)
{
    switch (code) {

    case CURLE_OK:
        return DAV_HTTP_OK;

    case CURLE_WRITE_ERROR:
    case CURLE_FILESIZE_EXCEEDED:
        return DAV_HTTP_LIMIT;

    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
        return t->sent ? DAV_HTTP_LOST : DAV_HTTP_TLS;

    default:
        return t->sent ? DAV_HTTP_LOST : DAV_HTTP_UNSENT;
    }
}


const char *
dav_transfer_path(const dav_transfer_t *t)
{
    return t->path;
}


/* Not within its done(). */

void
dav_http_cancel(dav_transfer_t *t)
{
    curl_multi_remove_handle(t->http->multi, t->easy);
    dav_transfer_free(t);
}


static void
dav_transfer_free(dav_transfer_t *t)
{
    struct curl_slist  *h;

    t->http->ntransfers--;

    if (t->easy) {
        curl_easy_cleanup(t->easy);
    }

    for (h = t->headers; h; h = h->next) {
        explicit_bzero(h->data, strlen(h->data));
    }

    curl_slist_free_all(t->headers);
    free(t->origin);
    free(t->path);
    free(t);
}
