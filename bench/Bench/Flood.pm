package Bench::Flood;

# Devices that send nonsense as fast as the server reads it, each in a process
# of its own, until they are stopped.  They run at the lowest priority and on a
# CPU of their own: elsewhere they would not be on the machine of the server.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::SSL;
use POSIX ();
use Time::HiRes qw/sleep time/;

use Bench::Gauge;
use Bench::Server;

use lib "$Bench::Server::root/t/lib";
use Pimap::WebSocket;

my $body = "Transfer-Encoding: chunked\r\n"
    . "Content-Type: application/x-ndjson\r\n";
my $websocket = headers(Pimap::WebSocket::headers());
my $deflate = $websocket
    . "Sec-WebSocket-Extensions: permessage-deflate\r\n";
my $gzip = "Accept-Encoding: gzip\r\n";
my $chunk = sub { sprintf("%x\r\n%s\r\n", length($_[0]), $_[0]) };

# 60 kB that are valid JSON, and no update.
my $array = '[' . join(',', (0) x 30_000) . ']';

# A name, the way, the head of the request, what is sent again and again, and
# the bytes of one write; 0: all.

our @ways = (
    ['body', 'plain', $body, $chunk->("x\n" x 2048)],
    ['body, gzip', 'plain', $body . $gzip, $chunk->("x\n" x 2048)],
    ['body, hibernated', 'https', $body, $chunk->("x\n" x 2048)],
    ['body, hibernated, gzip', 'https', $body . $gzip,
        $chunk->("x\n" x 2048)],
    ['body, empty lines', 'plain', $body, $chunk->("\n" x 4096)],
    ['body, a TLS record for each byte', 'https', $body, $chunk->("x\n"), 1],
    ['body, HTTP/2', 'h2', '', "x\n" x 2048],
    ['WebSocket', 'plain', $websocket, frame(TEXT, 'x') x 512],
    ['WebSocket, hibernated', 'https', $websocket, frame(TEXT, 'x') x 512],
    ['WebSocket, 60 kB of JSON', 'plain', $websocket, frame(TEXT, $array)],
    ['WebSocket, compressed', 'plain', $deflate,
        frame(TEXT, deflated('x'), rsv => RSV1) x 512],
    ['WebSocket, 60 kB inflated', 'https', $deflate,
        frame(TEXT, deflated($array), rsv => RSV1) x 16],
    ['WebSocket, Pings', 'https', $websocket, frame(PING, 'x') x 512],
    ['WebSocket, empty fragments', 'plain', $websocket,
        frame(TEXT, '', fin => 0) . frame(MORE, '', fin => 0) x 512],
    ['POST', 'plain', undef, post('x')],
    ['POST, HTTPS', 'https', undef, post('x')],
    ['POST, 60 kB of JSON', 'plain', undef, post($array)],
);

sub headers {
    my (%headers) = @_;

    return join('', map { "$_: $headers{$_}\r\n" } sort keys %headers);
}

sub post {
    my ($text) = @_;

    return "POST /update?account=flood&device=ACCOUNT HTTP/1.1\r\n"
        . "Host: localhost\r\nContent-Type: application/json\r\n"
        . 'Content-Length: ' . length($text) . "\r\n\r\n$text";
}

# Starts devices of a way at a server; they flood when this returns.

sub start {
    my ($class, $way, $server, $devices) = @_;

    my $self = bless { pids => [] }, $class;

    pipe(my $ready, my $tell) or die "pipe: $!\n";

    for my $n (1 .. $devices) {
        my $pid = fork() // die "fork: $!\n";

        if ($pid == 0) {
            local $SIG{TERM} = 'DEFAULT';
            close $ready;
            POSIX::nice(19);
            Bench::Gauge::pin('last');
            $way->[1] eq 'h2' ? http2($way, $server, $n, $tell)
                : flood($way, $server, $n, $tell);
        }

        push @{$self->{pids}}, $pid;
    }

    close $tell;

    for (1 .. $devices) {
        sysread($ready, my $byte, 1) or die "a device does not park\n";
    }

    return $self;
}

sub stop {
    my ($self) = @_;

    kill 'KILL', @{$self->{pids}};
    local $?;
    waitpid $_, 0 for splice @{$self->{pids}};
}

sub DESTROY { $_[0]->stop() }

# A device that is disconnected comes back.

sub flood {
    my ($way, $server, $n, $tell) = @_;

    $SIG{PIPE} = 'IGNORE';

    while (1) {
        my $socket = connected($way, $server, $n);

        syswrite($tell, 'x') if $tell;
        undef $tell;
        pour($socket, $way->[3] =~ s/ACCOUNT/$n/r, $way->[4]);
    }
}

sub connected {
    my ($way, $server, $n) = @_;

    my ($name, $transport, $head) = @$way;
    my ($port) = $server->{$transport} =~ /:(\d+)/;
    my $class = $transport eq 'https' ? 'IO::Socket::SSL' : 'IO::Socket::INET';
    my $socket = $class->new(PeerAddr => "127.0.0.1:$port",
        SSL_verify_mode => 0) or die "$name: $!\n";

    if (defined $head) {
        my $method = $head =~ /^Transfer/m ? 'POST' : 'GET';

        $socket->syswrite("$method /events?account=flood$n HTTP/1.1\r\n"
            . "Host: localhost\r\n$head\r\n");
        $socket->sysread(my $answer, 4096) or die "$name: no answer\n";
        die "$name: $answer" if $answer !~ m{^HTTP/1.1 [12]0[01]};
        sleep 0.2;
    }

    $socket->blocking(0);

    return $socket;
}

# Until the server closes the connection.  Answers are not looked at.

sub pour {
    my ($socket, $bytes, $size) = @_;

    my $select = IO::Select->new($socket);
    my $at = 0;

    while (1) {
        my ($read, $write) = IO::Select->select($select, $select, undef, 1);

        if (@{$read // []} && defined(my $n = $socket->sysread(my $in,
            65536)))
        {
            return if $n == 0;
        }

        next if !@{$write // []};

        my $n = $socket->syswrite($bytes, $size || length($bytes) - $at, $at);

        return if !defined $n && !$!{EAGAIN};
        $at = ($at + ($n // 0)) % length $bytes;
    }
}

# node's client knows the windows of HTTP/2.

sub http2 {
    my ($way, $server, $n, $tell) = @_;

    my ($origin) = $server->{h2} =~ m{^(https://[^/]+)};

    open my $fh, '|-', "exec node $Bench::Server::root/t/lib/h2.js $origin"
        . " POST '/events?account=flood$n'"
        . " '{\"content-type\":\"application/x-ndjson\"}' >/dev/null 2>&1"
        or die "node: $!\n";

    sleep 1;
    syswrite($tell, 'x');
    close $tell;

    1 while syswrite($fh, $way->[3]);
    exit 0;
}

1;
