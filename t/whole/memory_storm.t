#!/usr/bin/perl

# After many handshakes at once a worker gives the memory of OpenSSL's objects
# back: the records of the devices do not lie between them.

use strict;
use warnings;

use IO::Socket::INET;
use IO::Socket::SSL;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

plan(skip_all => 'a checker has an allocator of its own')
    if $ENV{PIMAP_ASAN} || $ENV{PIMAP_VALGRIND};

# After the handshake OpenSSL's object and nginx's own for it are 15 kB, and
# the records of a device 0.6 kB.  Without arenas a third of the heap stays,
# and without trimming all of it.
use constant { DEVICES => 500, SHARE => 5 };

my $t = Pimap->new(log => 'info', mode => '', locations => <<'END');
        location = /events {
            access_log off;
            pimap_account $arg_account;
            pimap_hibernate on;
            pimap_events;
        }

        location = /status {
            access_log off;
            pimap_status;
        }
END

my $context = IO::Socket::SSL::SSL_Context->new(
    SSL_verify_mode => SSL_VERIFY_NONE);

$t->plan(5);
$t->run();

# What the worker needs once, for its first device.

my $first = park(handshake(), 'first');

$t->wait_for(sub { $t->status()->{devices}{hibernated} == 1 }, 'the first');
close($first);
$t->wait_for(sub { $t->status()->{parked} == 0 }, 'it to leave');

my $before = heap();
my @sockets = map { handshake() } 1 .. DEVICES;
my $full = heap() - $before;

park($sockets[$_], "user$_") for 0 .. $#sockets;

ok($t->wait_for(sub { $t->status()->{devices}{hibernated} == DEVICES },
    'all to hibernate'), 'all devices are hibernated');

my $left;

ok($t->wait_for(sub {
    $left = heap() - $before;
    $left < $full / SHARE;
}, 'the heap to be given back'),
    "of $full kB of the handshakes $left kB are left");
like($t->log(), qr/pimap heap: given back to the system, msec:\d+/,
    'the log says so');

# Devices leave, and others come.

close($_) for splice(@sockets, 0, DEVICES / 2);
$t->wait_for(sub { $t->status()->{parked} == DEVICES / 2 }, 'half to leave');

push(@sockets, map { handshake() } 1 .. DEVICES / 2);
park($sockets[$_], "later$_") for DEVICES / 2 .. $#sockets;

ok($t->wait_for(sub { $t->status()->{devices}{hibernated} == DEVICES },
    'all to hibernate'), 'others come: all are hibernated');
ok($t->wait_for(sub {
    come_and_go() for 1 .. 20;
    $left = heap() - $before;
    $left < $full / SHARE;
}, 'the heap to be given back'),
    "more devices come and go all the time: $left kB are left");


# Not the shared zone, nor files.

sub heap {
    my ($pid) = $t->nginx()->workers();

    return $t->read_file("/proc/$pid/status") =~ /RssAnon:\s+(\d+)/
        ? $1 : die "no RssAnon\n";
}


sub handshake {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $t->port('https')) or die "connect: $!\n";

    return IO::Socket::SSL->start_SSL($socket, SSL_reuse_ctx => $context)
        // die "TLS: $SSL_ERROR\n";
}


sub come_and_go {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $t->port('http')) or die "connect: $!\n";

    sysread(park($socket, 'guest'), my $head, 4096) or die "not parked\n";
}


sub park {
    my ($socket, $account) = @_;

    syswrite($socket, "GET /events?account=$account HTTP/1.1\r\n"
        . "Host: localhost\r\n\r\n");

    return $socket;
}
