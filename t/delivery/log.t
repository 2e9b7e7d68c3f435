#!/usr/bin/perl

# An event published with the library gets the next id of its account, is sent
# to the channel and added to the log in one step, and can be read from there.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
$t->plan(33);

my $redis = $t->redis()->start()->load();

like($redis->command('FCALL', 'pimap_version', 0), qr/^[1-9]\d*$/, 'version');

is($redis->fcall('last', 'a'), '', 'no log, no id');
is_deeply($redis->fcall('read', 'a', 0, 0, 10), ['ok', ''],
    'an empty log: no events');

my $subscriber = $redis->connect();
$subscriber->command('SUBSCRIBE', 'pimap:{a}');

my @json = map { $t->json({ event => 'MessageNew', uid => $_ }) } 0 .. 40;

my $before = $redis->command('TIME');
my $id = $redis->fcall('publish', 'a', $json[1]);
my $after = $redis->command('TIME');

my ($epoch) = $id =~ /^(\d+)-1$/;
ok($epoch, 'the first id');
ok(substr($epoch, 0, 12) >= hundredths($before)
    && substr($epoch, 0, 12) <= hundredths($after),
    '    its epoch begins with the time in hundredths of a second');
is_deeply(untimed($subscriber->reply()),
    ['message', 'pimap:{a}', "$id $json[1]"], '    is on the channel');
is($redis->fcall('last', 'a'), $id, '    is the last id');

is_deeply($redis->fcall('post', 'a', $json[2]), ["$epoch-2", 1, 0],
    'post returns the id, the receivers, and "no duplicate"');
is(untimed($subscriber->reply())->[2], "$epoch-2 $json[2]",
    '    the event is on the channel');

is($redis->fcall('publish', 'a', $json[$_]), "$epoch-$_", "id $_ is dense")
    for 3 .. 5;
$subscriber->reply() for 3 .. 5;
$redis->fcall('publish', 'a', $json[$_]) for 6 .. 40;

isnt($redis->fcall('publish', 'b', $json[1]), "$epoch-41",
    'another account has its own numbers');
is($redis->fcall('post', 'b', $json[2])->[1], 0, '    and its own receivers');

is_deeply(page('a', 0, 0, 3), [1, 2, 3], 'a page from the beginning');
is_deeply(page('a', $epoch, 3, 2), [4, 5], 'the next page');
is_deeply(page('a', $epoch, 0, 100), [1 .. 40], 'all in one page');
is_deeply(page('a', $epoch, 5, 33), [6 .. 38], 'a page of odd size');
is_deeply(page('a', $epoch, 39, 9), [40], 'the last page');
is_deeply(page('a', $epoch, 40, 9), [], 'an empty page after the last');

my $size = length($json[20]);
is_deeply(page('a', $epoch, 19, 9, 3 * $size), [20 .. 22],
    'a page with a limit in bytes');
is_deeply(page('a', $epoch, 19, 9, 3 * $size - 1), [20, 21],
    '    one byte less: one event less');
is_deeply(page('a', $epoch, 19, 9, 1), [20], '    at least one event');

# idempotency keys

my @post = ('post', 'a', $json[1], '', '');

my $first = $redis->fcall(@post, 'key');
is($first->[2], 0, 'published with a key');
is_deeply($redis->fcall(@post, 'key'), [$first->[0], 0, 1],
    'published again: a duplicate');
is($redis->fcall('publish', 'a', 'x', '', '', 'key'), $first->[0],
    '    also with another text');
is($redis->fcall('last', 'a'), $first->[0], '    nothing is added to the log');
ok($redis->command('TTL', 'pimap:{a}:idem:key') =~ /^3(?:600|59\d)$/,
    '    the key lives for an hour');
is($redis->fcall(@post, 'another')->[2], 0, 'another key');
is($redis->fcall(@post, '')->[2], 0, 'an empty key is no key');
is($redis->fcall(@post, '')->[2], 0, '    again');

$redis->error('FCALL', 'pimap_publish', 1, 'pimap:{a}', 'x', '', '', 'third');
is($redis->fcall(@post, 'third')->[2], 0, 'a refused text takes no key');

is(join(' ', sort(@{ $redis->command('KEYS', 'pimap:{b}*') })),
    'pimap:{b} pimap:{b}:epoch', 'these are all keys of an account');


# Checks the reply, and returns the numbers of its entries.

sub page {
    my ($account, @args) = @_;

    my ($ok, $last, %json) = @{ $redis->fcall('read', $account, @args) };

    return "$ok $last" if $ok ne 'ok' || $last ne $redis->fcall('last', 'a');

    my @n = sort { $a <=> $b } map { /^$epoch-(\d+)$/ } keys(%json);

    return [grep { $json{"$epoch-$_"} eq $json[$_] } @n];
}


# A message without the time of its publish.

sub untimed {
    my ($message) = @_;

    $message->[2] =~ s/^(\d+-\d+)\@\d{13} /$1 /;
    return $message;
}


sub hundredths {
    my ($time) = @_;
    return $time->[0] * 100 + int($time->[1] / 10000);
}
