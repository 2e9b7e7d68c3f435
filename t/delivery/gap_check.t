#!/usr/bin/perl

# The gap check takes a part of the accounts each second.  All have their turn.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant ACCOUNTS => 4;

my $t = Pimap->new(http => 'pimap_gap_check ' . ACCOUNTS . 's;');
my $redis = $t->redis();

$t->plan(2 * ACCOUNTS);
$t->run();
$t->wait_ready();

my @names = map { "alice$_" } 1 .. ACCOUNTS;
my %device = map { $_ => $t->park($_) } @names;

$_->read_until(qr/: parked\n.*\n\n/) for values %device;
$t->subscribed($_) for @names;

for (@names) {
    $redis->log($_, { event => 'MessageNew', uid => 1 });
    is($device{$_}->event()->{json}{uid}, 1, "$_ gets an event");
}

# One account each second.

$redis->log_only($_, $t->json({ event => 'MessageNew', uid => 2 }))
    for @names;

for (@names) {
    my $event = $device{$_}->event() // {};

    is($event->{json}{uid}, 2, "$_ gets the event that was lost");
}
