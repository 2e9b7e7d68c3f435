#!/usr/bin/perl

# Redis gives an id to whatever looks like an object.  The workers refuse the
# rest: it is counted, and logged with its id, and devices miss nothing.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Codec;

use constant MUTANTS => $ENV{PIMAP_MUTANTS} // 1000;

my $t = Pimap->new(workers => 1,
    http => 'pimap_max_event 1m; pimap_gap_check 0;');
my $codec = Pimap::Codec->new($t);

my @texts = ($codec->payloads(), (map { "{\"event\":\"X\",\"a\":$_}" }
    split(' ', q(NaN nan -NaN Infinity -inf inf 1. -.5 .5 1.e5 -01 01 00 0x10
        +1 1e5 1E+5 -0 -0.0e-0 1e-999 1e308 1e309 -1e309 [1.5] [1.] {"b":-.5}
        9223372036854775807 9223372036854775808 -9223372036854775808
        -9223372036854775809 1000000000000000000000 0.1234567890123456789012
        12345678901234567890.5 12345678901234567890e1 [0,9223372036854775808]
        "1." "9223372036854775808" "NaN" "a\":1" ":" "\\\\" "\\\\\\"a\\":1"
        [[],{},[{}]] {"":1} {"1":1,"1":2} {"a\\\\":1,"a":2} tru nullx)),
    "\"\x7f\"", "\"\x01\"", "\"\\\\\t\"", "\"\\\\\n\""),
    (map { '{"event":"X","a":"' . pack('H*', $_) . '"}' }
        qw(7f c1bf c280 dfbf e09fbf e0a080 ecbfbf ed9fbf eda080 ee8080 efbfbf
        f08fbfbf f0908080 f3bfbfbf f48fbfbf f4908080 f5808080 c2 c2c280 e0a0
        e0a0c280 f09080 f09080c280 80 c28080 e0c280a080)),
    (map { '{"@type":"StateChange","changed":' . $_ . '}' }
        '{}', '[]', '[ ]', 'null', '{"a":[]}', '{"a":[1]}', '{"a":{}}',
        '{"a":{"Email":[]}}', '{"a":{"Email":"[]"},"[]":{}}',
        '{"a":{},"b":null}', '{"a":{},"b":[ ]}'),
    " \t\r\n{\"event\":\r\n\t\"X\"\n} \n", "{\"event\":\"X\"}\x0b");

push(@texts, map { mutant() } 1 .. MUTANTS) if srand(4);

$t->plan(18);
$t->run();
$t->wait_ready();

my $redis = $t->redis();
my $live = $t->park_live('a');
my $first = $redis->log('a', { event => 'First' });
my ($n) = $first =~ /-(\d+)$/;

$live->event();

# A text is refused by Redis only if the workers would refuse it.

my @verdicts = $codec->parse(@texts);
my (@ids, @good, @refused);

for my $n (0 .. $#texts) {
    my $id = eval { $redis->log('a', $texts[$n]) } // '';

    push(@ids, $id) if $id;
    push(@good, [$id, $verdicts[$n][1]]) if $verdicts[$n][0] eq 'ok';
    push(@refused, $id) if $id && $verdicts[$n][0] ne 'ok';
}

cmp_ok(scalar(@refused), '>', 100, 'Redis takes texts that are no events');
is(scalar(grep { !$_->[0] } @good), 0, 'it takes all that are');
is_deeply([map { /-(\d+)$/ } @ids], [$n + 1 .. $n + @ids],
    'their ids are dense');

my $end = $redis->log('a', { event => 'End' });

push(@good, [$end, $t->json({ event => 'End' })]);

is(differences($live), 0, 'a parked device gets the events, and no resync');
is($t->status()->{events}{invalid}, @refused, 'the others are counted');
is($t->status()->{log}{gaps} // 0, 0, 'no gap');

my @lines = grep { /invalid payload/ } split(/\n/, $t->log());

is(scalar(@lines), 1, 'the log has a line');
like($lines[0], qr/account "a", id $refused[0] /, '    with the first id');

is(differences($t->park('a', query => "last-event-id=$first")), 0,
    'a device that comes back gets the same');
is($t->status()->{log}{resyncs} // 0, 0, '    no resync');
is($t->status()->{events}{invalid}, 2 * @refused, '    the others count');

# The last event is one that is refused.

my $last = $redis->log('a', '{"event":"ping"}');

ok($live->quiet(0.1), 'a reserved name: nothing comes');

my $s = $t->park('a', query => "last-event-id=$end");

$s->read_until(qr/: parked\n.*\n\n/);
ok($s->quiet(0.1), '    a device that comes back hears nothing');
my $id = $redis->log('a', { event => 'Next' });

is($_->event()->{id}, $id, '    then the next event') for $live, $s;

# What Redis sees.

like($redis->error(qw(FCALL pimap_publish 1 pimap:{a}), '"secret"'),
    qr/^PIMAP not an object$/, 'no object: refused, and not quoted');
like($redis->error(qw(FCALL pimap_publish 1 pimap:{a}),
    '{"a":"' . 'a' x 1048576 . '"}'), qr/^PIMAP too large$/, 'too large');
like($redis->error(qw(FCALL pimap_publish 1 pimap:{a}),
    '{"a":' . ' ' x 1_000_000), qr/^PIMAP not an object$/,
    'much white space: refused without delay');


# The number of good events that do not come as they should.

sub differences {
    my ($s) = @_;

    my $differ = 0;

    for my $good (@good) {
        my $event = $s->event() // {};

        next if ($event->{id} // '') eq $good->[0]
            && ($event->{data} // '') eq $good->[1];

        diag("expected @$good, got $event->{id} $event->{data}")
            if $differ++ < 3;
        last if $differ > 9;
    }

    return $differ;
}


sub mutant {
    my $text = $texts[rand(@texts)];

    my @bytes = ('"', '\\', '{', '}', '[', ']', ',', ':', ' ', "\n", '.', 'e',
        '-', '0', '1', '9', 'u', 'n', 't', "\0", "\t", "\xc3", "\xa4", "\xed",
        "\xf0", "\x9f", '[]', '{}', '"a":1,', '\\u0000', '\\ud83d', '1.');

    my $at = int(rand(length($text) + 1));
    my $cut = $at + 3 > length($text) ? 0 : int(rand(3));

    substr($text, $at, $cut, rand() < 0.3 ? '' : $bytes[rand(@bytes)]);

    return $text;
}
