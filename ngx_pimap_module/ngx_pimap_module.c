
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Tables and hooks.  docs/architecture.md shows the rooms behind them.
 */


#include "ngx_pimap.h"
#include "ngx_pimap_accounts.h"
#include "ngx_pimap_device_list.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_delivery.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_conf_location.h"
#include "ngx_pimap_deflate.h"
#include "ngx_pimap_handover.h"
#include "ngx_pimap_locations.h"
#include "ngx_pimap_handover_incoming.h"
#include "ngx_pimap_handover_peer.h"
#include "ngx_pimap_heap.h"
#include "ngx_pimap_hibernate.h"
#include "ngx_pimap_inflate.h"
#include "ngx_pimap_log_reader.h"
#include "ngx_pimap_login.h"
#include "ngx_pimap_spare.h"
#include "ngx_pimap_redis_client.h"
#include "ngx_pimap_transport.h"
#include "ngx_pimap_updates.h"
#include "ngx_pimap_http.h"
#include "ngx_pimap_zone.h"

#include "pimap_version.h"

#include <jansson.h>


static char *ngx_pimap_module_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_pimap_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_pimap_init_module(ngx_cycle_t *cycle);
static ngx_pimap_main_conf_t *ngx_pimap_cycle_conf(ngx_cycle_t *cycle);
static ngx_pimap_main_conf_t *ngx_pimap_process_conf(ngx_cycle_t *cycle);
static ngx_int_t ngx_pimap_init_process(ngx_cycle_t *cycle);
static void ngx_pimap_exit_process(ngx_cycle_t *cycle);


static ngx_pimap_conf_endpoint_t  ngx_pimap_endpoints[] = {
    [NGX_PIMAP_EVENTS] = { NGX_PIMAP_EVENTS, ngx_pimap_events_handler },
    [NGX_PIMAP_PUBLISH] = { NGX_PIMAP_PUBLISH, ngx_pimap_publish_handler },
    [NGX_PIMAP_UPDATE] = { NGX_PIMAP_UPDATE, ngx_pimap_update_handler },
    [NGX_PIMAP_STATUS] = { NGX_PIMAP_STATUS, ngx_pimap_status_handler },
    [NGX_PIMAP_TICKET] = { NGX_PIMAP_TICKET,
                           ngx_pimap_ticket_location_handler },
    [NGX_PIMAP_ACCOUNTS] = { NGX_PIMAP_ACCOUNTS, ngx_pimap_accounts_handler }
};


#define NGX_PIMAP_ANYWHERE                                                    \
    NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF

#define ngx_pimap_main(member)                                                \
    NGX_HTTP_MAIN_CONF_OFFSET, offsetof(ngx_pimap_main_conf_t, member)

#define ngx_pimap_loc(member)                                                 \
    NGX_HTTP_LOC_CONF_OFFSET, offsetof(ngx_pimap_loc_conf_t, member)

/* The row of a directive with one value, by the type of its value. */

