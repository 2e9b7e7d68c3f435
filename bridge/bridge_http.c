
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A request for a login waits for the answer of the mail server.  If nginx
 * closes the connection before, libevent frees the request with it, and the
 * request must not be used any more.
 */


#include "bridge_http.h"
#include "bridge_auth.h"
#include "bridge_redis.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/listener.h>

#include <openssl/evp.h>


#define BRIDGE_HTTP_MAX_HEADERS  16384
#define BRIDGE_HTTP_MAX_BODY     1024
#define BRIDGE_HTTP_TIMEOUT      60     /* seconds, of a silent connection */
#define BRIDGE_HTTP_MAX_SECRET   8192


typedef struct {
    struct evhttp_request  *request;
    bridge_auth_wait_t     *wait;
} bridge_http_wait_t;


static struct evhttp_bound_socket *bridge_http_bind(bridge_config_t *config);
static struct evhttp_bound_socket *bridge_http_bind_unix(const char *path);
static void bridge_http_handler(struct evhttp_request *r, void *data);
static void bridge_http_reply(struct evhttp_request *r, int status,
    const char *text);
static void bridge_http_poke(struct evhttp_request *r);
static void bridge_http_page(struct evhttp_request *r,
    int (*page)(struct evbuffer *body), const char *type);
static void bridge_http_auth(struct evhttp_request *r);
static bridge_login_t *bridge_http_login(struct evhttp_request *r);
static bridge_login_t *bridge_http_basic(const char *text);
static bridge_login_t *bridge_http_bearer(const char *user, const char *token);
static int bridge_http_is_user(const char *user, size_t len);
static void bridge_http_gone(struct evhttp_connection *connection, void *data);
static void bridge_http_authenticated(void *data,
    bridge_auth_result_t result, const char *account);
static void bridge_http_refuse(struct evhttp_request *r);


static struct evhttp               *bridge_http;
static struct evhttp_bound_socket  *bridge_http_socket;


int
bridge_http_init(bridge_config_t *config)
{
    bridge_http = evhttp_new(bridge_base);

    if (bridge_http == NULL) {
        return -1;
    }

    evhttp_set_allowed_methods(bridge_http, EVHTTP_REQ_GET|EVHTTP_REQ_HEAD
                                            |EVHTTP_REQ_POST);
    evhttp_set_max_headers_size(bridge_http, BRIDGE_HTTP_MAX_HEADERS);
    evhttp_set_max_body_size(bridge_http, BRIDGE_HTTP_MAX_BODY);
    evhttp_set_timeout(bridge_http, BRIDGE_HTTP_TIMEOUT);
    evhttp_set_default_content_type(bridge_http, NULL);
    evhttp_set_gencb(bridge_http, bridge_http_handler, NULL);

    bridge_http_socket = bridge_http_bind(config);

    return bridge_http_socket ? 0 : -1;
}


int
bridge_http_reload(bridge_config_t *config)
{
    struct evhttp_bound_socket  *new;

    if (strcmp(config->listen, bridge_config->listen) == 0) {
        return 0;
    }

    new = bridge_http_bind(config);
    if (new == NULL) {
        return -1;
    }

    evhttp_del_accept_socket(bridge_http, bridge_http_socket);
    bridge_http_socket = new;

    return 0;
}


void
bridge_http_done(void)
{
    if (bridge_http) {
        evhttp_free(bridge_http);
        bridge_http = NULL;
    }

    if (bridge_config->listen_port == 0) {
        unlink(bridge_config->listen_host);
    }
}


static struct evhttp_bound_socket *
bridge_http_bind(bridge_config_t *config)
{
    struct evhttp_bound_socket  *bound;

    bound = config->listen_port
            ? evhttp_bind_socket_with_handle(bridge_http, config->listen_host,
                                             config->listen_port)
            : bridge_http_bind_unix(config->listen_host);

    if (bound == NULL) {
        bridge_log(BRIDGE_LOG_EMERG, "cannot listen on \"%s\": %s",
                   config->listen, strerror(errno));
    }

    return bound;
}


/* Removes the socket of a former process. */

