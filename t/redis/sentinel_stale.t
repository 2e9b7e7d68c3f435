#!/usr/bin/perl

# A sentinel that does not know of a failover yet names the old master, which
# is a replica now.  nginx sends it no command, says so, and asks again until
# it is told of a master.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::FakeRedis;

my $t = Pimap->new();
my $redis = $t->redis(port => 1);
my $sentinel = Pimap::FakeRedis->new(t => $t, name => 'sentinel');
my $port = $t->port('redis');

$t->nginx()->{http} = 'pimap_redis sentinel://127.0.0.1:'
    . $t->port('sentinel') . '/main timeout=1s connect_timeout=1s;';

$t->plan(7);
$redis->start();
$redis->command('REPLICAOF', '127.0.0.1', 1);

$sentinel->start();
$sentinel->answer({ ping => "*2\r\n\$9\r\n127.0.0.1\r\n\$" . length($port)
    . "\r\n$port\r\n" });
$t->run();

ok($t->wait_for(sub { $sentinel->noted('accept') > 4 }, 'attempts'),
    'a sentinel names a replica: it is asked again and again');
is(scalar(() = $t->log_lines(qr/it is not the master/)), 1,
    '    the log says so, once for both connections');
ok(!$t->ready(), '    not ready');
is($t->publish('alice', { event => 'X' })->{status}, 503,
    '    nothing is published');

$redis->command('REPLICAOF', 'NO', 'ONE');
ok($t->wait_for(sub { $t->ready() }, 'readiness'), 'a master: ready');

my $s = $t->park('alice');

$s->read_until(qr/: parked\n.*\n\n/);
$t->subscribed('alice');
is($t->publish('alice', { event => 'X' })->{status}, 200, '    published');
is($s->event()->{event}, 'X', '    and delivered');
