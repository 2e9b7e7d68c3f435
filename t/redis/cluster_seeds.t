#!/usr/bin/perl

# Each node of the configuration has its time to connect, also if it is slow,
# at the start and after the loss of all masters.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::FakeCluster;

my $t = Pimap->new(allow => qr/pimap (?:lost|cannot connect)/);
my $fake = Pimap::FakeCluster->new(t => $t, nodes => 4);
my @slow = map { [$_, 'PING', "2.5 s: +PONG\r\n"] } 2, 3;

$t->{redis} = $fake;
$t->nginx()->{http} = 'pimap_redis ' . $fake->address(2, 3)
    . ' connect_timeout=4s timeout=1s probe=500ms;';

$t->plan(3);
$fake->set(slots => { 1 => [[0, 16383]] }, rules => [@slow]);
$fake->start();
$t->nginx()->start();
ok($t->wait_ready(), 'nodes that are slow: ready');

my $device = $t->park('alice');

$device->read_until(qr/: parked\n.*\n\n/);

# Another master has the slots, at an address that nobody has told.

$fake->set(slots => { 4 => [[0, 16383]] },
    rules => [@slow, [1, '', 'close']]);
$fake->push(1, undef);
ok($t->wait_for(sub { $t->publish('alice', { event => 'MessageNew',
    uid => 1 })->{status} == 200 }, 'an answer'),
    'the only master is lost: another one is found');
is($device->event()->{json}{uid}, 1, '    the device has its event');
