#!/usr/bin/perl

# An event without an id that comes just when a device changes hands comes
# once, also where the new worker hears of it late: long after the old one has
# delivered it, given the device away, and left.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Proxy;

my $t = Pimap->new(workers => 1, mode => 'pimap_hibernate on;');
my $proxy = Pimap::Proxy->new(t => $t, name => 'proxy', mode => 'open');
my $slow = 'pimap_redis redis://127.0.0.1:' . $proxy->port()
    . ' timeout=30s probe=60s;';

$t->plan(16);
$t->run();
$t->wait_ready();
$proxy->start();

sub event { return { event => 'MessageNew', uid => $_[0] } }

sub parked_alone {
    my ($name) = @_;

    my $s = $t->park($name, transport => $name eq 'https' ? $name : 'http');

    $s->read_until(qr/: parked\n\n/);
    $t->subscribed($name);
    $t->wait_for(sub { my $d = $t->status()->{devices};
        $d->{detached} + $d->{hibernated} == 1 }, 'detached');

    return $s;
}

# The old worker has the device, what is under way to the new one is held up.

sub hand_over {
    my ($conf) = @_;

    my @old = $t->workers();
    my $markers = $proxy->noted('marker');

    $proxy->mode('marker');
    $t->nginx()->{http} = $conf;
    $t->nginx()->reload();
    ok($t->wait_for(sub { $proxy->noted('marker') > $markers }, 'a marker'),
        'the marker is on its way');

    return @old;
}

# The old worker hears of the marker, the new one does not.

sub waits {
    my (@old) = @_;

    $proxy->mode('late');
    ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }), 'it leaves');
    is($t->status()->{parked}, 0, 'the device waits');
}

for my $transport (qw(http https)) {
    my $s = parked_alone($transport);
    my @old = hand_over($slow);

    $t->redis()->publish($transport, event(1));
    is(($s->event() // {})->{json}{uid}, 1, "$transport: by the old worker");

    waits(@old);

    $proxy->mode('open');
    ok($t->wait_for(sub { $t->status()->{parked} == 1 }), 'until it is told');

    $t->redis()->publish($transport, event(2));
    is(($s->event() // {})->{json}{uid}, 2, "$transport: nothing twice");
    $s->close();

    $t->nginx()->{http} = '';
    $t->reload();
    $t->wait_ready();
}

# A marker that does not come at all is not waited for.

my $s = parked_alone('late');

waits(hand_over($slow));
ok($t->wait_for(sub { $t->status()->{parked} == 1 }), 'parked without it');
