#!/usr/bin/perl

# A connection whose device has left is closed after a fixed time, whatever the
# client sends and however slowly it reads.  Such connections are counted, and
# only a sixteenth of a worker's connections may be so.

use strict;
use warnings;

use IO::Select;
use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::WebSocket;

my $t = Pimap->new(mode => '', listen => 'sndbuf=16k', connections => 48,
    http => 'pimap_buffer 64m; pimap_send_timeout 3s;');
my @ways = (['http', '/events', 'detached'],
    ['https', '/events', 'detachedTls'], ['https', '/asleep', 'hibernated']);
my $published = 0;
my $event = { event => 'MessageNew', preview => $t->noise(60_000) };

$t->nginx()->ways();
$t->plan(5 * @ways + 3);
$t->run();
$t->wait_ready();

for my $way (@ways) {
    my ($transport, $path, $kind) = @$way;
    my $name = "$transport $path";

    # A WebSocket that goes on sending after the server's Close.

    my $w = websocket($way);

    websocket($way)->close();
    ok($w->read_until(qr/superseded/), "$name: the server's Close has come");
    is($t->status()->{lingering}, 1, "$name: the connection is counted");

    my $start = time();

    drip(sub { !defined(eval { $w->send(frame(PONG, '')) }) });
    cmp_ok(time() - $start, '<', 4, "$name: a client that sends: closed");

    # A response whose client reads slowly.

    my $s = $t->park('slow', path => $path, transport => $transport,
        query => 'device=d');

    $s->read_until(qr/: parked\n.*\n\n/);
    $t->subscribed('slow');
    $t->wait_for(sub { $t->status()->{devices}{$kind} == 1 }, $kind);
    $t->redis()->publish('slow', $event) for 1 .. 60;
    $published += 60;
    $t->wait_for(sub { $t->status()->{events}{delivered} >= $published },
        'all events');

    my $newer = $t->park('slow', path => $path, query => 'device=d');

    $newer->read_until(qr/: parked\n.*\n\n/);
    $newer->close();
    is($t->status()->{lingering}, 1, "$name: unsent bytes are counted");
    $start = time();

    drip(sub {
        $s->{fh}->sysread(my $bytes, 4096)
            if IO::Select->new($s->{fh})->can_read(0);
        ($t->status()->{lingering} // 1) == 0;
    });
    cmp_ok(time() - $start, '<', 5, "$name: a client that reads: closed");
    $_->close() for $w, $s;
}

# Too many: 48 connections, so three linger.

my @w = map { $t->websocket('many', query => "device=$_") } 1 .. 6;

$_->json() for @w;
$t->wait_for(sub { $t->status()->{devices}{detached} == 6 }, 'detached');

for (1 .. 6) {
    my $w = $t->websocket('many', query => "device=$_");

    $w->json();
    $w->close();
}

is($t->status()->{lingering}, 3, 'a sixteenth of the connections lingers');
is(scalar(grep { $_->read_until(qr/superseded/) } @w), 6,
    'each of them has its last event');
ok($t->wait_for(sub { $t->status()->{lingering} == 0 }, 'the rest'),
    'the rest after the time');
$_->close() for @w;


sub websocket {
    my ($way) = @_;

    my ($transport, $path, $kind) = @$way;
    my $w = $t->websocket('alice', transport => $transport, path => $path,
        query => 'device=d');

    $w->json();
    $t->wait_for(sub { $t->status()->{devices}{$kind} == 1 }, $kind);

    return $w;
}


# A little each time, until the server has closed.

sub drip {
    my ($closed) = @_;

    local $SIG{PIPE} = 'IGNORE';

    return $t->wait_for($closed, 'the close', 8);
}
