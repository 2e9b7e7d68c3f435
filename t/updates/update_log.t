#!/usr/bin/perl

# redis/pimap.lua: a call adds each update once, all of them or none, up to the
# limit of the stream.  A result is published once, and kept.

use strict;
use warnings;

use JSON::PP;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
$t->plan(64);

my $redis = $t->redis()->start()->load();
my @keys = ('pimap:{alice}', 'pimap:updates');
my $listener = $redis->connect();

$listener->command('SUBSCRIBE', $keys[0]);


# Added once.

is_deeply(update(9, 'phone', a => '{"n":1}', b => '{"n":2}'), [1, 1],
    'new updates');
is_deeply(update(9, 'phone', b => '{"n":2}', c => '{"n":3}'), [0, 1],
    'a known update and a new one');
is_deeply(update(9, 'phone', d => '{}', d => '{}'), [1, 0],
    'the same update twice in a call');
is_deeply(update(9, 'tablet', a => '{"n":1}'), [1],
    'the same id of another device');
is_deeply(update(9, '', a => '{}'), [1], 'a device without a name');
is($redis->command('XLEN', 'pimap:updates'), 6,
    'the stream has each update once');

my ($first) = @{ $redis->command('XRANGE', 'pimap:updates', '-', '+') };
my %entry = @{ $first->[1] };

like(delete($entry{time}), qr/^\d{13}$/, 'the time of an entry, in ms');
is_deeply(\%entry, { account => 'alice', device => 'phone', id => 'a',
    body => '{"n":1}' }, 'an entry');

# All updates of a call are added, or none.

refused(qr/conflict: 2$/, 9, 'phone', e => '{}', a => '{"n":2}');
refused(qr/conflict: 3$/, 9, 'phone', e => '{}', f => '{}', e => '{"n":1}');
refused(qr/backlog/, 7, 'phone', e => '{}', f => '{}');
refused(qr/backlog/, 6, 'phone', e => '{}');
is_deeply(update(6, 'phone', a => '{"n":1}'), [0],
    'the stream is full: an update sent again is accepted');
is_deeply(update(7, 'phone', e => '{}'), [1], 'as many as the limit');

# Results.

my ($id, $receivers, $known) = @{ result('phone', 'a',
    ' {"status":"done","uids":[7]} ') };

like($id, qr/^\d+-1$/, 'a result has an event id');
is($receivers, 1, 'published');
is($known, 0, 'the result is the first');

my $event = '{"event":"UpdateResult","device":"phone","update":"a",'
    . '"status":"done","uids":[7]}';

my $message = $listener->reply();

$message->[2] =~ s/\@\d{13} / /;
is_deeply($message, ['message', $keys[0], "$id $event"],
    'the result is published');
is_deeply($redis->fcall('read', 'alice', 0, 0, 9), ['ok', $id, $id, $event],
    'and is in the log');
is_deeply(update(9, 'phone', a => '{"n":1}', b => '{"n":2}'), [$event, 0],
    'an update sent again returns the result');

is_deeply(result('phone', 'a', '{"status":"failed"}'), [$id, 0, 1],
    'a second result: the first stays');
is_deeply(update(9, 'phone', a => '{"n":1}'), [$event], '    unchanged');
is($redis->fcall('last', 'alice'), $id, '    nothing is published');

is(result('phone', 'unknown', '{"status":"done"}')->[2], 0,
    'the result of an unknown update');
like(update(9, 'phone', unknown => '{}')->[0], qr/"done"/, '    is kept, too');

is(result('~1f', 'x', '{"status":"done"}', 1, 60)->[2], 0,
    'a result trims the log');
is($redis->command('XLEN', 'pimap:{alice}'), 1, '    by length and age');

