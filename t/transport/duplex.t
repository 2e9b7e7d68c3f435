#!/usr/bin/perl

# A POST to the events location whose body stays open: each line of it is an
# update.  The update is answered and added once; its result comes in the same
# response, among the events.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2, mode => '', http => 'pimap_max_update 16k;
    client_body_timeout 1s; client_max_body_size 20k;');
$t->nginx()->{locations} .= <<"END";
        location = /off {
            pimap_account \$arg_account;
            pimap_updates off;
            pimap_events;
        }
        location = /proxy {
            proxy_pass http://127.0.0.1:@{[ $t->port('http') ]}/events;
            proxy_buffering off;
        }
END

my @ways = (['http', '/events'], ['https', '/events'], ['http', '/held'],
    ['https', '/held'], ['https', '/asleep'], ['h2', '/events'],
    ['h2c', '/events']);

$t->plan(18 * @ways + 19);
$t->nginx()->ways();
$t->run();
$t->wait_ready();

my $redis = $t->redis();
my $large = 'x' x 15_000;

for my $way (@ways) {
    my ($transport, $path) = @$way;
    my $name = "$transport $path";
    my $account = $transport . substr($path, 1);
    my $d = $t->duplex($account, transport => $transport, path => $path,
        query => 'device=phone');

    # The client may send before it is answered.

    $d->say({ id => 'one', update => 'x', n => 1 });
    is($d->header('Content-Type'), 'application/x-ndjson', "$name: the head");
    is($d->json()->{event}, 'parked', "$name: parked");
    is_deeply($d->json(), accepted('one'),
        "$name: an update in the first bytes");
    $t->subscribed($account);

    $d->say({ id => 'one', update => 'x', n => 1 });
    is_deeply($d->json(), accepted('one'), "$name: the same update again");

    $d->say({ id => 'one', update => 'x', n => 2 });
    is($d->json()->{event}, 'refused', "$name: another update with that id");

    $d->up("{\"id\":\"two\"\n");
    is($d->json()->{event}, 'refused', "$name: no JSON");

    # In pieces, several at once, and with line ends of all kinds.

    $d->up('{"id":"tw');
    $redis->publish($account, { event => 'Pieces' });
    is($d->json()->{event}, 'Pieces',
        "$name: an event in the middle of a line");
    $d->up("o\",\"update\":\"x\"}\r\n\r\n\n");
    is_deeply($d->json(), accepted('two'), "$name: a line in two pieces");

    $d->up("\r");
    $redis->publish($account, { event => 'Pieces' });
    is($d->json()->{event}, 'Pieces',
        "$name: an event in the middle of a line end");
    $d->up("\n");
    $d->say({ id => 'two', update => 'x' });
    is_deeply($d->json(), accepted('two'),
        "$name: an empty line in two pieces is skipped");

    for my $n (1 .. 2) {
        $d->say({ id => "large$n", update => 'x', x => $large });
        is_deeply($d->json(), accepted("large$n"),
            "$name: a large update, $n");
    }

    $d->up(join('', map { "{\"id\":\"m$_\",\"update\":\"x\"}\n" } 1 .. 16));
    is(join(' ', map { $d->json()->{update} } 1 .. 16),
        join(' ', map { "m$_" } 1 .. 16), "$name: sixteen updates, in order");

    # A result reaches the device of the update only.

    my $other = $t->duplex($account, query => 'device=tablet');

    $other->json();
    $redis->fcall('result', $account, 'phone', 'two', '{"status":"done"}');
    $redis->log($account, { event => 'MessageNew' });

    my $result = $d->json();

    is_deeply([@$result{qw(event update status)}],
        ['UpdateResult', 'two', 'done'], "$name: a result");
    is($d->json()->{event}, 'MessageNew', "$name: then an event");
    is($other->json()->{event}, 'MessageNew',
        "$name: another device gets the event only");
    $other->close();

    # The body ends, with a last line that has no end; the response goes on.

    $d->up('{"id":"last","update":"x"}');
    $d->finish();
    is_deeply($d->json(), accepted('last'), "$name: the last line");
    $redis->log($account, { event => 'MessageNew' });
    is($d->json()->{event}, 'MessageNew',
        "$name: events after the body has ended");

    $d->close();
}

# HTTP/1.1: a proxy reads the whole body, and sends its length.

my $proxied = $t->duplex('proxied', path => '/proxy');
$proxied->say({ id => "p$_", update => 'x' }) for 1, 2;
$proxied->finish();
is(join(' ', map { $proxied->json()->{event} } 1 .. 3),
    'parked accepted accepted', 'by a proxy: updates are accepted');
$t->subscribed('proxied');
$redis->log('proxied', { event => 'MessageNew' });
is($proxied->json()->{event}, 'MessageNew', '    then an event');
$proxied->close();

for my $way (['http', '/events'], ['http', '/held'], ['https', '/asleep']) {
    my $d = $t->duplex('length', transport => $way->[0], path => $way->[1],
        headers => { 'Content-Length' => 47 });

    $d->json();
    $d->send_all('{"id":"1","update":"x"}' . "\n" . '{"id":"2",');
    is($d->json()->{update}, 1, "@$way: the first line of a length");
    $d->send_all('"update":"x"}' . "\r\n");
    is($d->json()->{update}, 2, '    the last line needs no line end');
    $t->subscribed('length');
    $redis->log('length', { event => 'MessageNew' });
    is($d->json()->{event}, 'MessageNew', '    then an event');
    $d->close();
}

is($t->request('POST', '/events?account=none', headers => { 'Content-Type'
    => 'application/x-ndjson' })->status(), 200, 'no body: it is parked');

# HTTP/2: the body may have a length.

my $line = qq({"id":"sized","update":"x"}\n);
my $sized = $t->duplex('sized', transport => 'h2',
    headers => { 'Content-Length' => 2 * length($line) });

$sized->json();

for my $n (1, 2) {
    $sized->up($line);
    is_deeply($sized->json(), accepted('sized'), "with a length, $n");
}

$sized->finish();
ok($sized->quiet(0.3), 'its end');
$t->subscribed('sized');
$redis->log('sized', { event => 'MessageNew' });
is(($sized->json() // {})->{event}, 'MessageNew',
    'events after the body has ended');
$sized->close();

my %entries;

for my $entry (@{ $redis->command('XRANGE', 'pimap:updates', '-', '+') }) {
    my %fields = @{ $entry->[1] };

    $entries{join(' ', @fields{qw(account device id)})}++;
}

is_deeply([scalar(keys(%entries)), grep { $_ != 1 } values(%entries)],
    [21 * @ways + 9], 'each update is in the stream once');

my $d = $t->duplex('alice', path => '/off');

$d->json();
$d->say({ id => 1, update => 'x' });
is($d->json()->{event}, 'refused', 'pimap_updates off: refused');

$redis->stop();
$d = $t->duplex('alice');
$d->json();
$d->say({ id => 1, update => 'x' });
is($d->json(20)->{event}, 'refused', 'Redis is away: refused');


sub accepted { return { event => 'accepted', update => $_[0] } }