static struct evhttp_bound_socket *
bridge_http_bind_unix(const char *path)
{
    struct stat             st;
    struct sockaddr_un      sun;
    struct evconnlistener  *listener;

    memset(&sun, 0, sizeof(sun));
    sun.sun_family = AF_UNIX;

    if (strlen(path) >= sizeof(sun.sun_path)) {
        errno = ENAMETOOLONG;
        return NULL;
    }

    strcpy(sun.sun_path, path);

    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
        unlink(path);
    }

    listener = evconnlistener_new_bind(bridge_base, NULL, NULL,
                                 LEV_OPT_CLOSE_ON_FREE|LEV_OPT_CLOSE_ON_EXEC,
                                 -1, (struct sockaddr *) &sun, sizeof(sun));
    if (listener == NULL) {
        return NULL;
    }

    chmod(path, 0660);

    return evhttp_bind_listener(bridge_http, listener);
}


static void
bridge_http_handler(struct evhttp_request *r, void *data)
{
    const char  *path;

    path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(r));
    path = path ? path : "";

    if (strcmp(path, "/auth") == 0) {
        bridge_http_auth(r);

    } else if (strcmp(path, "/poke") == 0) {
        bridge_http_poke(r);

    } else if (strcmp(path, "/metrics") == 0) {
        bridge_http_page(r, bridge_metrics_page, "text/plain; version=0.0.4");

    } else if (strcmp(path, "/healthz") == 0) {
        bridge_http_page(r, bridge_metrics_health, "application/json");

    } else {
        bridge_http_reply(r, 404, "not found\n");
    }
}


static void
bridge_http_reply(struct evhttp_request *r, int status, const char *text)
{
    struct evbuffer      *body;
    struct evkeyvalq     *headers;

    headers = evhttp_request_get_output_headers(r);

    evhttp_add_header(headers, "Content-Type", "text/plain");
    evhttp_add_header(headers, "Cache-Control", "no-store");

    body = evbuffer_new();

    if (body && text) {
        evbuffer_add(body, text, strlen(text));
    }

    evhttp_send_reply(r, status, NULL, body);

    if (body) {
        evbuffer_free(body);
    }
}


/* All bridges are told, as any may have the account. */

static void
bridge_http_poke(struct evhttp_request *r)
{
    int                sent;
    const char        *account, *query;
    struct evkeyvalq   args;

    if (evhttp_request_get_command(r) != EVHTTP_REQ_POST) {
        bridge_http_reply(r, 405, "POST it\n");
        return;
    }

    query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(r));

    if (evhttp_parse_query_str(query ? query : "", &args) != 0) {
        bridge_http_reply(r, 400, "bad query\n");
        return;
    }

    account = evhttp_find_header(&args, "account");

    if (account == NULL || *account == '\0'
        || strlen(account) > BRIDGE_ACCOUNT_MAX)
    {
        bridge_http_reply(r, 400, "no account\n");

    } else {
        sent = bridge_redis_call(NULL, NULL, "PUBLISH %s:poke %s", account)
               != NULL;

        bridge_http_reply(r, sent ? 204 : 503,
                          sent ? NULL : "redis is away\n");
    }

    evhttp_clear_headers(&args);
}


static void
bridge_http_page(struct evhttp_request *r, int (*page)(struct evbuffer *body),
    const char *type)
{
    int               status;
    struct evbuffer  *body;

    body = evbuffer_new();

    if (body) {
        status = page(body);

        evhttp_add_header(evhttp_request_get_output_headers(r),
                          "Content-Type", type);
        evhttp_send_reply(r, status, NULL, body);
        evbuffer_free(body);
    }
}


static void
bridge_http_auth(struct evhttp_request *r)
{
    bridge_login_t      *login;
    bridge_auth_wait_t  *auth;
    bridge_http_wait_t  *wait;

    login = bridge_http_login(r);

    if (login == NULL) {
        bridge_http_refuse(r);
        return;
    }

    wait = bridge_alloc(sizeof(bridge_http_wait_t));
    wait->request = r;

    auth = bridge_auth_check(login, bridge_http_authenticated, wait);

    if (auth) {
        wait->wait = auth;
        evhttp_connection_set_closecb(evhttp_request_get_connection(r),
                                      bridge_http_gone, wait);
    }

    bridge_login_release(&login);
}


