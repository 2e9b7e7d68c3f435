#!/usr/bin/perl

# A new worker dies or hangs before it acknowledges a device: the old worker
# disconnects the device, counts and logs it, and no worker serves it.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Proxy;

my $t = Pimap->new(workers => 1, log => 'debug',
    mode => 'pimap_hibernate on;', allow => qr/exited on signal 9/);
my $proxy = Pimap::Proxy->new(t => $t, name => 'proxy', mode => 'open');

$t->plan(15);
$t->run();
$t->wait_ready();
$proxy->start();

my $slow = 'pimap_redis redis://127.0.0.1:' . $proxy->port()
    . ' timeout=30s probe=60s;';

sub lines { return scalar(() = $t->log() =~ /$_[0]/g) }

sub logged {
    my ($re) = @_;

    return $t->wait_for(sub { lines($re) }, "a line of the log: $re");
}

# The new worker stops before it receives the marker; the old worker receives
# it, and sends the device.

sub unacknowledged {
    my ($transport) = @_;

    my $s = $t->park($transport, transport => $transport);

    $s->read_until(qr/: parked\n.*\n\n/);
    $t->subscribed($transport);
    $t->wait_for(sub { my $d = $t->status()->{devices};
        $d->{detached} + $d->{hibernated} == 1 }, 'detached');

    my ($old) = $t->workers();
    my $markers = $proxy->noted('marker');

    $proxy->mode('marker');
    $t->nginx()->{http} = $slow;
    $t->nginx()->reload();
    ok($t->wait_for(sub { $proxy->noted('marker') > $markers }, 'a marker'),
        "$transport: the marker is in flight");

    my ($new) = grep { $_ != $old } $t->workers();

    kill('STOP', $new);
    $proxy->mode('late');

    ok(logged(qr/handover: sent peer:0 account:"$transport" devices:1/),
        'the device is sent');
    ok(!$s->closed(0), 'the device is still connected');

    return ($s, $old, $new);
}

sub gone { my ($pid) = @_; return $t->wait_for(sub { !-e "/proc/$pid" }) }

# The new worker is killed.

my ($s, $old, $new) = unacknowledged('https');

kill('KILL', $new);
ok($s->closed(3), 'a killed worker: the device is disconnected');
ok(logged(qr/disconnects 1 devices of account "https"/),
    'a killed worker: the log names the account');
ok(gone($old), 'the old worker quits');

$proxy->mode('open');
$t->nginx()->{http} = '';
$t->reload();
$t->wait_ready();

my $counted = $t->status()->{ends}{error};

cmp_ok($counted, '>', 0, 'the device is counted as an error');
is($t->status()->{parked}, 0, 'no worker has it');

# The new worker hangs.

($s, $old, $new) = unacknowledged('http');

ok($s->closed(15), 'a worker that hangs: the device is disconnected');
ok(gone($old), 'the old worker quits');

$proxy->mode('open');
kill('CONT', $new);

ok($t->wait_for(sub { $t->status()->{parked} == 0 }),
    'a worker that hung: it gives the device up');
is($t->status()->{ends}{error}, $counted + 1, 'counted as an error once');
