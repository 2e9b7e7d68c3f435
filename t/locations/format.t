#!/usr/bin/perl

# Newline-delimited JSON instead of Server-Sent Events, chosen by Accept or by
# "format": it has the same events, ids and control events.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my @transports = qw(http https h2);

my $t = Pimap->new(workers => 2);
$t->nginx()->{http} = 'pimap_ping 1s min=1s;'
    . ($ENV{PIMAP_HTTP} ? '' : ' pimap_hibernate on;');
$t->nginx()->{locations} .= <<'END';
        location = /kept {
            pimap_detach on;        # held responses would end
            pimap_account $arg_account;
            pimap_events;
        }
END
$t->plan(45);
$t->run();
$t->wait_ready();

my $redis = $t->redis();

# The next object, with or without pings.

sub object {
    my ($s) = @_;

    my $line = $s->read_until(qr/\n/) // return {};

    return eval { JSON::PP->new()->utf8()->decode($line) }
        // { event => "no JSON: $line" };
}

sub line {
    my ($s) = @_;

    my $object = object($s);

    $object = object($s) while ($object->{event} // '') eq 'ping';

    return $object;
}

# The choice of the format.

for (['text/event-stream', '', 'text/event-stream'],
    ['application/x-ndjson', '', 'application/x-ndjson'],
    ['*/*', '', 'text/event-stream'],
    ['text/html, application/*;q=0.5', '', 'application/x-ndjson'],
    ['text/event-stream;q=0.4,application/x-ndjson;q=0.5', '',
        'application/x-ndjson'],
    ['Application/X-NDJSON ; q=0.5 , text/event-stream;q=0.8', '',
        'text/event-stream'],
    ['*/*;q=0.9, text/event-stream;q=0', '', 'application/x-ndjson'],
    ['application/x-ndjson;q=2,text/event-stream;q=junk', '',
        'text/event-stream'],
    ['image/png', '', 'text/event-stream'],
    [';,,q=;', '', 'text/event-stream'],
    ['text/event-stream', 'format=ndjson', 'application/x-ndjson'],
    ['application/x-ndjson', 'format=sse', 'text/event-stream'])
{
    my ($accept, $query, $type) = @$_;

    is($t->park('alice', method => 'HEAD', query => $query,
        headers => { Accept => $accept })->header('Content-Type'), $type,
        "Accept: $accept $query");
}

is($t->get('/events?account=alice&format=xml')->{status}, 400,
    'an unknown format');

# The life of a device with this format.

for my $transport (@transports) {
    my $s = $t->park($transport, transport => $transport,
        query => 'device=d', headers => {
            Accept => 'application/x-ndjson' });

    is($s->header('Content-Type'), 'application/x-ndjson', $transport);

    my $parked = line($s);

    is_deeply([@$parked{qw(event id)}], ['parked', '0'],
        "$transport: parked");
    like($parked->{retry}, qr/^\d+$/, "$transport: with a retry");

    $t->subscribed($transport);

    my $id = $redis->log($transport, { event => 'MessageNew', uid => 1 });

    is_deeply(line($s), { id => $id, event => 'MessageNew', uid => 1 },
        "$transport: an event of the log");

    $redis->publish($transport, '{"event":"X","id":7}');
    is_deeply(line($s), { event => 'X', data => { event => 'X', id => 7 } },
        "$transport: an event with an id of its own");

    $redis->publish($transport,
        '{"@type":"StateChange","changed":{"a":{"Email":"1"}}}');
    is_deeply(line($s), { event => 'state', '@type' => 'StateChange',
        changed => { a => { Email => '1' } } },
        "$transport: an event of JMAP");

    is_deeply(object($s), { event => 'ping', interval => 1 },
        "$transport: a ping");

    my $other = $t->park($transport, query => 'device=d&format=ndjson',
        headers => { 'Last-Event-ID' => '1-1' });

    is(line($s)->{event}, 'superseded', "$transport: superseded");
    ok($s->ended(), "$transport: ended");

    line($other);
    is_deeply(line($other), { id => $id, event => 'resync',
        reason => 'epoch', lastEventId => $id }, "$transport: resync");
    $other->close();
}

# Both formats for an account, and a reload.

my %s = map { ($_ => $t->park('alice', path => '/kept',
    query => "format=$_")) } qw(sse ndjson);

$s{sse}->read_until(qr/: parked\n.*\n\n/);
line($s{ndjson});
$t->subscribed('alice', 1);

$t->reload();
$t->wait_ready();

my $id = $redis->log('alice', { event => 'MessageNew', uid => 2 });

is(line($s{ndjson})->{id}, $id, 'after a reload: an event as a line');
is($s{sse}->event()->{id}, $id, 'after a reload: the same event as text');
