
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Topologies of clusters, from the replies to CLUSTER SHARDS and CLUSTER
 * SLOTS, and from redirections.
 */


#include "pimap_redis_topology.h"
#include "redis_reply.h"
#include "tap.h"


#define NODE(id, endpoint, port, role, health)                                \
    "[\"id\" \"" id "\" \"port\" " port " \"ip\" \"10.0.0.9\" \"endpoint\" "  \
    endpoint " \"role\" \"" role "\" \"replication-offset\" 7 \"health\" \""  \
    health "\"] "

#define SHARD(slots, nodes)                                                   \
    "[\"slots\" [" slots "] \"nodes\" [" nodes "]] "

#define A  NODE("a", "\"10.0.0.1\"", "6379", "master", "online")
#define B  NODE("b", "\"10.0.0.2\"", "6379", "master", "online")
#define C  NODE("c", "\"10.0.0.3\"", "6380", "replica", "online")


static pimap_redis_topology_t *
shards(const char *text, int tls, const char **why)
{
    redisReply              *reply;
    pimap_redis_topology_t  *t;

    static char  copy[128];

    *why = "";
    reply = reply_of(text);
    t = pimap_redis_topology_shards(reply, "192.0.2.1", tls, why);

    snprintf(copy, sizeof(copy), "%s", *why);
    *why = copy;

    freeReplyObject(reply);

    return t;
}


static void
is_owner(pimap_redis_topology_t *t, unsigned slot, const char *expected,
    const char *name)
{
    char                 text[300];
    pimap_redis_node_t  *node;

    node = t ? pimap_redis_topology_owner(t, slot) : NULL;

    if (node) {
        snprintf(text, sizeof(text), "%s:%u", node->host, node->port);
    }

    tap_is_str(node ? text : NULL, expected, name);
}


static void
good(void)
{
    const char              *why;
    pimap_redis_topology_t  *t;

    t = shards("[" SHARD("0 5 7 8", C A) SHARD("9 16383", B) "]", 0, &why);
    is_owner(t, 5, "10.0.0.1:6379", "the master of a shard, behind a replica");
    is_owner(t, 6, NULL, "a slot between two ranges");
    is_owner(t, 7, "10.0.0.1:6379", "the second range");
    is_owner(t, 16383, "10.0.0.2:6379", "the last slot");
    is_owner(t, 16384, NULL, "a slot that does not exist");
    tap_is_int(t->unassigned, 1, "one slot has no master");
    tap_is_int(t->nnodes, 3, "nodes");
    tap_ok(!t->nodes[0].master && t->nodes[1].master, "roles");
    tap_is_int(t->nodes[1].slots, 8, "slots of the first master");
    tap_is_str(t->nodes[0].id, "c", "the id");
    tap_is_int(pimap_redis_topology_find(t, "10.0.0.3", 6380), 0, "found");
    tap_is_int(pimap_redis_topology_find(t, "10.0.0.3", 6379),
               PIMAP_REDIS_NO_NODE, "the port counts");
    tap_is_int(pimap_redis_topology_slot_of(t, 2), 9, "a slot of a node");
    tap_is_int(pimap_redis_topology_slot_of(t, 0), PIMAP_REDIS_SLOTS,
               "a replica has none");
    tap_is_int(pimap_redis_topology_slot_of(t, PIMAP_REDIS_NO_NODE),
               PIMAP_REDIS_SLOTS, "no node has none");
    pimap_redis_topology_free(t);

    t = shards("[" SHARD("0 9",
                   NODE("o", "\"10.0.0.7\"", "1", "master", "fail")
                   NODE("n", "\"10.0.0.8\"", "1", "master", "online")
                   NODE("l", "\"10.0.0.6\"", "1", "master", "loading"))
               SHARD("10 11", NODE("f", "\"h\"", "2", "master", "fail"))
               "]", 0, &why);
    is_owner(t, 0, "10.0.0.8:1", "a master that works, before a failed one");
    is_owner(t, 10, "h:2", "a failed master is better than none");
    tap_ok(t->nodes[0].failed && !t->nodes[1].failed && t->nodes[2].failed,
           "health");
    pimap_redis_topology_free(t);
}


