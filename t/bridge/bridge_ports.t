#!/usr/bin/perl

# The bridge listens on each form of an address.  Without "port" it connects to
# the port of IMAP, and with tls = "imaps" to that of IMAPS.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::IP;
use IO::Socket::UNIX;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;

my $t = Pimap->new();
$t->plan(5);
$t->redis()->start();

my $port = $t->port('http');
my $path = $t->dir() . '/bridge.sock';

# Where it listens

my %ways = (
    "127.0.0.1:$port" => sub { IO::Socket::IP->new(PeerAddr => '127.0.0.1',
        PeerPort => $port) },
    "[::1]:$port" => sub { IO::Socket::IP->new(PeerAddr => '::1',
        PeerPort => $port) },
    "unix:$path" => sub { IO::Socket::UNIX->new(Peer => $path) },
);

for my $way (sort(keys(%ways))) {
    my $process = start("listen = \"$way\";", 'tls = "off";');
    my $socket;

    $t->wait_for(sub { $socket = $ways{$way}->() }, $way);
    $socket->syswrite("GET /healthz HTTP/1.0\r\n\r\n") if $socket;
    like($socket ? <$socket> : '-', qr/^HTTP\/1\.\d \d+ /, "listen on $way")
        or diag($t->read_file($t->dir() . '/bridge.out'));
    $t->stop($process);
}

# Where it connects.  Ports below 1024 need a right that not all users have.

for (['imaps', 993], ['starttls', 143]) {
    my ($tls, $standard) = @$_;
    my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.3',
        LocalPort => $standard, Listen => 1, ReuseAddr => 1);

    SKIP: {
        skip("port $standard can't be used here: $!", 1) if !$server;

        my $process = start('listen = "127.0.0.1:' . $port . '";',
            "tls = \"$tls\";");

        $t->wait_for(sub { ask() }, 'the bridge');
        ok(IO::Select->new($server)->can_read(10),
            "tls = \"$tls\": port $standard");
        $t->stop($process);
    }
}


sub start {
    my ($listen, $server) = @_;

    my $bridge = Pimap::Bridge->new(t => $t, main => $listen,
        servers => "{ host = \"127.0.0.3\"; $server }")->write_conf();

    return $t->start(command => [$bridge->binary(), '-c', $bridge->file()],
        output => $t->dir() . '/bridge.out');
}


# A login, for which the bridge connects.

sub ask {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $port) or return;

    return $socket->syswrite("GET /auth HTTP/1.0\r\n"
        . "Authorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n");
}
