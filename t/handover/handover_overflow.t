#!/usr/bin/perl

# Events without ids that come in the middle of a hand-over are held for the
# devices that are on their way.  If these are more than 64 kB, the devices are
# told to come back: none misses an event without knowing.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Proxy;

my $t = Pimap->new(mode => '');
my $proxy = Pimap::Proxy->new(t => $t, name => 'proxy', mode => 'open');
my $through = 'pimap_redis redis://127.0.0.1:' . $proxy->port()
    . ' timeout=30s probe=60s functions=off;';
my $direct = 'pimap_redis unix:' . $t->redis()->socket() . ' functions=off;';

$t->plan(9);
$t->redis()->start();
$proxy->start();

$t->nginx()->{http} = $through;
$t->run();
$t->wait_ready();

# What fits is held.

my $s = hand_over(3, 100);

is(join(' ', map { $_->{json}{uid} // $_->{event} } $s->events(4)), '1 2 3 4',
    'few events come meanwhile: the device gets them, and later ones');
$s->close();

$t->nginx()->{http} = $through;
$t->reload();
$t->wait_ready();

# Devices that do not fit

$s = hand_over(3, 30_000);

my @events = $s->events(4, 5);

ok($s->closed(), 'more than 64 kB come: the device is told to come back');
is(join(' ', grep { $_ eq '4' } map { $_->{json}{uid} // '-' } @events), '',
    '    and gets no later event');


# Parks a device, and begins a hand-over.  The old worker gets the marker after
# the new one, and n events of this size come between; a last event follows.

sub hand_over {
    my ($n, $size) = @_;

    my $s = $t->park('alice');

    ok($s->read_until(qr/: parked\n.*\n\n/), 'parked');
    $t->subscribed('alice');
    $t->wait_for(sub { $t->status()->{devices}{detached} == 1 }, 'detached');

    my @old = $t->workers();

    $proxy->mode('late');
    $t->nginx()->{http} = $direct;
    $t->nginx()->reload();
    ok($t->subscribed('alice', 2), 'the new worker is subscribed');

    publish($_, $size) for 1 .. $n;
    $proxy->mode('open');
    ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }),
        'the old one leaves');
    publish($n + 1, 10);

    return $s;
}


sub publish {
    my ($uid, $size) = @_;

    $t->redis()->publish('alice', { event => 'MessageNew', uid => $uid,
        x => 'x' x $size });
}