static bridge_login_t *
bridge_http_login(struct evhttp_request *r)
{
    const char        *text, *user;
    bridge_login_t    *login;
    struct evkeyvalq  *headers;

    headers = evhttp_request_get_input_headers(r);
    text = evhttp_find_header(headers, "Authorization");

    if (text == NULL) {
        return NULL;
    }

    user = evhttp_find_header(headers, "X-Pimap-User");
    login = NULL;

    if (evutil_ascii_strncasecmp(text, "Basic ", 6) == 0) {
        login = bridge_http_basic(text + 6);

    } else if (user && evutil_ascii_strncasecmp(text, "Bearer ", 7) == 0) {
        login = bridge_http_bearer(user, text + 7);
    }

    /* the request keeps its header until it ends */

    explicit_bzero((char *) text, strlen(text));

    return login;
}


static bridge_login_t *
bridge_http_basic(const char *text)
{
    int              n;
    char            *secret;
    size_t           len;
    unsigned char   *clear;
    bridge_login_t  *login;

    text += strspn(text, " ");
    len = strlen(text);

    if (len == 0 || len % 4 || len > BRIDGE_HTTP_MAX_SECRET) {
        return NULL;
    }

    clear = bridge_alloc(len);
    login = NULL;

    n = EVP_DecodeBlock(clear, (const unsigned char *) text, len);

    n -= text[len - 1] == '=';
    n -= text[len - 2] == '=';

    if (n > 0 && memchr(clear, '\0', n) == NULL) {
        clear[n] = '\0';
        secret = strchr((char *) clear, ':');

        if (secret && bridge_http_is_user((char *) clear,
                                          secret - (char *) clear))
        {
            *secret++ = '\0';

            if (*secret) {
                login = bridge_login_create((char *) clear, secret,
                                            strlen(secret), 0);
            }
        }
    }

    bridge_wipe_free(clear, len);

    return login;
}


static bridge_login_t *
bridge_http_bearer(const char *user, const char *token)
{
    size_t  len;

    token += strspn(token, " ");
    len = strlen(token);

    /* RFC 6750, 2.1: b64token */

    if (len == 0 || len > BRIDGE_HTTP_MAX_SECRET
        || token[strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
                               "uvwxyz0123456789-._~+/=")]
        || !bridge_http_is_user(user, strlen(user)))
    {
        return NULL;
    }

    return bridge_login_create(user, token, len, 1);
}


/* The name is written into a header, into keys of Redis, and into the log. */

static int
bridge_http_is_user(const char *user, size_t len)
{
    size_t  i;

    if (len == 0 || len > BRIDGE_ACCOUNT_MAX || *user == '}') {
        return 0;
    }

    for (i = 0; i < len; i++) {
        if ((unsigned char) user[i] <= 0x20 || user[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


static void
bridge_http_gone(struct evhttp_connection *connection, void *data)
{
    bridge_http_wait_t  *wait = data;

    bridge_auth_gone(wait->wait);

    free(wait);
}


static void
bridge_http_authenticated(void *data, bridge_auth_result_t result,
    const char *account)
{
    struct evhttp_request  *r;
    bridge_http_wait_t     *wait = data;

    r = wait->request;

    if (wait->wait) {
        evhttp_connection_set_closecb(evhttp_request_get_connection(r), NULL,
                                      NULL);
    }

    free(wait);

    switch (result) {

    case BRIDGE_AUTH_GOOD:
        evhttp_add_header(evhttp_request_get_output_headers(r),
                          "X-Pimap-Account", account);
        bridge_http_reply(r, 200, NULL);
        return;

    case BRIDGE_AUTH_BAD:
        bridge_http_refuse(r);
        return;

    default:
        evhttp_add_header(evhttp_request_get_output_headers(r),
                          "Retry-After", "5");
        bridge_http_reply(r, 503, result == BRIDGE_AUTH_BUSY
                          ? "too many logins\n" : "the server is away\n");
    }
}


static void
bridge_http_refuse(struct evhttp_request *r)
{
    evhttp_add_header(evhttp_request_get_output_headers(r),
                      "WWW-Authenticate",
                      "Basic realm=\"mail\", charset=\"UTF-8\"");
    bridge_http_reply(r, 401, "unauthorized\n");
}
