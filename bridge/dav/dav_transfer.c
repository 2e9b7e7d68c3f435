
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A login goes into a header of ours, which is wiped, and not into libcurl's
 * own options: so it is sent to the one origin only, and is in no log.
 */


#include "dav_transfer.h"
#include "dav_counters.h"
#include "dav_url.h"

#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include <openssl/evp.h>


#define DAV_TRANSFER_RETRY_MAX  (24 * 3600 * 1000u)


static int dav_transfer_set(dav_transfer_t *t, const dav_request_t *request);
static int dav_transfer_headers(dav_transfer_t *t,
    const dav_request_t *request, const dav_login_t *login);
static int dav_transfer_login(dav_transfer_t *t, const dav_login_t *login);
static int dav_transfer_header(dav_transfer_t *t, const char *name,
    const char *value);
static int dav_transfer_start(dav_transfer_t *t);
static size_t dav_transfer_body(char *bytes, size_t size, size_t n,
    void *data);
static size_t dav_transfer_head(char *bytes, size_t size, size_t n,
    void *data);
static int dav_transfer_redirect(dav_transfer_t *t, long status,
    const char **why);
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

    t = bridge_alloc(sizeof(dav_transfer_t));

    TAILQ_INSERT_TAIL(&h->transfers, t, link);
    h->ntransfers++;

    t->http = h;
    t->origin = bridge_string(request->origin);
    t->path = bridge_string(request->path);
    t->max = request->max_answer;
    t->handler = body;
    t->done = done;
    t->data = data;

    if (request->body) {
        t->body = bridge_copy(request->body, request->len);
    }

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

    dav_set(CURLOPT_WRITEFUNCTION, dav_transfer_body);
    dav_set(CURLOPT_WRITEDATA, t);
    dav_set(CURLOPT_HEADERFUNCTION, dav_transfer_head);
    dav_set(CURLOPT_HEADERDATA, t);

    if (t->body) {
        dav_set(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->len);
        dav_set(CURLOPT_POSTFIELDS, t->body);
    }

    dav_set(CURLOPT_CUSTOMREQUEST, request->method);

    return 0;
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
        || dav_transfer_header(t, "Accept", request->accept)
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
    int      rc;
    char    *plain, *value;
    size_t   len;

    if (login == NULL || login->secret == NULL) {
        return 0;
    }

    if (login->bearer) {
        value = bridge_format("Bearer %s", login->secret);

    } else {
        plain = bridge_format("%s:%s", login->user, login->secret);
        len = strlen(plain);
        value = bridge_alloc(len * 4 / 3 + 16);

        strcpy(value, "Basic ");
        EVP_EncodeBlock((unsigned char *) value + 6, (unsigned char *) plain,
                        len);

        bridge_wipe_free(plain, len);
    }

    rc = dav_transfer_header(t, "Authorization", value);

    if (rc == 0 && login->as_header) {
        rc = dav_transfer_header(t, login->as_header, login->as);
    }

    bridge_wipe_free(value, strlen(value));

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

    free(t->etag);
    t->etag = NULL;
    t->retry_after = 0;
    t->received = 0;
    t->http->requests++;

    return curl_multi_add_handle(t->http->multi, t->easy) == CURLM_OK ? 0 : -1;
}


static size_t
dav_transfer_head(char *bytes, size_t size, size_t n, void *data)
{
    dav_transfer_t *t = data;

    char        *value;
    size_t       len;
    time_t       when;
    long         seconds;

    n *= size;
    len = n;

    while (len && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r')) {
        len--;
    }

    if (len > 5 && len < 512 && strncasecmp(bytes, "ETag:", 5) == 0) {
        bytes += 5;
        len -= 5;

        while (len && *bytes == ' ') {
            bytes++;
            len--;
        }

        free(t->etag);
        t->etag = bridge_copy(bytes, len);

    } else if (len > 12 && len < 64
               && strncasecmp(bytes, "Retry-After:", 12) == 0)
    {
        value = bridge_copy(bytes + 12, len - 12);
        when = curl_getdate(value, NULL);
        seconds = when > 0 ? (long) (when - time(NULL)) : atol(value);
        free(value);

        if (seconds > 0) {
            t->retry_after = seconds < DAV_TRANSFER_RETRY_MAX / 1000
                             ? seconds * 1000 : DAV_TRANSFER_RETRY_MAX;
        }
    }

    return n;
}