static void
endpoints(void)
{
    const char              *why;
    pimap_redis_topology_t  *t;

    t = shards("[" SHARD("0 0", NODE("a", "\"\"", "1", "master", "online"))
               SHARD("1 1", NODE("b", "~", "2", "master", "online"))
               SHARD("2 2", NODE("c", "\"?\"", "3", "master", "online"))
               SHARD("3 3", NODE("d", "\"n.example\"", "4", "master",
                                 "online"))
               SHARD("4 4", NODE("e", "\"::1\"", "5", "master", "online"))
               SHARD("5 5", NODE("f", "\"a b\"", "6", "master", "online"))
               SHARD("6 6", NODE("g", "\"h\"", "0", "master", "online"))
               SHARD("7 7", NODE("h", "\"h\"", "65536", "master", "online"))
               SHARD("8 8", NODE("i", "7", "1", "master", "online"))
               SHARD("9 9", "[] [1] 3")
               "]", 0, &why);
    is_owner(t, 0, "192.0.2.1:1", "an empty endpoint: the host asked");
    is_owner(t, 1, "192.0.2.1:2", "no endpoint: the host asked");
    is_owner(t, 2, "10.0.0.9:3", "no host name: the address");
    is_owner(t, 3, "n.example:4", "a host name");
    is_owner(t, 4, "::1:5", "IPv6");
    is_owner(t, 5, NULL, "a host with a space is left out");
    is_owner(t, 6, NULL, "port 0 is left out");
    is_owner(t, 7, NULL, "port 65536 is left out");
    is_owner(t, 8, NULL, "a number is no host");
    is_owner(t, 9, NULL, "nodes that are no maps");
    pimap_redis_topology_free(t);

    t = shards("[" SHARD("0 0", "[\"role\" \"master\" \"endpoint\" \"h\" "
                                "\"port\" 1 \"tls-port\" 2]") "]", 1, &why);
    is_owner(t, 0, "h:2", "the port for TLS");
    tap_ok(t && !t->nodes[0].failed && !*t->nodes[0].id,
           "no health, no id");
    pimap_redis_topology_free(t);

    t = shards("[" SHARD("0 0", A A) SHARD("1 1", A) "]", 0, &why);
    tap_ok(t && t->nnodes == 1 && t->nodes[0].slots == 2,
           "a node that comes again is one node");
    pimap_redis_topology_free(t);
}


static void
bad(void)
{
    size_t                   i;
    const char              *why;
    pimap_redis_topology_t  *t;

    static const struct {
        const char  *text;
        int          tls;
        const char  *why;
    } replies[] = {
        { "!ERR This instance has cluster support disabled!", 0,
          "ERR This instance has cluster support disabled" },
        { "\"a\"", 0, "the topology is no list" },
        { "[]", 0, "no node of the topology has a host and a port" },
        { "[" SHARD("0 0", A) "]", 1,
          "no node of the topology has a host and a port for TLS" },
        { "[7]", 0, "a shard has no slots or no nodes" },
        { "[[\"slots\" [0 1]]]", 0, "a shard has no slots or no nodes" },
        { "[[\"slots\" 3 \"nodes\" []]]", 0,
          "a shard has no slots or no nodes" },
        { "[" SHARD("0 1 2", A) "]", 0, "a shard has no slots or no nodes" },
        { "[" SHARD("1 0", A) "]", 0, "a range of slots is malformed" },
        { "[" SHARD("-1 0", A) "]", 0, "a range of slots is malformed" },
        { "[" SHARD("0 16384", A) "]", 0, "a range of slots is malformed" },
        { "[" SHARD("\"0\" 1", A) "]", 0, "a range of slots is malformed" },
        { "[" SHARD("0 5 5 6", A) "]", 0, "a slot has two masters" },
        { "[" SHARD("", A) "]", 0, "no slot of the topology has a master" },
        { "[" SHARD("0 16383", C) "]", 0,
          "no slot of the topology has a master" },
    };

    for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        t = shards(replies[i].text, replies[i].tls, &why);
        tap_ok(t == NULL, replies[i].why);
        tap_is_str(why, replies[i].why, "the reason");
        pimap_redis_topology_free(t);
    }
}


