#!/usr/bin/perl

# A subscription is dead although its connection looks alive: the probe finds
# it, the worker renews it, and events are delivered again.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Proxy;

my $t = Pimap->new();
my $proxy = Pimap::Proxy->new(t => $t, name => 'proxy', mode => 'open');
my $event = { event => 'MessageNew', uid => 1 };

$t->plan(19);

$t->nginx()->{http} = 'pimap_redis redis://127.0.0.1:' . $proxy->port()
    . ' timeout=500ms probe=200ms;';

$t->redis()->start();
$proxy->start();
$t->run();

my $s = $t->park('alice');

ok($s->read_until(qr/: parked\n.*\n\n/), 'parked');
ok($t->wait_ready(), 'ready');
ok($t->subscribed('alice'), 'subscribed');
$t->redis()->publish('alice', $event);
ok($s->event(), 'delivered');
is($proxy->noted('accept'), 2, 'the worker has two connections');

sub redis_of_worker { return $t->status()->{workers}[0]{redis} }

# Published messages are dropped, though Redis counts a receiver.

$proxy->mode('deaf');

ok($t->wait_for(sub { $proxy->noted('deaf') }, 'something dropped'),
    'a dead subscription: a message is dropped');
ok($t->wait_for(sub { !$t->ready() }, 'red'),
    'a dead subscription: not ready');
cmp_ok(redis_of_worker()->{probesLost}, '>=', 1,
    'a dead subscription: a lost probe is counted');
is($t->log_lines(qr/pimap lost redis: probe did not come back, subscriber/),
    1, 'a dead subscription: logged once');
is(redis_of_worker()->{up}, 1,
    'a dead subscription: the other connection stays');
is($t->publish('alice', $event)->{status}, 200,
    'a dead subscription: publishers are served');

# The next connections are dead at once: Redis' reply to SUBSCRIBE is dropped.

ok($t->wait_for(sub { $proxy->noted('deaf') > 2 }, 'attempts'),
    'no reply to SUBSCRIBE: tried again');
ok($t->park('bob')->read_until(qr/: parked\n.*\n\n/),
    'no reply to SUBSCRIBE: devices are accepted');

# A new subscription works, the dead one never does.

$proxy->mode('open');

ok($t->wait_ready(), 'ready again');
cmp_ok($proxy->noted('accept'), '>', 2, 'the worker uses a new connection');
ok($t->subscribed('alice'), 'subscribed again');

$t->redis()->publish('alice', { event => 'FlagsSet' });
is(($s->event() // {})->{event}, 'MessageNew', 'a missed event is delivered');
is(($s->event() // {})->{event}, 'FlagsSet', 'new events are delivered again');
ok($t->wait_for(sub { redis_of_worker()->{subscribed} == 1 }),
    'the account is subscribed');
