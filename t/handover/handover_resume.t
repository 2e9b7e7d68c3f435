#!/usr/bin/perl

# A device that reads its old events slowly is handed over several times: no
# worker reads the log while more than half of the buffer is unsent.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant { EVENTS => 150, RELOADS => 3 };

my $t = Pimap->new(mode => 'pimap_hibernate on;', listen => 'sndbuf=16k',
    http => 'pimap_drain 5s; pimap_buffer 64k; pimap_send_timeout 60s;');
my $redis = $t->redis();

$t->plan(2 * (RELOADS + 2));
$t->run();
$t->wait_ready();

for my $transport (qw(http https)) {
    my ($first) = map { $redis->log($transport, { event => 'MessageNew',
        uid => $_, preview => $t->noise(10_000) }) } 0 .. EVENTS;

    my $s = $t->park($transport, transport => $transport,
        query => "last-event-id=$first");

    $t->subscribed($transport);
    $t->wait_for(sub { replayed() > 3 && still() }, 'the pause');

    # A page is a quarter of the buffer.

    my $before = replayed();

    for my $n (1 .. RELOADS) {
        my ($old) = $t->workers();

        $t->reload();
        $t->wait_for(sub { !-e "/proc/$old" }, 'the old worker');
        cmp_ok(still(), '<=', $before + 4,
            "$transport: a page is read at most, reload $n");
    }

    my @events = $s->events(EVENTS);

    is(join(' ', map { $_->{json}{uid} // $_->{event} } @events),
        join(' ', 1 .. EVENTS), "$transport: then it gets all events");
    is($t->status()->{ends}{slow}, 0, "$transport: and is not closed");
    $s->close();
}


sub replayed { return $t->status()->{log}{replayed} }


# The number of events that were read, when it has not changed for a while.

sub still {
    my ($n, $same) = (replayed(), 0);

    $t->wait_for(sub {
        my $now = replayed();

        $same = $now == $n ? $same + 1 : 0;
        $n = $now;
        $same > 30;
    }, 'the end of reading');

    return $n;
}
