#!/usr/bin/perl

# The requirements of RFC 6455 for a server, section by section: frames of a
# client, and the answers of the server.  Each case is sent at once and byte by
# byte, to a held and to a hibernated device.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::WebSocket;

my $t = Pimap->new(mode => '', http => 'pimap_max_update 400;');
sub text  { frame(TEXT, $_[0], @_[1 .. $#_]) }
sub more  { frame(MORE, $_[0], @_[1 .. $#_]) }
sub ping  { frame(PING, $_[0], @_[1 .. $#_]) }
sub bye   { frame(CLOSE, $_[0], @_[1 .. $#_]) }
sub first { (fin => 0) }
sub code  { pack('n', $_[0]) . ($_[1] // '') }

my $id = 0;

# An update whose text has so many bytes, and its answer.

sub update {
    my ($size, %set) = @_;

    my $name = 'u' . ++$id;
    my $json = qq({"id":"$name","update":"x","is":""});

    substr($json, -2, 0) = ($set{with} // '')
        . 'x' x ($size - length($json) - length($set{with} // ''));

    return ($json, "accepted:$name");
}

my ($short, $short_answer) = update(60);
my ($euro, $euro_answer) = update(60, with => "\xe2\x82\xac\xf0\x9f\x98\x80");
my @sizes = map { [$_, update($_)] } 125, 126, 127, 128, 400;
my $cut = index($euro, "\x82");

my @cases = (
    # frames of texts
    map({ ["5.2: a text of $_->[0] bytes", text($_->[1]), $_->[2]] } @sizes),
    ['5.3: a mask of zeros', text($short, mask => "\0" x 4), $short_answer],
    ['5.4: in two fragments', text(substr($short, 0, 7), first())
        . more(substr($short, 7)), $short_answer],
    ['5.4: in fragments of a byte', text('', first())
        . join('', map { more($_, first()) } split(//, $short)) . more(''),
        $short_answer],
    ['5.4: with a Ping and a Pong between', text(substr($short, 0, 7),
        first()) . ping('p') . frame(PONG, '') . more(substr($short, 7)),
        "pong:p $short_answer"],
    ['8.1: UTF-8', text($euro), $euro_answer],
    ['8.1: a character in two fragments', text(substr($euro, 0, $cut),
        first()) . more(substr($euro, $cut)), $euro_answer],

    # a text that is no update is no violation of the protocol
    ['an empty text', text(''), 'refused'],
    ['a text that is no JSON', text('hello'), 'refused'],

    # control frames
    ['5.5.2: a Ping', ping('hello'), 'pong:hello'],
    ['5.5.2: an empty Ping', ping(''), 'pong:'],
    ['5.5.2: a Ping of 125 bytes', ping("\xff" x 125), 'pong:' . "\xff" x 125],
    ['5.5.2: ten Pings', join('', map { ping($_) } 0 .. 9),
        join(' ', map { "pong:$_" } 0 .. 9)],
    ['5.5.3: an unsolicited Pong', frame(PONG, 'x') . ping(1),
        'pong:1'],
    ['5.5: a Ping of 126 bytes', ping('x' x 126), 'close:1002'],
    ['5.5: a Ping in fragments', ping('x', first()), 'close:1002'],
    ['5.5: a Close in fragments', bye('', first()), 'close:1002'],

    # the first two bytes
    ['5.1: not masked', text('x', mask => ''), 'close:1002'],
    ['5.1: a Close, not masked', bye('', mask => ''), 'close:1002'],
    map({ ["5.2: reserved bits $_", text('x', rsv => $_), 'close:1002'] }
        1 .. 7),
    ['5.2: reserved bits of a Ping', ping('x', rsv => 4), 'close:1002'],
    map({ ["5.2: opcode $_", frame($_, ''), 'close:1002'] } 3 .. 7, 11 .. 15),
    ['5.2: 126 for 125 bytes', text('x' x 125, as => 126), 'close:1002'],
    ['5.2: 127 for 65535 bytes', text('', size => 65535, as => 127),
        'close:1002'],
    ['5.2: 2^63 bytes', text('', size => 2 ** 63, as => 127), 'close:1002'],

    # fragments
    ['5.4: nothing to continue', more('x'), 'close:1002'],
    ['5.4: nor after a message', ping('p') . text('') . more('x'),
        'pong:p refused close:1002'],
    ['5.4: a text within a text', text('x', first()) . text('x'),
        'close:1002'],
    ['5.4: binary within a text', text('x', first()) . frame(BINARY, 'x'),
        'close:1002'],

    # messages that are not accepted
    ['7.4.1: binary', frame(BINARY, 'x'), 'close:1003'],
    ['7.4.1: binary in fragments', frame(BINARY, 'x', first()),
        'close:1003'],
    ['7.4.1: 401 bytes', text('x' x 401), 'close:1009'],
    ['7.4.1: 2^40 bytes', text('', size => 2 ** 40, as => 127),
        'close:1009'],
    ['7.4.1: 401 bytes in fragments', text('x' x 200, first())
        . more('x' x 201), 'close:1009'],

    # invalid texts
    map({ my ($what, $bytes) = @$_; ["8.1: $what", text($bytes),
        'close:1007'] }
        ['a byte that never occurs', "\xff"], ['a lone continuation',
            "\x80"], ['a character cut short', "a\xe2\x82"],
        ['overlong, two', "\xc0\xaf"], ['overlong, three', "\xe0\x9f\xbf"],
        ['overlong, four', "\xf0\x8f\xbf\xbf"],
        ['the first surrogate', "\xed\xa0\x80"],
        ['the last surrogate', "\xed\xbf\xbf"],
        ['beyond U+10FFFF', "\xf4\x90\x80\x80"]),
    ['8.1: a character cut by a fragment', text("\xe2", first()) . more('a'),
        'close:1007'],
    ['8.1: told before the message ends', text("\xff", first()),
        'close:1007'],

    # closing
    ['5.5.1: a Close without a code', bye(''), 'close:'],
    ['5.5.1: a Close with a code', bye(code(1000)), 'close:1000'],
    ['5.5.1: with a reason', bye(code(1000, "g\xc3\xbcle g\xc3\xbcle")),
        'close:1000'],
    ['5.5.1: as long as it may be', bye(code(1000, 'x' x 123)),
        'close:1000'],
    ['5.5.1: half a code', bye("\x03"), 'close:1002'],
    ['5.5.1: a reason that is no UTF-8', bye(code(1000, "\xff")),
        'close:1007'],
    ['5.5.1: nothing is read after it', bye(code(1000)) . ping('late')
        . text('x', mask => ''), 'close:1000'],
    map({ ["7.4: code $_", bye(code($_)), "close:$_"] } 1001 .. 1003,
        1007 .. 1014, 3000, 3999, 4000, 4999),
    map({ ["7.4: code $_", bye(code($_)), 'close:1002'] } 0, 999, 1004, 1005,
        1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535),
);

my @ways = (['at once', 0, 'http', '/held'],
    ['byte by byte', 1, 'https', '/asleep']);

$t->plan(@cases * @ways + 1);
$t->nginx()->ways();
$t->run();
$t->wait_ready();

my $n = 0;

for my $case (@cases) {
    my ($name, $bytes, $expected) = @$case;

    for my $way (@ways) {
        my ($how, $slowly, $transport, $path) = @$way;
        my $account = 'a' . ++$n;
        my $w = $t->websocket($account, transport => $transport,
            path => $path, headers => { 'Sec-WebSocket-Extensions' => undef });

        $w->json();
        $w->send($_) for $slowly ? split(//, $bytes) : $bytes;

        is(answers($w, scalar(split(/ /, $expected))), $expected,
            "$name, $how");
        $w->close();
    }
}

$t->wait_for(sub { $t->status()->{parked} == 0 }, 'the end of all');
is($t->status()->{parked}, 0, 'all devices are gone');


# So many answers, or all up to the Close, which has to end the connection.

sub answers {
    my ($w, $count) = @_;

    my @answers;

    while (@answers < $count && (my $frame = $w->next())) {
        my ($op, $payload) = @$frame{qw(op payload)};

        push(@answers, $op == PONG ? "pong:$payload"
            : $op == CLOSE ? 'close:' . (unpack('n', $payload) // '')
            : $payload =~ /^\{"event":"(accepted)","update":"(\w+)"\}$/
                ? "$1:$2"
            : $payload =~ /^\{"event":"(refused)"/ ? $1 : $payload);

        return join(' ', @answers, $w->closed() ? () : 'left open')
            if $op == CLOSE;
    }

    return join(' ', @answers);
}
