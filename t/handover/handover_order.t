#!/usr/bin/perl

# An event without an id that arrives during a hand-over is delivered once.
# This holds also if the new worker receives it late: after the old worker has
# delivered it, sent the device, and exited.

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

$t->plan(23);
$t->run();
$t->wait_ready();
$proxy->start();

sub event { return { event => 'MessageNew', uid => $_[0] } }

sub parked_alone {
    my ($name) = @_;

    my $s = $t->park($name, transport => $name eq 'https' ? $name : 'http');

    $s->read_until(qr/: parked\n.*\n\n/);
    $t->subscribed($name);
    $t->wait_for(sub { my $d = $t->status()->{devices};
        $d->{detached} + $d->{hibernated} == 1 }, 'detached');

    return $s;
}

# The old worker has the device; the proxy delays the new worker's replies.

sub hand_over {
    my ($conf) = @_;

    my @old = $t->workers();
    my $markers = $proxy->noted('marker');

    $proxy->mode('marker');
    $t->nginx()->{http} = $conf;
    $t->nginx()->reload();
    ok($t->wait_for(sub { $proxy->noted('marker') > $markers }, 'a marker'),
        'the marker is in flight');

    return @old;
}

# The old worker receives the marker, the new one does not.

sub waits {
    my (@old) = @_;

    $proxy->mode('late');
    ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }), 'it leaves');
    is($t->status()->{parked}, 0, 'the device waits for the marker');
}

for my $transport (qw(http https)) {
    my $s = parked_alone($transport);
    my @old = hand_over($slow);

    $t->redis()->publish($transport, event(1));
    is(($s->event() // {})->{json}{uid}, 1,
        "$transport: delivered by the old worker");

    waits(@old);

    $proxy->mode('open');
    ok($t->wait_for(sub { $t->status()->{parked} == 1 }),
        'the marker arrives: the device is parked');

    $t->redis()->publish($transport, event(2));
    is(($s->event() // {})->{json}{uid}, 2, "$transport: no event twice");
    $s->close();

    $t->nginx()->{http} = '';
    $t->reload();
    $t->wait_ready();
}

# The new worker stops waiting for a marker that never arrives.

my $s = parked_alone('late');

waits(hand_over($slow));
ok($t->wait_for(sub { $t->status()->{parked} == 1 }),
    'no marker arrives: parked without it');
$s->close();
$proxy->mode('open');

# An event of the log that came meanwhile is read from there.

$t->nginx()->{http} = '';
$t->reload();
$t->wait_ready();
$s = parked_alone('log');
$t->redis()->log('log', event(1));
is($s->event()->{json}{uid}, 1, 'with a log: an event');

my @old = hand_over($slow);

$proxy->mode('late');
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }),
    'the old worker leaves');
$t->redis()->log('log', event(2));
is($s->event()->{json}{uid}, 2,
    'no marker arrives: an event that came meanwhile is read from the log');
$s->close();

# Redis refuses the marker, and takes it later.  Without it the device would
# come after some seconds, and events without an id before that would be lost.

$proxy->mode('open');
$t->wait_ready();
$s = parked_alone('refused');
@old = $t->workers();
$t->redis()->command(qw(ACL SETUSER default -publish));
$t->nginx()->reload();
ok($t->wait_for(sub { $t->log() =~ /can't order .*NOPERM/ }),
    'Redis refuses the marker: the reason is logged');
$t->redis()->command(qw(ACL SETUSER default +publish));

my $sent = 0;

ok($t->wait_for(sub {
    $t->redis()->publish('refused', event(++$sent));
    return !grep { -e "/proc/$_" } @old;
}), 'the old worker leaves');
$t->wait_for(sub { $t->status()->{parked} == 1 }, 'the device');
$t->redis()->publish('refused', event(++$sent));
is(join(' ', map { ($s->event() // {})->{json}{uid} // '' } 1 .. $sent),
    join(' ', 1 .. $sent), 'the marker is repeated: no event is lost');
