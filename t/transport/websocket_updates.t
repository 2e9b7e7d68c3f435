#!/usr/bin/perl

# Messages of a WebSocket are updates: each is answered and added once, and its
# result reaches the device that sent it.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::WebSocket;

my $t = Pimap->new(workers => 2, mode => '', http => 'pimap_max_update 16k;');
$t->nginx()->{locations} .= <<'END';
        location = /off {
            pimap_account $arg_account;
            pimap_updates off;
            pimap_events;
        }
END

my @ways = (['http', '/events'], ['https', '/events'], ['http', '/held'],
    ['https', '/held'], ['https', '/asleep']);

$t->plan(12 * @ways + 5);
$t->nginx()->ways();
$t->run();
$t->wait_ready();

my $redis = $t->redis();
my $large = 'x' x 15_000;

for my $way (@ways) {
    my ($transport, $path) = @$way;
    my $name = "$transport $path";
    my $account = $transport . substr($path, 1);
    my $w = $t->websocket($account, transport => $transport, path => $path,
        query => 'device=phone');

    # The client may send as soon as it has the response head.

    update($w, 'one', n => 1);
    is($w->json()->{event}, 'parked', "$name: parked");
    is_deeply($w->json(), accepted('one'), "$name: an update");
    $t->subscribed($account);

    update($w, 'one', n => 1);
    is_deeply($w->json(), accepted('one'), "$name: the same update again");

    update($w, 'one', n => 2);
    is($w->json()->{event}, 'refused', "$name: another update with that id");

    $w->send_all(frame(TEXT, '{"id":"two"'));
    is($w->json()->{event}, 'refused', "$name: not JSON");

    # Large updates: in many reads, in many fragments, in many TLS records.

    update($w, 'two', x => $large);
    is_deeply($w->json(), accepted('two'), "$name: a large update");

    my $text = $t->json({ id => 'three', update => 'x', x => $large });

    $w->send_all(frame(TEXT, substr($text, 0, 10), fin => 0));
    $w->send_all(frame(MORE, $_, fin => 0))
        for unpack('(a500)*', substr($text, 10));
    $w->send_all(frame(PING, 'p') . frame(MORE, ''));
    is($w->next()->{payload}, 'p', "$name: a Ping between fragments");
    is_deeply($w->json(), accepted('three'), "$name: an update in fragments");

    # As many updates as are read at once.

    $w->send_all(join('', map { frame(TEXT, $t->json({ id => "m$_",
        update => 'x' })) } 1 .. 16));
    is(join(' ', map { $w->json()->{update} } 1 .. 16),
        join(' ', map { "m$_" } 1 .. 16), "$name: sixteen updates, in order");

    # A result reaches the device of the update only.

    my $other = $t->websocket($account, query => 'device=tablet');

    $other->json();
    $redis->fcall('result', $account, 'phone', 'two', '{"status":"done"}');
    $redis->log($account, { event => 'MessageNew' });

    my $result = $w->json();

    is_deeply([@$result{qw(event update status)}],
        ['UpdateResult', 'two', 'done'], "$name: a result");
    is($w->json()->{event}, 'MessageNew', "$name: then an event");
    is($other->json()->{event}, 'MessageNew',
        "$name: another device gets the event only");

    $_->close() for $w, $other;
}

my %entries;

for my $entry (@{ $redis->command('XRANGE', 'pimap:updates', '-', '+') }) {
    my %fields = @{ $entry->[1] };

    $entries{join(' ', @fields{qw(account device id)})}++;
}

is_deeply([scalar(keys(%entries)), grep { $_ != 1 } values(%entries)],
    [19 * @ways], 'each update is in the stream once');

my $w = $t->websocket('alice', path => '/off');

$w->json();
update($w, 'one');
is($w->json()->{event}, 'refused', 'pimap_updates off: refused');

# More updates that Redis refuses than may be in flight

$redis->command(qw(SET pimap:updates wrong));
$w = $t->websocket('alice');
$w->json();
update($w, "wrong$_") for 1 .. 20;

my $refused = 0;

$refused++ while $refused < 20 && ($w->json()->{event} // '') eq 'refused';
is($refused, 20, 'Redis has an error: 20 updates are refused');
$redis->command(qw(DEL pimap:updates));
update($w, 'right');
is($w->json()->{event}, 'accepted', '    the next is accepted');
$w->close();

$redis->stop();
$w = $t->websocket('alice');
$w->json();
update($w, 'one');
is($w->json(20)->{event}, 'refused', 'Redis is away: refused');


sub update {
    my ($w, $id, %rest) = @_;

    $w->send_all(frame(TEXT, $t->json({ id => $id, update => 'x', %rest })));
}


sub accepted { return { event => 'accepted', update => $_[0] } }
