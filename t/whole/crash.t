#!/usr/bin/perl

# A worker is killed: only its devices are disconnected.  They come back to
# other workers, and counters and limits are correct again.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2, http => 'pimap_max_devices_per_account 8;',
    allow => qr/\[alert\].* exited on signal 9/);

$t->plan(16);
$t->run();
$t->wait_ready();

sub by_pid {
    return map { $_->{pid} => $_->{devices} } @{ $t->status()->{workers} };
}

# Parks devices until both workers have some.

my @s;
my %devices;

for (1 .. 200) {
    my $s = $t->park('alice');

    if ($s->status() == 200 && $s->read_until(qr/: parked\n.*\n\n/)) {
        push(@s, $s);
    }

    next if @s < 8;

    %devices = by_pid();
    last if !grep { !$_ } values(%devices);

    (shift(@s))->close();
    $t->wait_for(sub { $t->status()->{parked} == 7 }, 'the end of a device');
}

is(scalar(@s), 8, 'eight parked');
is(scalar(grep { $_ } values(%devices)), 2, 'both workers have devices');
is($t->park('alice')->status(), 429, 'one device more: refused');

my ($victim) = sort { $devices{$b} <=> $devices{$a} } keys(%devices);
my $lost = $devices{$victim};
my $before = $t->status();

kill('KILL', $victim);

ok($t->wait_for(sub { $lost == grep { $_->{eof} || $_->closed(0) } @s },
    'the ends'), "a killed worker: $lost devices are disconnected");
ok($t->wait_for(sub { $t->workers() == 2
    && !grep { $_ == $victim } $t->workers() }, 'a new worker'), 'replaced');

my @left = grep { !$_->{eof} } @s;

is(scalar(@left), 8 - $lost, 'a killed worker: the others stay');
ok($t->wait_ready(), 'ready');

my $after = $t->status();

is($after->{parked}, 8 - $lost,
    'a killed worker: its devices are not counted as parked');
is($after->{connects}, $before->{connects},
    'a killed worker: all connects are counted');
ok(!exists({ by_pid() }->{$victim}), 'a killed worker: not in the status');

# The disconnected devices come back.

push(@left, map { $t->park('alice') } 1 .. $lost);

is(scalar(grep { $_->status() == 200 } @left), 8,
    'disconnected devices are parked again');
ok($t->wait_for(sub { $t->status()->{parked} == 8 }), 'and counted');
is($t->park('alice')->status(), 429, 'the limit is the same');

my @workers = grep { $_->{devices} } @{ $t->status()->{workers} };

ok($t->subscribed('alice', scalar(@workers)), 'subscribed');
is($t->publish('alice', { event => 'One' })->{json}{receivers},
    scalar(@workers), 'each worker with devices has a subscription');
is(scalar(grep { ($_->event() // {})->{event} eq 'One' } @left), 8,
    'all devices get the event');
