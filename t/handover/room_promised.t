#!/usr/bin/perl

# While old workers hand their devices over, the new ones keep connections for
# them.  Nevertheless new clients park, and no device is sent away, if there
# are enough connections for all.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Proxy;

use constant { WORKERS => 4, DEVICES => 80, CLIENTS => 120 };

my $t = Pimap->new(workers => WORKERS, mode => '', connections => 256,
    log => 'notice');
my $proxy = Pimap::Proxy->new(t => $t, name => 'proxy', mode => 'open');

$t->nginx()->{http} = 'pimap_redis redis://127.0.0.1:' . $proxy->port()
    . '; pimap_drain 5s; pimap_max_devices_per_ip 0;';

$t->plan(6);
$t->redis()->start();
$proxy->start();
$t->run();
$t->wait_ready();

my @s = map { $t->park("user$_") } 1 .. DEVICES;

$_->read_until(qr/: parked\n.*\n\n/) for @s;
ok($t->wait_for(sub { $t->status()->{devices}{detached} == DEVICES }),
    'devices are parked');

my @old = $t->workers();

$proxy->mode('marker');
$t->nginx()->{process}->signal('HUP');
$t->wait_for(sub { $proxy->noted('marker') }, 'the hand-over begins');

my @clients = map { $t->park("client$_") } 1 .. CLIENTS;
my $parked = grep { ($_->read_until(qr/: (parked|retry)\n.*\n\n/) // '')
    =~ /parked/ } @clients;

$proxy->mode('open');
is($parked, CLIENTS, 'clients that come during a reload are parked');
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }),
    'the old workers exit');
ok($t->wait_for(sub { $t->status()->{parked} == DEVICES + CLIENTS }),
    'all are parked');
is(scalar(grep { $_->ended(0) } @s), 0, 'no device is sent away');
is(join('', $t->log_lines(qr/worker_connections/)), '',
    'no connection is missing');
