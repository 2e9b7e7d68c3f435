#!/usr/bin/perl

# The log refuses the same events as the module, with the reason, and stores
# and sends the same text that the module makes of an event.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Codec;

use constant MUTANTS => $ENV{PIMAP_MUTANTS} // 3000;

my $t = Pimap->new();
$t->plan(7);

my $accepted = 0;
my $redis = $t->redis()->start()->load();
my $codec = Pimap::Codec->new($t);

my $long = '{"event":"X","a":"' . 'a' x (1024 * 1024 - 20) . '"}';

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

agree('texts of the codec test, and texts that cjson accepts', @texts);
agree('texts at the limit, and over it', $long, " $long", $long . ' ' x 9,
    $long =~ s/aa/aaa/r);

srand(4);
agree('texts with one thing changed', map { mutant() } 1 .. MUTANTS);

like($redis->fcall('last', 'a'), qr/-$accepted$/,
    'a refused text is not in the log');

like($redis->error(qw(FCALL pimap_publish 1 pimap:{a}), '{"secret":x}'),
    qr/^PIMAP bad json: syntax error$/, 'an error does not quote the text');
like($redis->error(qw(FCALL pimap_publish 1 pimap:{a}),
    '{"a":' . ' ' x 1_000_000 . '}'), qr/^PIMAP bad json/,
    'much white space: refused without delay');
is($redis->command('PING'), 'PONG', 'it goes on');


# One test: library and codec agree on all these texts.  They may refuse a text
# with several faults for different reasons.

sub agree {
    my ($name, @texts) = @_;

    my @expected = $codec->parse(@texts);
    my @got = map { published($_) } @texts;
    my $what = $name =~ /changed/ ? sub { $_[0][0] eq 'ok' ? $_[0][1] : '' }
        : sub { "@{ $_[0] }" };

    $accepted += grep { $_->[0] eq 'ok' } @expected;

    my @differ = grep {
        $what->($got[$_]) ne $what->($expected[$_])
    } 0 .. $#texts;

    is(scalar(@differ), 0, $name);

    diag(map { substr($_, 0, 300) . "\n" } $texts[$_],
        "  codec: @{ $expected[$_] }", "  log: @{ $got[$_] }")
        for splice(@differ, 0, 5);
}


sub published {
    my ($text) = @_;

    my $error = $redis->error(qw(FCALL pimap_publish 1 pimap:{a}), $text, 1);

    return [$error =~ /^PIMAP ([\w ]+)/, ''] if defined $error;

    return ['ok', $redis->fcall('read', 'a', 0, 0, 1)->[3]];
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
