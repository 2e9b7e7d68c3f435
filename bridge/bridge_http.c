
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A request for a login waits for the answer of the mail server.  If nginx
 * closes the connection before, libevent frees the request with it, and the
 * request must not be used any more.
 */


#include "bridge_http.h"
#include "bridge_account.h"
#include "pimap_account.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/listener.h>

#define BRIDGE_HTTP_MAX_HEADERS  16384
#define BRIDGE_HTTP_MAX_BODY     1024
#define BRIDGE_HTTP_TIMEOUT      60     /* seconds, of a silent connection */


typedef struct {
    struct evhttp_request  *request;
    bridge_auth_wait_t     *wait;
} bridge_http_wait_t;


static struct evhttp_bound_socket *bridge_http_bind(bridge_config_t *config);
static struct evhttp_bound_socket *bridge_http_bind_unix(const char *path);
static void bridge_http_handler(struct evhttp_request *r, void *data);
static void bridge_http_reply(struct evhttp_request *r, int status,
    const char *text);
static int bridge_http_is_page(struct evhttp_request *r);
static void bridge_http_poke(struct evhttp_request *r);
static bridge_command_t *bridge_http_poke_send(const char *account);
static void bridge_http_page(struct evhttp_request *r,
    int (*page)(struct evbuffer *body, const char *query), const char *type);
static void bridge_http_auth(struct evhttp_request *r);
static void bridge_http_limited(struct evhttp_request *r,
    bridge_login_t *login, unsigned seconds);
static void bridge_http_gone(struct evhttp_connection *connection, void *data);
static void bridge_http_authenticated(void *data,
    bridge_auth_result_t result, const char *text);
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

    } else if (strcmp(path, "/accounts") == 0) {
        bridge_http_page(r, bridge_accounts_page, "application/json");

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


/*
 * A browser would send a request for a page of any site.  It adds one of these
 * headers, and no other client does.
 */

static int
bridge_http_is_page(struct evhttp_request *r)
{
    struct evkeyvalq  *headers;

    headers = evhttp_request_get_input_headers(r);

    return evhttp_find_header(headers, "Origin")
           || evhttp_find_header(headers, "Sec-Fetch-Site");
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

    if (bridge_http_is_page(r)) {
        bridge_http_reply(r, 403, "a page can't poke\n");
        return;
    }

    query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(r));

    if (evhttp_parse_query_str(query ? query : "", &args) != 0) {
        bridge_http_reply(r, 400, "bad query\n");
        return;
    }

    account = evhttp_find_header(&args, "account");

    if (account == NULL || strlen(account) > BRIDGE_ACCOUNT_MAX
        || pimap_account_refusal(account, strlen(account)))
    {
        bridge_http_reply(r, 400, "no account, or an invalid one\n");

    } else {
        sent = bridge_http_poke_send(account) != NULL;

        bridge_http_reply(r, sent ? 204 : 503,
                          sent ? NULL : "redis is away\n");
    }

    evhttp_clear_headers(&args);
}


/* All bridges listen to all partitions. */

static bridge_command_t *
bridge_http_poke_send(const char *account)
{
    unsigned  partition;

    if (!bridge_redis_conf_is_cluster(bridge_redis_conf)) {
        return bridge_redis_call(0, NULL, NULL, "PUBLISH %s" PIMAP_REDIS_POKE
                                 " %s", account);
    }

    partition = bridge_redis_partition(account);

    return bridge_redis_call(bridge_redis_slot_partition(PIMAP_REDIS_POKE,
                                                         partition),
                             NULL, NULL, "SPUBLISH %s" PIMAP_REDIS_POKE
                             PIMAP_REDIS_PARTITION " %s", partition, account);
}


static void
bridge_http_page(struct evhttp_request *r,
    int (*page)(struct evbuffer *body, const char *query), const char *type)
{
    int               status;
    struct evbuffer  *body;

    body = evbuffer_new();

    if (body) {
        status = page(body, evhttp_uri_get_query(
                            evhttp_request_get_evhttp_uri(r)));

        evhttp_add_header(evhttp_request_get_output_headers(r),
                          "Content-Type", type);
        evhttp_send_reply(r, status, NULL, body);
        evbuffer_free(body);
    }
}


static void
bridge_http_auth(struct evhttp_request *r)
{
    unsigned             seconds;
    bridge_login_t      *login;
    bridge_auth_wait_t  *auth;
    bridge_http_wait_t  *wait;

    login = bridge_http_login(r);

    if (login == NULL) {
        bridge_http_refuse(r);
        return;
    }

    seconds = bridge_auth_limit(login);

    if (seconds) {
        bridge_http_limited(r, login, seconds);
        bridge_login_release(&login);
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


/* No line at "notice": a stranger would choose how many. */

static void
bridge_http_limited(struct evhttp_request *r, bridge_login_t *login,
    unsigned seconds)
{
    char  after[16], address[BRIDGE_ADDRESS_TEXT];

    bridge_log(BRIDGE_LOG_INFO, "login of \"%s\" from %s is not tried: too "
               "many were refused, %u s", login->user,
               bridge_address_text(&login->client, address), seconds);

    bridge_counters.auth[BRIDGE_AUTH_LIMITED]++;

    evutil_snprintf(after, sizeof(after), "%u", seconds);
    evhttp_add_header(evhttp_request_get_output_headers(r), "Retry-After",
                      after);
    bridge_http_reply(r, 429, "too many logins from this address, or of this "
                      "account, were refused\n");
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
    const char *text)
{
    char                   *body;
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
                          "X-Pimap-Account", text);
        bridge_http_reply(r, 200, NULL);
        return;

    case BRIDGE_AUTH_BAD:
        bridge_http_refuse(r);
        return;

    default:
        evhttp_add_header(evhttp_request_get_output_headers(r),
                          "Retry-After", "5");
        body = bridge_format("the login can't be checked: %s\n", text);
        bridge_http_reply(r, 503, body);
        free(body);
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