static void
moves(void)
{
    char                     host[300];
    unsigned                 i;
    pimap_redis_topology_t  *t;

    t = pimap_redis_topology_single("h", 1);
    is_owner(t, 16383, "h:1", "a single node has all slots");
    tap_ok(t && t->unassigned == 0 && t->nodes[0].slots == 16384
           && t->nodes[0].master, "all of them");
    tap_is_int(pimap_redis_topology_move(t, 7, "n", 2), 1, "a new node");
    tap_is_int(pimap_redis_topology_move(t, 8, "n", 2), 1, "a known node");
    is_owner(t, 7, "n:2", "it has the slot now");
    tap_ok(t->nodes[0].slots == 16382 && t->nodes[1].slots == 2, "counts");
    tap_is_int(pimap_redis_topology_move(t, 16384, "n", 2),
               PIMAP_REDIS_NO_NODE, "a slot that does not exist");

    for (i = 3; i <= PIMAP_REDIS_MAX_NODES; i++) {
        pimap_redis_topology_move(t, i, "m", i);
    }

    tap_is_int(t->nnodes, PIMAP_REDIS_MAX_NODES, "many nodes");
    tap_is_int(pimap_redis_topology_move(t, 9, "more", 1),
               PIMAP_REDIS_NO_NODE, "one too many");
    is_owner(t, 9, "m:9", "the slot stays");
    pimap_redis_topology_free(t);

    memset(host, 'a', sizeof(host));
    host[256] = '\0';
    tap_ok(pimap_redis_topology_single(host, 1) == NULL,
           "a host of 256 bytes");
}


static void
slots(void)
{
    size_t                   i;
    const char              *why;
    redisReply              *reply;
    pimap_redis_topology_t  *t;

    static const char  *wrong[][2] = {
        { "[7]", "a range of slots has no node" },
        { "[[0 1]]", "a range of slots has no node" },
        { "[[0 1 7]]", "a node of a range of slots is malformed" },
        { "[[0 1 [\"h\"]]]", "a node of a range of slots is malformed" },
        { "[[1 0 [\"h\" 1]]]", "a range of slots is malformed" },
        { "[[0 1 [\"h\" 1]] [1 2 [\"h\" 1]]]", "a slot has two masters" },
    };

    reply = reply_of("[[0 99 [\"10.0.0.1\" 1 \"a\" []] [\"r\" 2 \"r\"]]"
                     " [100 100 [~ 3 \"c\" [\"hostname\" \"n\"]]]"
                     " [101 101 [\"?\" 4 \"d\" [\"ip\" \"10.0.0.4\"]]]"
                     " [102 102 [\"?\" 5 \"e\" []]]"
                     " [103 16383 [\"10.0.0.1\" 1]]]");
    t = pimap_redis_topology_slots(reply, "192.0.2.1", &why);
    is_owner(t, 99, "10.0.0.1:1", "SLOTS: the first node is the master");
    is_owner(t, 100, "192.0.2.1:3", "SLOTS: no endpoint");
    is_owner(t, 101, "10.0.0.4:4", "SLOTS: no host name");
    is_owner(t, 102, NULL, "SLOTS: neither name nor address");
    is_owner(t, 103, "10.0.0.1:1", "SLOTS: the first node again");
    tap_ok(t->nnodes == 4 && t->nodes[0].master && !t->nodes[1].master
           && t->unassigned == 1, "SLOTS: nodes and roles");
    tap_is_str(t->nodes[0].id, "a", "SLOTS: the id stays");
    pimap_redis_topology_free(t);
    freeReplyObject(reply);

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        reply = reply_of(wrong[i][0]);
        t = pimap_redis_topology_slots(reply, "192.0.2.1", &why);
        tap_is_str(t ? NULL : why, wrong[i][1], "SLOTS: malformed");
        pimap_redis_topology_free(t);
        freeReplyObject(reply);
    }
}


int
main(void)
{
    good();
    endpoints();
    bad();
    moves();
    slots();

    return tap_done();
}