#define ngx_pimap_anywhere(name, type, member, post)                          \
    { ngx_string(name), NGX_PIMAP_ANYWHERE|NGX_CONF_TAKE1,                    \
      ngx_pimap_conf_ ## type, ngx_pimap_loc(member), post }

#define ngx_pimap_anywhere_flag(name, member)                                 \
    { ngx_string(name), NGX_PIMAP_ANYWHERE|NGX_CONF_FLAG,                     \
      ngx_conf_set_flag_slot, ngx_pimap_loc(member), NULL }

#define ngx_pimap_in_http(name, type, member, post)                           \
    { ngx_string(name), NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,                    \
      ngx_pimap_conf_ ## type, ngx_pimap_main(member), post }

#define ngx_pimap_in_location(name, endpoint)                                 \
    { ngx_string(name), NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,                    \
      ngx_pimap_conf_endpoint, NGX_HTTP_LOC_CONF_OFFSET, 0,                   \
      &ngx_pimap_endpoints[NGX_PIMAP_ ## endpoint] }


static ngx_command_t  ngx_pimap_commands[] = {

    { ngx_string("pimap_redis"), NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_pimap_conf_redis, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    ngx_pimap_in_http("pimap_zone", size, zone_size,
                      &ngx_pimap_conf_zone_post),
    ngx_pimap_in_location("pimap_events", EVENTS),

    { ngx_string("pimap_publish"),
      NGX_HTTP_LOC_CONF|NGX_CONF_ANY,
      ngx_pimap_publish_conf, NGX_HTTP_LOC_CONF_OFFSET, 0,
      &ngx_pimap_endpoints[NGX_PIMAP_PUBLISH] },

    ngx_pimap_in_location("pimap_update", UPDATE),
    ngx_pimap_in_location("pimap_status", STATUS),
    ngx_pimap_in_location("pimap_ticket", TICKET),
    ngx_pimap_in_location("pimap_accounts", ACCOUNTS),

    { ngx_string("pimap_login"), NGX_PIMAP_ANYWHERE|NGX_CONF_1MORE,
      ngx_pimap_conf_bitmask, ngx_pimap_loc(login),
      &ngx_pimap_login_conf_methods },

    { ngx_string("pimap_account"), NGX_PIMAP_ANYWHERE|NGX_CONF_TAKE1,
      ngx_pimap_conf_name, ngx_pimap_loc(account), NULL },

    ngx_pimap_anywhere("pimap_account_case", enum, account_keep,
                       &ngx_pimap_account_name_cases),

    { ngx_string("pimap_device"), NGX_PIMAP_ANYWHERE|NGX_CONF_TAKE1,
      ngx_pimap_conf_name, ngx_pimap_loc(device), NULL },

    { ngx_string("pimap_token_key"), NGX_PIMAP_ANYWHERE|NGX_CONF_TAKE12,
      ngx_pimap_login_conf_token_key, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    ngx_pimap_anywhere("pimap_token_issuer", str, token_issuer, NULL),
    ngx_pimap_anywhere("pimap_token_audience", str, token_audience, NULL),
    ngx_pimap_anywhere("pimap_token_leeway", sec, token_leeway,
                       &ngx_pimap_login_conf_leeway_post),
    ngx_pimap_anywhere("pimap_token_claim", str, token_claim,
                       &ngx_pimap_login_conf_claim_post),
    ngx_pimap_anywhere("pimap_token_device_claim", str, token_device_claim,
                       NULL),
    ngx_pimap_anywhere("pimap_token_types_claim", str, token_types_claim,
                       NULL),
    ngx_pimap_anywhere("pimap_token_updates_claim", str, token_updates_claim,
                       NULL),

    { ngx_string("pimap_ticket_key"), NGX_PIMAP_ANYWHERE|NGX_CONF_TAKE1,
      ngx_pimap_login_conf_ticket_key, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    ngx_pimap_anywhere("pimap_ticket_time", sec, ticket_time,
                       &ngx_pimap_login_conf_ticket_post),

    { ngx_string("pimap_ticket_updates"), NGX_PIMAP_ANYWHERE|NGX_CONF_1MORE,
      ngx_pimap_login_updates_conf, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("pimap_origin"), NGX_PIMAP_ANYWHERE|NGX_CONF_1MORE,
      ngx_pimap_origin_conf, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    { ngx_string("pimap_ping"), NGX_PIMAP_ANYWHERE|NGX_CONF_TAKE123,
      ngx_pimap_conf_ping, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    ngx_pimap_anywhere("pimap_retry", msec, retry, &ngx_pimap_conf_wait_post),
    ngx_pimap_anywhere("pimap_poll_wait", msec, poll_wait,
                       &ngx_pimap_conf_wait_post),
    ngx_pimap_anywhere("pimap_poll_wait_max", msec, poll_wait_max,
                       &ngx_pimap_conf_wait_post),
    ngx_pimap_anywhere("pimap_poll_linger", msec, poll_linger,
                       &ngx_pimap_conf_linger_post),
    ngx_pimap_anywhere("pimap_buffer", size, buffer, NULL),
    ngx_pimap_anywhere("pimap_send_timeout", msec, send_timeout,
                       &ngx_pimap_conf_wait_post),
    ngx_pimap_anywhere("pimap_end_log_level", enum, end_log_level,
                       &ngx_pimap_conf_levels),

    { ngx_string("pimap_compress"), NGX_PIMAP_ANYWHERE|NGX_CONF_TAKE1,
      ngx_pimap_conf_switch, ngx_pimap_loc(compress), NULL },

    ngx_pimap_anywhere_flag("pimap_compress_dictionary", compress_dictionary),
    ngx_pimap_in_http("pimap_compress_memory", size, compress_memory, NULL),
    ngx_pimap_anywhere_flag("pimap_detach", detach),
    ngx_pimap_anywhere_flag("pimap_hibernate", hibernate),
    ngx_pimap_anywhere("pimap_tls_padding", size, tls_padding,
                       &ngx_pimap_conf_padding_post),
    ngx_pimap_in_http("pimap_drain", msec, drain, NULL),
    ngx_pimap_in_http("pimap_log_length", num, log_length,
                      &ngx_pimap_conf_log_bounds),
    ngx_pimap_in_http("pimap_log_ttl", sec, log_ttl, &ngx_pimap_conf_age_post),
    ngx_pimap_in_http("pimap_gap_check", msec, gap_check,
                      &ngx_pimap_conf_pause_post),
    ngx_pimap_in_http("pimap_coalesce", msec, coalesce,
                      &ngx_pimap_conf_window_post),

    { ngx_string("pimap_presence"), NGX_HTTP_MAIN_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot, ngx_pimap_main(presence), NULL },

    ngx_pimap_in_http("pimap_max_devices", num, max_devices, NULL),
    ngx_pimap_anywhere("pimap_max_devices_per_account", num,
                       max_devices_per_account, NULL),
    ngx_pimap_anywhere("pimap_max_devices_per_ip", num, max_devices_per_ip,
                       NULL),
    ngx_pimap_anywhere("pimap_max_account_length", num, max_account_length,
                       &ngx_pimap_conf_length_bounds),
    ngx_pimap_anywhere("pimap_max_device_length", num, max_device_length,
                       &ngx_pimap_conf_length_bounds),
    ngx_pimap_in_http("pimap_max_event", size, max_event,
                      &ngx_pimap_conf_size_post),
    ngx_pimap_anywhere("pimap_max_body", size, max_body,
                       &ngx_pimap_conf_size_post),
    ngx_pimap_anywhere_flag("pimap_updates", updates),
    ngx_pimap_anywhere("pimap_max_update", size, max_update,
                       &ngx_pimap_conf_size_post),
    ngx_pimap_anywhere("pimap_max_updates", num, max_updates,
                       &ngx_pimap_conf_updates_bounds),
    ngx_pimap_anywhere("pimap_update_rate", num, update_rate,
                       &ngx_pimap_conf_rate_bounds),
    ngx_pimap_anywhere("pimap_update_wait", sec, update_wait, NULL),
    ngx_pimap_in_http("pimap_max_queued_updates", num, max_queued_updates,
                      &ngx_pimap_conf_backlog_bounds),
    ngx_pimap_in_http("pimap_max_updates_per_account", num,
                      max_updates_per_account,
                      &ngx_pimap_conf_backlog_bounds),
    ngx_pimap_in_http("pimap_max_update_bytes_per_account", size,
                      max_update_bytes,
                      &ngx_pimap_conf_account_bytes_post),

      ngx_null_command
};


static ngx_http_module_t  ngx_pimap_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_pimap_postconfiguration,           /* postconfiguration */

    ngx_pimap_create_main_conf,            /* create main configuration */
    ngx_pimap_init_main_conf,              /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_pimap_create_loc_conf,             /* create location configuration */
    ngx_pimap_module_merge_loc_conf        /* merge location configuration */
};


ngx_module_t  ngx_pimap_module = {
    NGX_MODULE_V1,
    &ngx_pimap_module_ctx,                 /* module context */
    ngx_pimap_commands,                    /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_pimap_init_module,                 /* init module */
    ngx_pimap_init_process,                /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_pimap_exit_process,                /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static char *
ngx_pimap_module_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_pimap_loc_conf_t  *prev = parent;
    ngx_pimap_loc_conf_t  *conf = child;

    char  *rv;

    rv = ngx_pimap_merge_loc_conf(cf, prev, conf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (ngx_pimap_login_conf_merge(cf, conf, prev) != NGX_OK
        || ngx_pimap_login_rules(cf, conf, prev) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf->endpoint == NGX_PIMAP_EVENTS && conf->hibernate
        && conf->location && ngx_pimap_hibernate_warn(cf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_pimap_postconfiguration(ngx_conf_t *cf)
{
    ngx_pimap_main_conf_t  *pmcf;

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_pimap_module);

    if (pmcf->used && !pmcf->redis.set) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"pimap_events\", \"pimap_publish\", "
                      "\"pimap_update\", \"pimap_status\" and "
                      "\"pimap_accounts\" need \"pimap_redis\" in "
                      "\"http\"");
        return NGX_ERROR;
    }

    if (pmcf->redis.set
        && ngx_pimap_conf_redis_init(cf, &pmcf->redis) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_pimap_conf_location_init(cf, pmcf) != NGX_OK
        || ngx_pimap_conf_homeless(cf, pmcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_pimap_ticket_conf_check(cf);

    if (pmcf->hibernate && ngx_pimap_hibernate_init(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_pimap_tls_padding_init(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (pmcf->tokens && ngx_pimap_redact_init(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_pimap_zone_create(cf, pmcf);
}


static ngx_int_t
ngx_pimap_init_module(ngx_cycle_t *cycle)
{
    ngx_pimap_main_conf_t  *pmcf;

    pmcf = ngx_pimap_cycle_conf(cycle);
    if (pmcf == NULL) {
        return NGX_OK;
    }

    ngx_pimap_conf_check_cycle(cycle, pmcf);

    if (!ngx_test_config) {
        ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                      "ngx_pimap_module/" PIMAP_VERSION " for " NGINX_VER);
    }

    return ngx_pimap_handover_socket_init_module(cycle);
}


/* NULL without our directives. */

static ngx_pimap_main_conf_t *
ngx_pimap_cycle_conf(ngx_cycle_t *cycle)
{
    ngx_pimap_main_conf_t  *pmcf;

    if (cycle->conf_ctx[ngx_http_module.index] == NULL) {
        return NULL;
    }

    pmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_pimap_module);

    return pmcf && pmcf->redis.set ? pmcf : NULL;
}


/* NULL also in a process that serves no requests. */

static ngx_pimap_main_conf_t *
ngx_pimap_process_conf(ngx_cycle_t *cycle)
{
    return ngx_process == NGX_PROCESS_WORKER
           || ngx_process == NGX_PROCESS_SINGLE ? ngx_pimap_cycle_conf(cycle)
                                                : NULL;
}


/* The verbs of control messages. */

static const ngx_pimap_verb_t  ngx_pimap_verbs[] = {
    { ngx_string("!supersede "), ngx_pimap_supersede_message },
    { ngx_string("!present "), ngx_pimap_supersede_present },
    { ngx_string("!handover "), ngx_pimap_handover_marker_message },
    { ngx_string("!revoke "), ngx_pimap_revoke_message },
    { ngx_string("!login"), ngx_pimap_revoke_login },
    { ngx_string("!devices "), ngx_pimap_device_list_message },
    { ngx_string("!end "), ngx_pimap_device_list_end },
    { ngx_null_string, NULL }
};


static const ngx_pimap_deliver_handlers_t  ngx_pimap_deliver_table = {
    ngx_pimap_verbs,
    ngx_pimap_handover_incoming_event,
    ngx_pimap_update_waiter_result
};


static const ngx_pimap_log_reader_ops_t  ngx_pimap_log_reader_table = {
    ngx_pimap_replay_start,
    ngx_pimap_replay_done
};


/*
 * An account is subscribed.  The order is a contract:
 *
 *  1. the newest request of a device wins, so that no older one gets events;
 *  2. devices and the account look for what they have missed;
 *  3. a marker is published for the devices that are handed over, and what is
 *     published after it is theirs;
 *  4. devices whose logins have been revoked meanwhile are ended;
 *  5. requests that wait for a result send their updates again.  They come
 *     last, because the last waiter that is answered frees the account.
 */

static const ngx_pimap_subscriber_row_t  ngx_pimap_subscribed[] = {
    ngx_pimap_subscriber_row(ngx_pimap_supersede_subscribed),
    ngx_pimap_subscriber_row(ngx_pimap_gap_subscribed),
    ngx_pimap_subscriber_row(ngx_pimap_handover_incoming_subscribed),
    ngx_pimap_subscriber_row(ngx_pimap_revoke_check),
    ngx_pimap_subscriber_row(ngx_pimap_update_waiter_subscribed),
    { NULL, NULL }
};


static void
ngx_pimap_reachable_account(ngx_pimap_account_t *account)
{
    ngx_pimap_supersede_unconfirmed(account);
    ngx_pimap_revoke_check(account);
}


/* Its slot is on its way: messages may go to the other node already. */

static void
ngx_pimap_unsure_account(ngx_pimap_account_t *account)
{
    ngx_pimap_gap_check(account);
    ngx_pimap_revoke_check(account);
}


static const ngx_pimap_redis_handlers_t  ngx_pimap_redis_table = {
    ngx_pimap_deliver,
    ngx_pimap_subscribed,
    ngx_pimap_accounts_request_answered,
    ngx_pimap_revoke_check,
    ngx_pimap_reachable_account,
    ngx_pimap_revoke_stop,
    ngx_pimap_unsure_account
};


static void
ngx_pimap_release_account(ngx_pimap_account_t *account)
{
    ngx_pimap_coalesce_forget(account);
    ngx_pimap_backlog_forget(account);
}


static ngx_int_t
ngx_pimap_init_process(ngx_cycle_t *cycle)
{
    ngx_pimap_main_conf_t  *pmcf;

    ngx_pimap_handover_socket_init_process();

    pmcf = ngx_pimap_process_conf(cycle);
    if (pmcf == NULL) {
        return NGX_OK;
    }

    /*
     * the time is the one of when the master began to start workers: timers
     * that are set now would run out too early
     */

    ngx_time_update();

    /* jansson would read /dev/urandom at the first event */

    json_object_seed(0);

    ngx_pimap_heap_init_process(cycle);
    ngx_pimap_compressed_stream_init_process(pmcf->compress_memory,
                                             512 * 1024);

    ngx_pimap_subscription_init_process();
    ngx_pimap_account_init_process(ngx_pimap_release_account);
    ngx_pimap_log_reader_init_process(&ngx_pimap_log_reader_table);
    ngx_pimap_device_init_process(cycle);
    ngx_pimap_revoke_init_process(cycle);
    ngx_pimap_deliver_init_process(&ngx_pimap_deliver_table);
    ngx_pimap_gap_check_init_process(cycle, pmcf->gap_check);
    ngx_pimap_coalesce_init_process(cycle, pmcf->coalesce);
    ngx_pimap_backlog_init_process(cycle, ngx_pimap_gap_read);
    ngx_pimap_update_waiter_init_process();
    ngx_pimap_accounts_request_init_process();
    ngx_pimap_departure_init_process(cycle);
    ngx_pimap_spare_init_process(cycle);
    ngx_pimap_pace_init_process(cycle);

    if (ngx_pimap_zone_init_process(cycle) != NGX_OK
        || ngx_pimap_poll_init_process(cycle) != NGX_OK
        || ngx_pimap_supersede_init_process(cycle) != NGX_OK
        || ngx_pimap_drain_init_process(cycle) != NGX_OK
        || ngx_pimap_handover_peer_init_process(cycle) != NGX_OK
        || ngx_pimap_handover_sender_init_process(cycle) != NGX_OK
        || ngx_pimap_handover_incoming_init_process(cycle) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (pmcf->hibernate && ngx_pimap_hibernate_init_process(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_pimap_redis_client_open(cycle, pmcf, &ngx_pimap_redis_table)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_pimap_handover_receiver_init_process(cycle);
}


static void
ngx_pimap_exit_process(ngx_cycle_t *cycle)
{
    if (ngx_pimap_process_conf(cycle) == NULL) {
        return;
    }

    ngx_pimap_handover_incoming_exit_process();
    ngx_pimap_handover_receiver_exit_process();
    ngx_pimap_handover_peer_exit_process();
    ngx_pimap_redis_client_close();
    ngx_pimap_hibernate_exit_process();
    ngx_pimap_deflate_exit_process();
    ngx_pimap_inflate_exit_process();
    ngx_pimap_zone_exit_process();
}
