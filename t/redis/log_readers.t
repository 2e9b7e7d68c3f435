#!/usr/bin/perl

# A worker reads 64 logs at a time.  Reads that are lost with the connection
# leave their places: afterwards each device gets what it has missed.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant N => 80;

my $t = Pimap->new(workers => 1);

$t->nginx()->{http} = 'pimap_redis unix:' . $t->redis()->socket()
    . ' timeout=20s;';
$t->plan(4);
$t->run();
$t->wait_ready();

my $redis = $t->redis();
my @here = map { park("a$_") } 1 .. N;

$t->subscribed("a$_") for 1 .. N;

# Logs are read for devices that come with an id.

$redis->pause();

my @late = map { park("a$_", '1-1') } 1 .. N;

is(scalar(@late), N, 'Redis is silent: logs are being read');

# (pause() and kill() would let Redis answer in between)

kill('KILL', $redis->{process}->pid());
$redis->kill();
ok($t->wait_away(), 'Redis is away');
$redis->start()->load();
$t->wait_ready();

my $told = 0;

$told++ while $told < N && ($late[$told]->event()->{event} // '') eq 'resync';
is($told, N, 'Redis is back: each of them hears of its loss');

my $id = $redis->log('a1', { event => 'MessageNew', uid => 1 });

$redis->log('a1', { event => 'MessageNew', uid => 2 });

my $s = park('a1', $id);

is($s->event()->{json}{uid}, 2, '    a device gets what it has missed');


sub park {
    my ($account, $id) = @_;

    my $s = $t->park($account, headers => $id ? { 'Last-Event-ID' => $id }
        : {});

    $s->read_until(qr/: parked\n.*\n\n/);

    return $s;
}