my $odd = qq(a "\\ \xc3\xa9 \{\});

is(result($odd, '{}', "{\r\n\"status\":\"done\"}")->[2], 0,
    'a device with an odd name');

my $log = $redis->fcall('read', 'alice', 0, 0, 9)->[-1];

is(decode_json($log)->{device}, decode_json(qq(["\\u00e9"]))->[0]
    =~ s/^/a "\\ /r . ' {}', '    the name is in the event');

my $last = $redis->fcall('last', 'alice');

# Times to live.

within($redis->command(qw(TTL), 'pimap:{alice}:update:a phone'), 86400,
    'an update with a result is kept for a day');
within($redis->command(qw(TTL), 'pimap:{alice}:update:b phone'), 604800,
    'an update without a result: for a week');

# Bad calls.

for my $bad (
    [qr/not an object/, '[]'], [qr/not an object/, 'x"status":"done"}'],
    [qr/"status"/, '{}'], [qr/json/, '{"status":"done"},{"a":{}}'],
    [qr/an object/, '{"status":"done"} x'], [qr/json/, '{"status":NaX}'],
    [qr/"status"/, '{"a":1}'], [qr/"status"/, '{"status":1}'],
    [qr/"device"/, '{"status":"done","device":"other"}'],
    [qr/"event"/, '{"status":"done","event":"X"}'],
    [qr/"update"/, '{"status":"done","update":"x"}'],
    [qr/too large/, '{"status":"' . 'x' x 1_048_576 . '"}'],
) {
    my ($regex, $json) = @$bad;
    like(fails(@{ _result('phone', 'c', $json) }), $regex,
        'a bad result: ' . substr($json, 0, 30));
}

like(fails(qw(FCALL pimap_result 1), $keys[0], @$_), qr/bad arguments/,
    "pimap_result: @{[map { substr($_, 0, 9) } @$_]}")
    for [], [qw(a b)], ['a', 'b c', '{}'], ['x' x 1025, 'b', '{}'],
        ['a', 'b', '{}', 0], ['a', 'b', '{}', 1, 0, 0];

like(fails(qw(FCALL pimap_update), @$_), qr/bad (?:key|arguments)/,
    'pimap_update: ' . join(' ', map { substr($_, 0, 9) } @$_))
    for [1, $keys[0], 9, 'd', 'i', '{}'], [2, 'x', 'y', 9, 'd', 'i', '{}'],
        [2, @keys, 0, 'd', 'i', '{}'], [2, @keys, 9, 'd', 'i'],
        [2, @keys, 9, 'd', '', '{}'], [2, @keys, 9, 'd', 'x' x 129, '{}'],
        [2, @keys, 9, 'd', 'a"b', '{}'], [2, @keys, 9, 'd', "a\\b", '{}'];

is($redis->fcall('last', 'alice'), $last, 'no bad result is published');

$redis->command(qw(CONFIG SET maxmemory 1));
like(fails(qw(FCALL pimap_update 2), @keys, 9, 'd', 'i', '{}'), qr/^OOM/,
    'Redis has no memory left: an error');
$redis->command(qw(CONFIG SET maxmemory 0));
is($redis->command('XLEN', 'pimap:updates'), 7, '    nothing is added');


sub update {
    my ($limit, $device, @updates) = @_;

    return $redis->command('FCALL', 'pimap_update', 2, @keys, $limit, $device,
        @updates);
}


sub _result { return ['FCALL', 'pimap_result', 1, $keys[0], @_] }
sub result  { return $redis->command(@{ _result(@_) }) }


sub fails {
    my (@command) = @_;
    return $redis->error(@command) // 'no error';
}


sub refused {
    my ($regex, @args) = @_;

    my $length = $redis->command('XLEN', 'pimap:updates');

    like(fails('FCALL', 'pimap_update', 2, @keys, @args), $regex, "$regex");
    is($redis->command('XLEN', 'pimap:updates'), $length,
        '    nothing is added');
}


sub within {
    my ($got, $most, $name) = @_;
    ok($got <= $most && $got > $most - 60, $name) or diag($got);
}
