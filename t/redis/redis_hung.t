#!/usr/bin/perl

# A Redis that hangs: it accepts connections, but does not answer.  A publisher
# gets an error after the time-out, the worker serves other requests, and nginx
# is not ready.  When Redis continues, all works as before.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
my $redis = $t->redis();
my $event = { event => 'MessageNew', uid => 1 };

$t->plan(19);

# The probe is too late to find it before the publisher does.
$t->nginx()->{http} = 'pimap_redis unix:' . $redis->socket()
    . ' connect_timeout=500ms timeout=1s probe=60s;';

$t->run();

my $s = $t->park('alice');

ok($s->read_until(qr/: parked\n.*\n\n/), 'parked');
ok($t->wait_ready(), 'ready');
is($t->publish('alice', $event)->{json}{receivers}, 1, 'published');
ok($s->event(), 'delivered');

$redis->pause();

my $start = time();
my $publish = $t->request('POST', '/publish?account=alice',
    body => $t->json($event), close => 1);

is($t->status()->{workers}[0]{redis}{up}, 1, 'Redis hangs: status is served');
ok($t->park('bob')->read_until(qr/: parked\n.*\n\n/),
    'Redis hangs: devices are accepted');
cmp_ok(time() - $start, '<', 0.9, 'Redis hangs: no delay by the publisher');

is($publish->status(), 503, 'Redis hangs: the publisher gets 503');
cmp_ok(time() - $start, '>=', 0.9, 'Redis hangs: 503 not before the time-out');
cmp_ok(time() - $start, '<', 3, 'Redis hangs: 503 soon after the time-out');
is($publish->header('Retry-After') // '', 5, 'Redis hangs: Retry-After');

is($t->get('/status?ready')->{status}, 503, 'Redis hangs: not ready');

$start = time();
is($t->publish('alice', $event)->{status}, 503,
    'Redis hangs: the next publisher gets 503');
cmp_ok(time() - $start, '<', 0.9, 'at once');
is($t->log_lines(qr/pimap lost redis: no answer in time, commander/), 1,
    'Redis hangs: logged');
ok($s->quiet(0), 'still parked');

$redis->resume();

ok($t->wait_ready(), 'ready again');

# Redis may have executed the commands sent while it hung.
ok($t->wait_for(sub { $t->publish('alice', $event)->{status} == 200 }),
    'published again');
is(($s->event() // {})->{event}, 'MessageNew', 'delivered again');
