#!/usr/bin/perl

# A log has limits in number and in age.  Each key of an account expires.
# Arguments out of range are refused.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant DAY => 86400;

my $t = Pimap->new();
$t->plan(80);

my $redis = $t->redis()->start()->load();
my $begun = $redis->epoch(time() - 9 * DAY);
my $event = { event => 'MessageNew' };

# number

publish('a', 3) for 1 .. 10;
is(length_of('a'), 3, 'a limit of 3: 3 entries');
publish('a', 2);
is(length_of('a'), 2, 'a limit of 2: 2 entries');
publish('a', 1);
is(length_of('a'), 1, 'a limit of 1: 1 entry');
publish('a');
is(length_of('a'), 2, 'no limit given: entries are added');

old_log('d', 0, 1010);
publish('d');
is(length_of('d'), 1000, 'no limit given: a thousand are kept');

# age

old_log('b', 7 * DAY + 60, 200);
old_log('b', 7 * DAY - 60, 2, 201);

publish('b');
is(length_of('b'), 203 - 128, 'entries older than a week: 128 are deleted');
publish('b');
is(length_of('b'), 204 - 128, '    no more for a while');
mark('b');
publish('b');
is(length_of('b'), 5, '    but later');
is($redis->fcall('read', 'b', 0, 0, 1)->[2], "$begun-201",
    '    younger ones are kept');

old_log('c', 120, 3);
publish('c', '', 180);
is(length_of('c'), 4, 'no entry exceeds the age: all are kept');
publish('c', '', 60);
is(length_of('c'), 2, 'entries exceed the age: deleted');
publish('c', '', 1);
is(length_of('c'), 3, 'the new entry is kept');

# life

for ([60, 1], ['', 10080], [DAY, 1440], [DAY, 1440], [7, 1], [100, 2]) {
    my ($ttl, $pause) = @$_;

    publish('a', '', $ttl);

    my $log = ($ttl || 7 * DAY) + $pause;

    ok(lives('a', $log),
        "the log of an idle account expires after $log s");
    ok(lives('a:epoch', $log + 30 * DAY), '    its epoch a month later');
}

$redis->command('DEL', 'pimap:{a}');
publish('a', '', DAY);
ok(lives('a', DAY + 1440), 'a new log expires too');

# the time to live is set again after the pause

for my $ttl (60, DAY) {
    publish('k', '', $ttl);
    mark('k');
    publish('k', '', $ttl);
    ok(lives('k', $ttl + $ttl / 60),
        "the next event keeps a log for $ttl s");
}

for my $ttl (60, DAY, 60) {
    publish('g', 5, $ttl);
    ok(lives('g', $ttl + $ttl / 60),
        "the same number of events, and a log for $ttl s");
}

publish('e', '', 1);
ok($t->wait_for(sub { !$redis->command('EXISTS', 'pimap:{e}') }, 'end'),
    'an idle log is deleted');

# arguments

my $json = $t->json($event);

for my $args (['x'], ['0'], ['-1'], ['1.5'], ['1e3'], ['1000001'], ['01'],
    [1, 'x'], [1, 0], [1, 366 * DAY + 1], [1, '9' x 40], [1, 1, 'k' x 256],
    [1, 1, 'k', 'x'])
{
    like(error('pimap_publish', 'pimap:{a}', $json, @$args),
        qr/^PIMAP bad arguments: /, 'refused: ' . substr("@$args", 0, 30));
}

is($redis->fcall('post', 'f', $json, 1000000, 366 * DAY, 'k' x 255)->[2], 0,
    'the greatest arguments');

for my $args ([0], [''], ['x'], [10001], [1, 0], [1, 'x'], [1, 1, 1], []) {
    like(error('pimap_read', 'pimap:{a}', 0, 0, @$args),
        qr/^PIMAP bad arguments: /, "refused to read: @$args");
}

# keys

for my $key ('', 'pimap', 'pimap:a', 'pimap:{}', 'pimap:{}}', ':{a}',
    'pimap:{a}:log', "pimap:{a\nb}", "pimap:{a\x7f}")
{
    my $shown = $key =~ s/[^ -~]/?/gr;

    like(error('pimap_publish', $key, $json), qr/^PIMAP bad key: /,
        "refused: \"$shown\"");
    like(error('pimap_publish', $key, $json, 5, 60), qr/^PIMAP bad key: /,
        '    with the arguments of another call');
}

is(error('pimap_publish', 'pimap:{}b}', $json),
    'PIMAP bad key: P:{A} is expected, and A can\'t begin with "}"',
    'an account "}b"');
is($redis->error(qw(FCALL pimap_update 2 pimap:{}b} pimap:updates 9 d i {})),
    'PIMAP bad key: P:{A} P:updates is expected, and A can\'t begin with "}"',
    '    an update of it');
like(publish('b}c'), qr/-1$/, 'an account "b}c" is a name');
like($redis->error('FCALL', 'pimap_last', 0), qr/^PIMAP bad key: /, 'no key');
like($redis->error('FCALL', 'pimap_last', 2, 'p:{a}', 'p:{a}'),
    qr/^PIMAP bad key: /, 'two keys');
like($redis->error('FCALL', 'pimap_publish', 2, 'p:{a}', 'p:{a}', $json, 5,
    60), qr/^PIMAP bad key: /, '    with the arguments of another call');

# memory, as docs/reliability.md has it

my $typical = $t->json({ event => 'MessageNew', preview => 'a' x 315 });

$redis->fcall('publish', 'm', $typical, 100) for 1 .. 250;

my $bytes = $redis->command(qw(MEMORY USAGE pimap:{m} SAMPLES 0));
my $epoch = $redis->command(qw(MEMORY USAGE pimap:{m}:epoch SAMPLES 0));

ok(length($typical) == 350 && $bytes < 55_000,
    "a hundred events of 350 bytes take $bytes bytes");
ok($epoch < 160, "the epoch takes $epoch bytes");

my $before = used();

$redis->fcall('publish', "n$_", $t->json({ event => 'MessageNew',
    preview => 'a' x 365 })) for 1 .. 4000;

my $each = int((used() - $before) / 4000);

ok($each <= 1000, "an account with one event of 400 bytes takes $each bytes");


sub used {
    my ($bytes) = $redis->command(qw(INFO memory)) =~ /^used_memory:(\d+)/m;
    return $bytes;
}


sub publish { return $redis->fcall('publish', shift, $event, @_) }


sub length_of { return $redis->command('XLEN', "pimap:{$_[0]}") }


sub error {
    my ($function, $key, @args) = @_;
    return $redis->error('FCALL', $function, 1, $key, @args);
}


# Adds entries as if published so many seconds ago.

sub old_log {
    my ($account, $age, $count, $n) = @_;

    my $time = $redis->command('TIME')->[0] - $age;
    $n //= 1;

    $redis->command('XADD', "pimap:{$account}", "$begun-$_", 'e', '{}',
        't', $time) for $n .. $n + $count - 1;
}


# The last change of the keys was a pause ago.

sub mark { $redis->command('EXPIRE', "pimap:{$_[0]}", 50) }


sub lives {
    my ($key, $seconds) = @_;

    my ($account, $rest) = split(/:/, $key);
    my $ttl = $redis->command('TTL', "pimap:{$account}"
        . ($rest ? ":$rest" : ''));

    return $ttl <= $seconds && $ttl > $seconds - 30;
}
