#!/usr/bin/perl

# One account has a bounded number of updates in Redis, and of bytes: those
# that wait, and those whose result is remembered.  A further one is refused.
# Updates that have ended make room; other accounts have their own room.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::WebSocket;

my $t = Pimap->new(workers => 1, http => 'pimap_max_updates_per_account 5;'
    . 'pimap_max_update_bytes_per_account 8k;');
my $redis = $t->redis()->start()->load();

$t->plan(41);
$t->run();
$t->wait_ready();

# The functions: number, bytes.

my $size = 300 + 3 * length('a1 phone') + length('{}');

is_deeply(add('9 3', 'a', a1 => '{}', a2 => '{}'), [1, 1], 'two of three');
like(add('9 3', 'a', a3 => '{}', a4 => '{}'), qr/^PIMAP account: /,
    'two more: refused');
is($redis->command(qw(XLEN pimap:updates)), 2, '    nothing is added');
is_deeply(add('9 3', 'a', a1 => '{}'), [0], '    one sent again: known');
is_deeply(add('9 3', 'a', a3 => '{}'), [1], '    one more: added');
like(add('9 3', 'a', a4 => '{}'), qr/^PIMAP account: /, 'a fourth: refused');
is_deeply(add('9 3', 'b', a4 => '{}'), [1], '    another account has room');
is(tally('a'), '3 ' . 3 * $size, 'the tally');

is_deeply(add('9 9 ' . 3 * $size, 'c', map { ("a$_" => '{}') } 1 .. 3),
    [1, 1, 1], 'as many bytes as allowed');
like(add('99 9 ' . 3 * $size, 'c', a4 => ''), qr/^PIMAP account: /,
    '    an update more: refused');
like(add("99 9 $size", 'd', a1 => '{ }'), qr/^PIMAP account: /,
    '    a byte more: refused');
is($redis->command(qw(EXISTS pimap:{d}:tally)), 0, '    no tally is made');

# A result has its own bytes, and is known for a day.

result('a', 'a1');
my $record = $redis->command('GET', 'pimap:{a}:update:a1 phone');
my $bytes = 3 * $size - length('{}') + length($record);

is(tally('a'), "3 $bytes", 'a result: it has its own bytes');
like(add('9 3', 'a', a4 => '{}'), qr/^PIMAP account: /, '    still refused');
within(ends('a', 'a1'), 86400, '    it ends in a day');
within(ends('a', 'a2'), 604800, '    one that waits: in a week');
within($redis->command(qw(TTL pimap:{a}:tally)), 604800,
    '    the tally: in a week');

result('a', 'unknown');
like(tally('a'), qr/^4 /, 'the result of an unknown update counts');

# Much: a result is known for an hour.

add('9 9', 'e', a1 => 'x' x 1_048_576, a2 => '{}');
result('e', 'a2');
within(ends('e', 'a2'), 3600, 'much: a result ends in an hour');
within($redis->command('TTL', 'pimap:{e}:update:a2 phone'), 3600,
    '    its record, too');

# What has ended makes room.

my @many = map { ("b$_" => '{}') } 1 .. 100;

is(scalar(@{ add('999 100', 'f', @many) }), 100, 'a hundred');
like(add('999 100', 'f', c1 => '{}'), qr/^PIMAP account: /, '    one more');
end_of('f', 'b50');
is_deeply(add('999 100', 'f', c1 => '{}'), [1], '    one has ended: added');
like(add('999 100', 'f', c2 => '{}'), qr/^PIMAP account: /, '    one more');
end_of('f', "b$_") for 1 .. 49;
is_deeply(add('999 100', 'f', map { ("c$_" => '{}') } 2 .. 50),
    [(1) x 49], '    49 have ended: 49 are added');
is_sum('f', 100);

add('9 3', 'g', "a$_" => '{}') for 1 .. 3;
end_of('g', 'a2');
is_deeply(add('9 3', 'g', a4 => '{}'), [1], 'few: one has ended: added');
is_sum('g', 3);

# The record is lost, and the update comes again.

$redis->command('DEL', 'pimap:{g}:update:a1 phone'), add('9 3', 'g',
    a1 => '{"x":1}') for 1 .. 5;
is_sum('g', 3);

# A tally of a wrong type.

add('9 9', 'h', a1 => '{}');
$redis->command(qw(SET pimap:{h}:tally x));
ok(!eval { result('h', 'a1'); 1 }, 'a tally of a wrong type: no result');
is($redis->fcall('last', 'h'), '', '    and no event');

# Through nginx, by each way.

$redis->command('DEL', 'pimap:updates');
is(post('alice', 1 .. 5)->{status}, 202, 'POST: as many as the limit');

my $refused = post('alice', 6);

is($refused->{status}, 429, '    one more: 429');
is($refused->{json}{detail}, 'the account has too many updates: send it again'
    . ' later', '    the reason');
is(post('alice', 1)->{status}, 202, '    one sent again: accepted');
is(post('bob', 1)->{status}, 202, '    another account: accepted');

my $w = $t->websocket('alice');

$w->send(frame(TEXT, '{"id":"7","update":"x"}'));
is(until_update($w)->{detail}, $refused->{json}{detail},
    'WebSocket: refused, with the reason');
$w->send(frame(TEXT, '{"id":"8","update":"x","text":"' . 'x' x 9000 . '"}'));
is(until_update($w)->{event}, 'refused', '    too many bytes, too');

my $status = $t->status()->{updates};

is($status->{accountFull}, 3, 'the metric counts them');
is($status->{failed}, 3, '    as updates that failed');
is($redis->command(qw(XLEN pimap:updates)), 6, 'the stream has no more');


sub add {
    my ($limits, $account, @updates) = @_;

    my @command = ('FCALL', 'pimap_update', 2, "pimap:{$account}",
        'pimap:updates', $limits =~ s/^9+/99999/r, 'phone', @updates);

    return eval { $redis->command(@command) } // $@ =~ s/^redis: //r;
}


sub result {
    my ($account, $id) = @_;
    return $redis->fcall('result', $account, 'phone', $id,
        '{"status":"done"}');
}


# The number and the bytes.

sub tally {
    my ($account) = @_;

    return $redis->command('ZCARD', "pimap:{$account}:tally") - 1 . ' '
        . -$redis->command('ZSCORE', "pimap:{$account}:tally", '');
}


sub is_sum {
    my ($account, $n) = @_;

    my %score = @{ $redis->command('ZRANGE', "pimap:{$account}:tally", 0, -1,
        'WITHSCORES') };
    my $sum = 0;

    $sum += $score{$_} % 2**21 for grep { $_ ne '' } keys(%score);
    is(tally($account), "$n $sum", '    the number and the bytes are right');
}


sub score {
    my ($account, $id) = @_;
    return $redis->command('ZSCORE', "pimap:{$account}:tally", "$id phone");
}


sub ends {
    return int(score(@_) / 2**21) - $redis->command('TIME')->[0];
}


sub end_of {
    my ($account, $id) = @_;

    $redis->command('ZADD', "pimap:{$account}:tally",
        2**21 + score($account, $id) % 2**21, "$id phone");
}


sub within {
    my ($got, $most, $name) = @_;
    ok($got <= $most && $got > $most - 60, $name) or diag($got);
}


sub post {
    my ($account, @ids) = @_;

    return $t->update($account, [map { { id => "$_", update => 'x' } } @ids]);
}


sub until_update {
    my ($w) = @_;

    while (my $event = $w->json()) {
        return $event if exists $event->{update};
    }
}
