#!/usr/bin/perl

# A hibernated device keeps its sending keys from an event to its next ping,
# or to its end.  A device that gets only pings keeps none.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 1, log => 'debug', mode => 'pimap_hibernate on;',
    locations => <<'END');
        location = /events {
            pimap_account $arg_account;
            pimap_ping 2s min=1s;
            pimap_events;
        }

        location = /quiet {
            pimap_account $arg_account;
            pimap_ping 0;
            pimap_events;
        }
END

my $event = { event => 'MessageNew', mailbox => 'INBOX', uid => 4711 };

$t->plan(11);
$t->run();

my $s = park('/events', 'alice');

ok(ping($s), 'a ping');
is(count('kept'), 0, 'no keys are kept for it');

for my $n (1, 2) {
    $t->redis()->publish('alice', $event);
    is($s->event()->{event}, 'MessageNew', 'an event');
    is(count('kept'), $n, 'its keys are kept');
    ok(ping($s) && count('wiped') == $n, 'and wiped at the next ping');
}

$s->close();

$s = park('/quiet', 'bob');
$t->redis()->publish('bob', { %$event, uid => $_ }) for (1 .. 3);
is_deeply([map { $_->{json}{uid} } $s->events(3)], [1 .. 3],
    'events without pings');
is(count('kept'), 3, 'keys are kept once');
$s->close();
ok($t->wait_for(sub { count('wiped') == 3 }, 'the end'),
    'and wiped at the end');


sub park {
    my ($path, $account) = @_;

    my $process = $t->start(pipe => 1, command => ['curl', '-sNik',
        '--http1.1', '--tlsv1.3', 'https://127.0.0.1:' . $t->port('https')
        . "$path?account=$account"]);
    my $stream = Pimap::Stream->new(process => $process, unchunked => 1);

    $stream->read_until(qr/: parked\n.*\n\n/);
    $t->wait_for(sub { $t->log() =~ /hibernated account:"$account"/ },
        'hibernated');
    $t->subscribed($account);

    return $stream;
}


sub ping { return $_[0]->read_until(qr/event: ping\n.*\n\n/) }


sub count {
    my ($what) = @_;

    return scalar(() = $t->log() =~ /pimap connection: keys $what /g);
}
