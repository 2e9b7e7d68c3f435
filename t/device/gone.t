#!/usr/bin/perl

# Clients vanish without closing, as phones do: TCP_USER_TIMEOUT ends their
# connections after unacknowledged heartbeats, and they are counted.

use strict;
use warnings;

use IO::Socket::INET;
use IO::Socket::UNIX;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

# A network namespace, whose interface the test can take down.  An ordinary
# user needs a user namespace for it, in which the user id stays the same.

my @unshare;

BEGIN {
    @unshare = ('unshare', '-n', $> == 0 ? () : ('-U', '-c', '--keep-caps'));

    if (!$ENV{PIMAP_GONE} && system(@unshare, 'true') == 0) {
        $ENV{PIMAP_GONE} = 1;
        exec(@unshare, $^X, "$FindBin::Bin/$FindBin::Script");
    }
}

use lib 'lib';
use Pimap;

if (!$ENV{PIMAP_GONE}) {
    plan(tests => 1);
    fail("no network of our own: \"@unshare true\" failed.  Run as root, or "
        . 'allow user namespaces (kernel.unprivileged_userns_clone=1)');
    exit(1);
}

my @transports = qw(http https h2);
my $t = Pimap->new();

$t->nginx()->{server} = 'pimap_ping 1s min=1s; pimap_send_timeout 2s;'
    . 'listen unix:' . $t->dir() . '/nginx.sock;';

$t->plan(11);

# Linux: SIOCGIFFLAGS, SIOCSIFFLAGS and IFF_UP.

sub network {
    my ($up) = @_;

    my $socket = IO::Socket::INET->new(Proto => 'udp') or die "socket: $!\n";
    my $request = pack('a16 x24', 'lo');

    ioctl($socket, 0x8913, $request) or die "lo: $!\n";

    my ($flags) = unpack('x16 s', $request);

    $flags = $up ? $flags | 1 : $flags & ~1;
    $request = pack('a16 s x22', 'lo', $flags);

    ioctl($socket, 0x8914, $request) or die "lo: $!\n";
}

sub status {
    my $socket = IO::Socket::UNIX->new(Peer => $t->dir() . '/nginx.sock')
        or die "nginx: $!\n";

    $socket->syswrite("GET /status HTTP/1.0\r\n\r\n");

    return JSON::PP::decode_json(Pimap::Stream->new(socket => $socket)
        ->body());
}

network(1);
$t->run();

my @s = map { $t->park('alice', transport => $_) } @transports;

ok($s[$_]->read_until(qr/: parked\n.*\n\n/), "$transports[$_]: parked")
    for 0 .. 2;
ok($s[$_]->read_until(qr/^event: ping$/m), "$transports[$_]: alive")
    for 0 .. 2;

is(status()->{parked}, 3, 'all counted');

network(0);

ok($t->wait_for(sub { status()->{parked} == 0 }, 'the ends'),
    'the network is down: all devices are closed');

my $ends = status()->{ends};

is($ends->{client} + $ends->{timeout}, 3,
    'the ends are counted as client or timeout');
is(status()->{accounts}, 0, 'no account is left');
ok($t->wait_for(sub { $t->redis()->numsub('alice') == 0 }),
    'no subscription is left');
