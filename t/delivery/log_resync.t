#!/usr/bin/perl

# A reader that asks the log for the events after an id gets all of them or
# "resync": an id of another log or of lost events is always recognized.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
$t->plan(43);

my $redis = $t->redis()->start()->load();
my $event = { event => 'MessageNew' };

is_deeply(after('none', 5, 1), ['resync', 'empty', ''], 'no log: resync');

my ($epoch) = publish('a', 5) =~ /^(\d+)/;
my $last = "$epoch-5";

is_deeply(after('a', $epoch, 5), ['ok', $last],
    'the last id: nothing follows');
is_deeply(after('a', $epoch, 6), ['resync', 'future', $last],
    'an id past the end: resync');
is_deeply(after('a', $epoch - 1, 1), ['resync', 'epoch', $last],
    'another epoch: resync');
is_deeply(after('a', 0, 1), ['resync', 'epoch', $last], 'epoch zero: resync');
is_deeply(after('a', $epoch, '18446744073709551615'),
    ['resync', 'future', $last], 'the greatest number: resync');
is_deeply(after('a', '18446744073709551615', 1), ['resync', 'epoch', $last],
    'the greatest epoch: resync');

# older than the log

publish('a', 5, 4);
$last = "$epoch-10";

is_deeply(after('a', $epoch, 6), ['ok', $last, 7 .. 10],
    'the oldest event in the log is next');
is_deeply(after('a', $epoch, 5), ['resync', 'gone', $last], 'trimmed: resync');
is_deeply(after('a', 0, 0), ['ok', $last, 7 .. 10],
    'trimmed: from the earliest');

$redis->command('XDEL', 'pimap:{a}', "$epoch-8");
is_deeply(after('a', $epoch, 6), ['ok', $last, 7], 'a gap ends the page');
is_deeply(after('a', $epoch, 7), ['resync', 'gone', $last],
    '    and the next page is resync');
is_deeply(after('a', 0, 0), ['ok', $last, 7], '    from the earliest, too');

$redis->command('XTRIM', 'pimap:{a}', 'MAXLEN', 0);
is($redis->fcall('last', 'a'), $last, 'an empty log: the last id is known');
is_deeply(after('a', $epoch, 10), ['ok', $last], '    at its end');
is_deeply(after('a', $epoch, 9), ['resync', 'gone', $last], '    before it');
is_deeply(after('a', $epoch, 11), ['resync', 'future', $last], '    past it');
is_deeply(after('a', 0, 0), ['ok', $last], '    from the earliest');
is(publish('a', 1), "$epoch-11", '    the numbers go on');

# Of an idle log that has expired only the epoch is known.

$redis->command('DEL', 'pimap:{a}');
is_deeply(after('a', $epoch, 11), ['resync', 'gone', "$epoch-0"],
    'expired: resync');
is_deeply(after('a', $epoch, 0), ['ok', "$epoch-0"],
    '    once: nothing is missing after it');
is_deeply(after('a', 0, 0), ['ok', "$epoch-0"], '    from the earliest');
is($redis->fcall('last', 'a'), "$epoch-0", '    the epoch is known');

my ($later, $next) = publish('a', 1) =~ /^(\d+)-(\d+)$/;
ok($later > $epoch, '    the next event: a greater epoch');
is($next, 2, '        its first number is 2');
is_deeply(after('a', $epoch, 0), ['resync', 'epoch', "$later-2"],
    '        the old epoch: resync');
$epoch = $later;

# a log that is lost, and begins again

$redis->command('DEL', 'pimap:{a}');
$redis->other_server('a');

my ($first, $one) = publish('a', 1) =~ /^(\d+)-(\d+)$/;
ok($first > $epoch, 'written by another server: a new log, a greater epoch');
is($one, 2, '    its first number is 2');

$redis->command('DEL', 'pimap:{a}', 'pimap:{a}:epoch');
is_deeply(after('a', $first, 1), ['resync', 'empty', ''],
    'log and epoch deleted: resync');
is_deeply(after('a', 0, 0), ['ok', ''], '    from the earliest');

my ($second, $n) = publish('a', 1) =~ /^(\d+)-(\d+)$/;
ok($second > $first, '    a new log has a greater epoch');
is($n, 1, '    its first number is 1');
is_deeply(after('a', $first, 1), ['resync', 'epoch', "$second-1"],
    '    the old epoch: resync');

my $future = time() + 3600;
$redis->other_server('a', $future);
my ($greater) = publish('a', 1) =~ /^(\d+)-2$/;
ok(substr($greater, 0, 10) >= $future,
    'the clock was set back: the epoch is greater nevertheless');
is(publish('a', 1), "$greater-3", '    and does not change');

for my $n (4, 5) {
    $redis->command('DEL', 'pimap:{a}:epoch');
    $redis->command('XTRIM', 'pimap:{a}', 'MAXLEN', 0) if $n > 4;
    is(publish('a', 1), "$greater-$n", 'epoch deleted: the log goes on');
}

$redis->command('DEL', 'pimap:{a}:epoch', 'pimap:{a}');
my ($third) = publish('a', 1) =~ /^(\d+)-1$/;
ok($third < $greater, 'log and epoch deleted: the epoch is the clock');

# a failover lost the last events

$redis->command('XADD', 'pimap:{a}', "$third-2", 'e', '{}', 't', 1);
my $lost = $redis->command('DUMP', 'pimap:{a}');
publish('a', 3);
$redis->command('RESTORE', 'pimap:{a}', 0, $lost, 'REPLACE');
is_deeply(after('a', $third, 5), ['resync', 'future', "$third-2"],
    'a failover lost events: their ids get resync');

# arguments

for my $args (['', 1], ['01', 1], [1, '-1'], ['a', 1]) {
    like($redis->error('FCALL', 'pimap_read', 1, 'pimap:{a}', @$args, 10),
        qr/^PIMAP bad arguments/, "refused: '$args->[0]-$args->[1]'");
}


# Publishes some events; the last id.

sub publish {
    my ($account, $count, @args) = @_;

    my $id;
    $id = $redis->fcall('publish', $account, $event, @args) for 1 .. $count;

    return $id;
}


# The reply to a read after an id, with the numbers of the entries only.

sub after {
    my ($account, @id) = @_;

    my ($status, @reply) = @{ $redis->fcall('read', $account, @id, 100) };

    return [$status, @reply] if $status ne 'ok';
    return [$status, shift(@reply), map { /^\d+-(\d+)$/ } @reply];
}
