#!/usr/bin/perl

# The client in Python survives any answer: after each of these it comes back,
# and has the event of the next response.  A line, a head and a compressed body
# have limits.  A refusal ends it, with the reason.  This is so by streams of
# asyncio, and by httpx.

use strict;
use warnings;

use Compress::Zlib qw(memGzip);
use IO::Socket::INET;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Adapter;

my $stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
my $chunked = "${stream}Transfer-Encoding: chunked\r\n\r\n";
my $begin = "id: 1-1\nevent: parked\ndata: {}\n\n";

# the first answer to a client

my %odd = (
    nothing => '',
    text => "hello\r\n\r\n",
    status => "HTTP/1.1 abc\r\n\r\n",
    heads => "HTTP/1.1 200 OK\r\n" . "X: y\r\n" x 300 . "\r\n",
    head => 'HTTP/1.1 200 OK' . 'x' x 2_000_000,
    chunk => "${chunked}zz\r\n",
    negative => "$chunked-5\r\nhello\r\n",
    cut => "${chunked}ff\r\nid: 1-1\n",
    short => "${stream}Content-Length: 500\r\n\r\n$begin",
    length => "${stream}Content-Length: x\r\n\r\n$begin",
    line => "$stream\r\n$begin" . 'data: ' . 'x' x 2_000_000,
    json => "$stream\r\n${begin}event: X\ndata: {\n\n",
    ping => "$stream\r\n${begin}event: ping\ndata: {}\n\n",
    interval => "$stream\r\n${begin}event: ping\ndata: {\"interval\":[]}\n\n",
    list => "$stream\r\n${begin}event: UpdateResult\ndata: [1]\n\n",
    null => "$stream\r\n${begin}event: expired\ndata: null\n\n",
    two => "$stream\r\n${begin}event: X\ndata: {}{}\n\n",
    deep => "$stream\r\n${begin}event: X\ndata: " . '[' x 100_000 . "\n\n",
    gzip => "${stream}Content-Encoding: gzip\r\n\r\nid: 1-1\n\n",
    bomb => "${stream}Content-Encoding: gzip\r\n\r\n"
        . memGzip('x' x 50_000_000),
    utf8 => "$stream\r\n${begin}event: X\ndata: \"\xff\xfe\n\n",
    busy => "HTTP/1.1 503 x\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
    later => "HTTP/1.1 500 x\r\nRetry-After: x\r\n\r\n",
);

my %refused = (
    bad => ["HTTP/1.1 400 x\r\nContent-Length: 16\r\n\r\n{\"detail\":\"why\"}",
        'why'],
    html => ["HTTP/1.1 403 x\r\n\r\n<html>", 'no detail'],
    login => ["HTTP/1.1 404 x\r\nContent-Length: 2\r\n\r\n[]", 'no detail'],
);

my $t = Pimap->new();

$t->plan(2 * (2 * keys(%odd) + keys(%refused)) + 1);

my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64)
    or die "listen: $!\n";
my $port = $listen->sockport();

$t->start(code => \&serve, name => 'server', output => $t->dir() . '/s.out');
close($listen);

answers(streams => \0);
answers(httpx => \1);

is($t->read_file($t->dir() . '/s.out'), '', 'the server had no trouble');


# A client for each of the answers.

sub answers {
    my ($way, $httpx) = @_;

    my %client = map { $_ => Pimap::Adapter->start(t => $t,
        command => ['/usr/bin/python3', 'clients/adapter.py'], options => {
            url => "http://127.0.0.1:$port/$way/$_", updates => 'http://-/',
            ticket => 'http://-/', httpx => $httpx, device => 'd',
            token => 't', ca => ($t->certificate())[0] }) }
        keys(%odd), keys(%refused);

    for my $name (sort(keys(%odd))) {
        my $event = $client{$name}->see('event', 'failed');

        is("$event->{see} " . ($event->{event} // ''), 'event Good',
            "$way, $name: it comes back, and has the event");
        ok($client{$name}->close(), '    it ends well');
    }

    for my $name (sort(keys(%refused))) {
        is($client{$name}->see('failed', 'event')->{detail},
            $refused{$name}[1], "$way, $name: it gives up, with the reason");
        $client{$name}->close();
    }
}


# The first answer is an odd one, and any other a good one.

sub serve {
    my (%seen, @open);

    local $SIG{PIPE} = 'IGNORE';

    while (my $socket = $listen->accept()) {
        my $request = '';

        while ($request !~ /\r\n\r\n/) {
            $socket->sysread($request, 4096, length($request)) or last;
        }

        my ($way, $name) = $request =~ m{^GET /(\w+)/(\w+)\?} or next;

        my $first = !$seen{$way}{$name}++;

        print $socket $first ? $odd{$name} // $refused{$name}[0]
            : "$stream\r\n${begin}event: Good\ndata: {}\n\n";
        $socket->flush();
        push(@open, $socket) if !$first;
    }
}
