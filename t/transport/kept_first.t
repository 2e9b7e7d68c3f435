#!/usr/bin/perl

# Bytes that a socket has not taken are kept, and sent before any later event:
# also when the socket takes bytes again, and the worker reads later events
# before it hears of that.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant { EVENTS => 40, BYTES => 30_000 };

# a small send buffer takes a large event in parts
my $t = Pimap->new(mode => '', workers => 1, listen => 'sndbuf=16k',
    locations => join("\n", 'location = /status { pimap_status; }',
        map { <<"END" } 'off', 'on'));
        location = /hibernate_$_ {
            pimap_account \$arg_account;
            pimap_buffer 64m;
            pimap_hibernate $_;
            pimap_events;
        }
END

my $event = { event => 'MessageNew', preview => $t->noise(BYTES) };

$t->plan(6);
$t->run();
$t->wait_ready();

for (['http', 'off', 'detached'], ['https', 'off', 'detachedTls'],
    ['https', 'on', 'hibernated'])
{
    my ($transport, $hibernate, $kind) = @$_;

    my $s = $t->park('alice', path => "/hibernate_$hibernate",
        transport => $transport);

    $s->read_until(qr/: parked\n.*\n\n/);
    $t->wait_for(sub { $t->status()->{devices}{$kind} }, $kind);
    $t->subscribed('alice');

    my ($worker) = $t->workers();
    my $before = $t->status()->{events}{received};

    publish(1 .. EVENTS);
    ok($t->wait_for(sub {
        $t->status()->{events}{received} == $before + EVENTS
    }, 'the first events'), "$kind: events that the device does not read");

    # Later events come to the worker, and then its socket takes bytes again.

    kill('STOP', $worker);
    publish(EVENTS + 1 .. 2 * EVENTS);

    my @read = $s->events(1);

    kill('CONT', $worker);

    push(@read, $s->events(2 * EVENTS - 1));

    is_deeply([map { uid($_->{json}) } @read], [1 .. 2 * EVENTS],
        "$kind: all events, whole, in their order");

    $s->close();
    $t->wait_for(sub { $t->status()->{parked} == 0 }, 'the device has left');
}


sub uid {
    my ($json) = @_;

    return $json && $json->{preview} eq $event->{preview} ? $json->{uid}
        : 'broken';
}


sub publish {
    my @uids = @_;

    $t->redis()->together(sub {
        $t->redis()->publish('alice', { %$event, uid => $_ }) for @uids;
    });
}
