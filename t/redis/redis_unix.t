#!/usr/bin/perl

# Redis by a Unix socket: the worker is not woken up for having sent a command,
# and what the socket does not take is sent when Redis reads again.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant EVENTS => 20;

my $t = Pimap->new(workers => 1, log => 'debug');
my $event = { event => 'MessageNew', uid => 1 };
my $large = { event => 'MessageNew', preview => 'x' x 60_000 };

$t->nginx()->{http} = 'pimap_redis unix:' . $t->redis()->socket()
    . ' timeout=60s probe=60s;';
$t->plan(6);
$t->run();

my $s = $t->park('alice');

ok($s->read_until(qr/: parked\n.*\n\n/) && $t->wait_ready(), 'parked');
$t->subscribed('alice');
publish();
is(writable(sub { publish() for (1 .. EVENTS) }), 0,
    'no event of the socket after a command');

# more than the socket takes

$t->redis()->pause();

my @requests = map { $t->request('POST', '/publish?account=alice',
    body => $t->json($large), close => 1) } (1 .. EVENTS);

ok($t->wait_for(\&full, 'a full socket'),
    'Redis does not read: the socket is full');
$t->redis()->resume();

is_deeply([map { $_->status() } @requests], [(200) x EVENTS],
    'it reads again: all are published');
is(scalar($s->events(EVENTS)), EVENTS, 'and delivered');
is(writable(sub { publish() for (1 .. EVENTS) }), 0,
    'no event of the socket after a command again');


sub publish {
    $t->publish('alice', $event);
    $s->event();
}


# A part of what was to be sent was taken.

sub full {
    my $log = $t->log();

    while ($log =~ / send: fd:\d+ (\d+) of (\d+)$/mg) {
        return 1 if $1 < $2;
    }

    return 0;
}


# How often epoll said only that a socket may be written to.

sub writable {
    my ($code) = @_;

    my $before = () = $t->log() =~ / epoll: fd:\d+ ev:0004 /g;

    $code->();

    my $after = () = $t->log() =~ / epoll: fd:\d+ ev:0004 /g;

    return $after - $before;
}
