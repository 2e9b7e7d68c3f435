#!/usr/bin/perl

# A zone that has no room for more names and addresses lets devices in, and
# counts them.  When devices leave, there is room again, and limits hold.

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant DEVICES => 5000;

my $t = Pimap->new(workers => 1, http => 'pimap_zone 256k;',
    connections => DEVICES + 500);

$t->nginx()->{locations} .= <<'END';
        location = /one {
            pimap_account $arg_account;
            pimap_max_devices_per_account 1;
            pimap_events;
        }
END

$t->plan(7);
$t->run();
$t->wait_ready();

# Accounts and devices of their own, so that each is two names

my @sockets = map { park($_) } 1 .. DEVICES;

ok($t->wait_for(sub { $t->status()->{parked} == DEVICES }, 'devices', 60),
    'more devices than the zone has room for: all are parked');
cmp_ok($t->status()->{zoneFull}, '>', 0, '    those without room are counted');

my $full = $t->status()->{zoneFull};

$_->close() for @sockets;
ok($t->wait_for(sub { $t->status()->{parked} == 0 }, 'their end', 60),
    'they leave');

my $s = $t->park('alice', path => '/one');

ok($s->read_until(qr/: parked\n.*\n\n/), '    another device parks');
is($t->status()->{zoneFull}, $full, '    it has room');
is($t->park('alice', path => '/one')->status(), 429, '    its limit holds');
$s->close();
ok($t->wait_for(sub { $t->park('alice', path => '/one')->status() == 200 },
    'a place'), '    until it leaves');


sub park {
    my ($n) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $t->port('http')) or die "connect: $!\n";

    $socket->syswrite("GET /events?account=account$n&device=device$n "
        . "HTTP/1.1\r\nHost: localhost\r\n\r\n");

    return $socket;
}