static size_t
dav_transfer_body(char *bytes, size_t size, size_t n, void *data)
{
    dav_transfer_t *t = data;

    long  status;

    n *= size;
    t->received += n;

    if (t->received > t->max) {
        t->overrun = 1;
        return 0;
    }

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);

    if (status / 100 != 3 && t->handler && t->handler(t->data, bytes, n) != 0)
    {
        t->overrun = 1;
        return 0;
    }

    return n;
}


void
dav_transfer_finish(dav_transfer_t *t, CURLcode code)
{
    long          status = 0;
    const char   *why;
    dav_answer_t  answer;

    memset(&answer, 0, sizeof(answer));

    curl_multi_remove_handle(t->http->multi, t->easy);
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);

    if (code == CURLE_OK && status / 100 == 3 && status != 304) {

        if (dav_transfer_redirect(t, status, &why) == 0) {
            dav_counters.requests[DAV_COUNT_REDIRECT]++;
            return;
        }

        answer.result = DAV_HTTP_LIMIT;
        answer.why = why;

    } else {
        answer.result = dav_transfer_result(t, code);
        answer.why = t->error[0] ? t->error : curl_easy_strerror(code);
    }

    answer.status = (int) status;
    answer.etag = t->etag;
    answer.origin = t->origin;
    answer.path = t->path;
    answer.retry_after = t->retry_after;

    dav_count_answer(&answer);

    /* The handler may cancel everything, but this one is gone already. */

    TAILQ_REMOVE(&t->http->transfers, t, link);
    t->link.tqe_prev = NULL;

    t->done(t->data, &answer);

    dav_transfer_free(t);
}


/*
 * The method stays what it was, as nothing but GET would become GET in any
 * case that we want.  A login goes to no other host, and never from TLS to
 * plain text.
 */

static int
dav_transfer_redirect(dav_transfer_t *t, long status, const char **why)
{
    char  *url, *origin, *full, *path;

    *why = "redirect without an address";

    if (curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &url) != CURLE_OK
        || url == NULL || dav_url_split(url, &origin, &full) == -1)
    {
        return -1;
    }

    path = dav_url_resolve(origin, "/", full);
    free(full);

    if (t->redirects++ == DAV_HTTP_REDIRECTS) {
        *why = "too many redirects";

    } else if (path == NULL || !dav_url_same_host(t->origin, origin)
               || (strncmp(t->origin, "https:", 6) == 0
                   && strcmp(t->origin, origin) != 0))
    {
        *why = "redirect to another host";

    } else {
        free(t->origin);
        free(t->path);
        t->origin = origin;
        t->path = path;

        *why = "out of memory";
        return dav_transfer_start(t);
    }

    free(origin);
    free(path);

    return -1;
}


static dav_http_result_t
dav_transfer_result(dav_transfer_t *t, CURLcode code)
{
    curl_off_t  sent = 0;

    switch (code) {

    case CURLE_OK:
        return DAV_HTTP_OK;

    case CURLE_WRITE_ERROR:
    case CURLE_FILESIZE_EXCEEDED:
        return DAV_HTTP_LIMIT;

    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
        return DAV_HTTP_TLS;

    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return DAV_HTTP_UNSENT;

    default:
        curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &sent);
        return sent ? DAV_HTTP_LOST : DAV_HTTP_UNSENT;
    }
}


/* In its done() a transfer is gone already, and must not be cancelled. */

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

    if (t->link.tqe_prev) {
        TAILQ_REMOVE(&t->http->transfers, t, link);
    }

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
    free(t->etag);
    free(t->body);
    free(t);
}
