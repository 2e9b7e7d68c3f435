#!/usr/bin/perl

# A worker that stood still sends the pings that were due meanwhile, of each
# second, and the later ones at their times.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 1, http => 'pimap_ping 0 min=1 max=60;');

$t->plan(11);
$t->run();
$t->wait_ready();

my @devices = map { $t->park('alice', query => "ping=$_") } 2 .. 6;

$_->read_until(qr/: parked\n.*\n\n/) for @devices;

my ($worker) = $t->workers();

kill('STOP', $worker);
sleep(5);
kill('CONT', $worker);

my $start = time();

for my $n (0 .. 3) {
    is($devices[$n]->event(5)->{event}, 'ping',
        "due after @{[ $n + 2 ]} s, while the worker stood still: a ping");
}

cmp_ok(time() - $start, '<', 3, 'all of them soon');
is($devices[4]->event(8)->{event}, 'ping', 'due later: a ping');

for my $n (0 .. 4) {
    is($devices[$n]->event(20)->{event}, 'ping',
        "every @{[ $n + 2 ]} s: the next ping");
}
