#!/usr/bin/perl

# A slow device is handed over with its buffer if that fits into one message.
# With a larger buffer it is told to come back.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant { SIZE => 5000, FEW => 40, MANY => 160 };

my $t = Pimap->new(mode => 'pimap_hibernate on;', listen => 'sndbuf=16k',
    http => 'pimap_drain 5s; pimap_buffer 4m;');
my $redis = $t->redis();

$t->plan(2 * 6);
$t->run();
$t->wait_ready();

sub uids { return join(' ', map { $_->{json}{uid} // $_->{event} // '-' } @_) }

for my $transport (qw(http https)) {
    my %s = map { $_ => $t->park("$transport$_", transport => $transport) }
        FEW, MANY;

    my $delivered = $t->status()->{events}{delivered};

    for my $n (FEW, MANY) {
        $s{$n}->read_until(qr/: parked\n.*\n\n/);
        $t->subscribed("$transport$n");
        $redis->log("$transport$n", { event => 'MessageNew', uid => $_,
            preview => $t->noise(SIZE) }) for 1 .. $n;
    }

    $t->wait_for(sub { $t->status()->{events}{delivered}
        == $delivered + FEW + MANY }, 'all to be delivered');

    my ($old) = $t->workers();
    my $before = $t->status();

    $t->reload();
    ok($t->wait_for(sub { $t->status()->{handover}{received}
            > $before->{handover}{received} }),
        "$transport: handed over");
    is(uids($s{+FEW}->events(FEW)), join(' ', 1 .. FEW),
        "$transport: with its whole buffer");
    $redis->log($transport . FEW, { event => 'MessageNew', uid => FEW + 1 });
    is(uids($s{+FEW}->event()), FEW + 1, "$transport: it gets later events");

    is(uids($s{+MANY}->events(MANY)), join(' ', 1 .. MANY),
        "$transport: a large buffer: nothing is lost");
    ok($s{+MANY}->ended(), "$transport: a large buffer: told to come back");
    ok($t->wait_for(sub { !-e "/proc/$old" }),
        "$transport: then the old worker exits");

    $_->close() for values(%s);
    $t->wait_for(sub { $t->status()->{parked} == 0 }, 'the ends');
    $redis->command('FLUSHALL');
}
