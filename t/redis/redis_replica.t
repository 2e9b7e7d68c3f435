#!/usr/bin/perl

# The master that nginx is connected to becomes a replica, as at a failover
# behind an address that moves: nginx connects anew, and tells publishers.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
my $redis = $t->redis();

$t->plan(7);
$t->run();
$t->wait_ready();

my $s = $t->park('alice');

$s->read_until(qr/: parked\n.*\n\n/);
$t->subscribed('alice');
is($t->publish('alice', { event => 'One' })->{status}, 200, 'a master');
is($s->event()->{event}, 'One', '    delivered');

my $connects = $t->worker_status()->{redis}{connects};

$redis->command('REPLICAOF', '127.0.0.1', 1);
is($t->publish('alice', { event => 'Two' })->{status}, 503,
    'it is a replica: the publisher hears of it');
ok($t->wait_for(sub {
    ($t->worker_status()->{redis}{connects} // 0) > $connects
}, 'a connection'), '    nginx connects anew');
ok($t->log_lines(qr/it is a replica now/), '    the log says why');

$redis->command('REPLICAOF', 'NO', 'ONE');
ok($t->wait_for(sub {
    $t->publish('alice', { event => 'Three' })->{status} == 200
}, 'a publish'), 'a master again: published');
ok($t->wait_for(sub { $s->event(1)->{event} eq 'Three' }, 'Three'),
    '    and delivered');
