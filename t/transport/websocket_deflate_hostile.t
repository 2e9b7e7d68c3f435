#!/usr/bin/perl

# Compressed messages that are invalid, inflate to more than the limit of an
# update, or are not UTF-8, close the connection with the right code.  The
# worker serves other devices meanwhile.

use strict;
use warnings;

use Compress::Raw::Zlib;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::WebSocket;

my $t = Pimap->new(mode => '', http => 'pimap_max_update 16k;');
$t->nginx()->ways();

my $update = $t->json({ id => 'one', update => 'x',
    with => 'many words, ' x 200 });

# A message with a dictionary that the server does not have.
my $z = Compress::Raw::Zlib::Deflate->new(-WindowBits => -15,
    -Dictionary => $update, -AppendOutput => 1);

$z->deflate($update, my $refers);
$z->flush($refers, Z_SYNC_FLUSH);
$refers =~ s/\x00\x00\xff\xff\z//;

# Bytes of a message, and the code of the Close.
my $bomb = deflated('{"id":"bomb","update":"x","is":"' . 'x' x 16_384 . '"}');
my @wrong = (
    ['a reserved block type', frame(TEXT, "\xff\xff", rsv => RSV1), 1007],
    ['a reference to another message', frame(TEXT, $refers, rsv => RSV1),
        1007],
    ['a message that is cut', frame(TEXT, substr(deflated($update), 0, 50),
        rsv => RSV1), 1007],
    ['nothing at all', frame(TEXT, '', rsv => RSV1), 1007],
    ['a stored block longer than the message', frame(TEXT,
        "\x00\x40\x00\xbf\xffabc", rsv => RSV1), 1007],
    ['text that is not UTF-8', frame(TEXT, deflated("\xff\xfe"), rsv => RSV1),
        1007],
    ['half a character', frame(TEXT, deflated("abc\xe2\x82"), rsv => RSV1),
        1007],
    ['a bomb', frame(TEXT, $bomb, rsv => RSV1), 1009],
    ['a large text', frame(TEXT, deflated('x' x 1_000_000), rsv => RSV1),
        1009],
    ['a binary message', frame(BINARY, deflated($update), rsv => RSV1), 1003],
    ['RSV1 of a later fragment', frame(TEXT, "\x00", rsv => RSV1, fin => 0)
        . frame(MORE, "\x00", rsv => RSV1), 1002],
    ['RSV1 of a Ping', frame(PING, '', rsv => RSV1), 1002],
    ['RSV2', frame(TEXT, deflated($update), rsv => 2), 1002],
);

$t->plan(2 * @wrong + 6);
$t->run();
$t->wait_ready();

# Each message at once and byte by byte.

for my $case (@wrong) {
    my ($name, $bytes, $code) = @$case;

    for my $slowly (0, 1) {
        my $w = websocket('eve', path => $slowly ? '/held' : '/events');

        $w->json();
        $w->send($_) for $slowly ? $bytes =~ /(.{1,100})/gs : $bytes;
        like($w->closing(), qr/^$code\b/, "$name: $code");
    }
}

# Empty messages are refused; reading pauses when the work is too much.

for (['messages', "\x00"], ['last blocks', "\x03\x00" x 8000 . "\x00"]) {
    my ($what, $bytes) = @$_;
    my $w = websocket('eve');
    my $pauses = $t->status()->{updates}{pauses};

    $w->json();
    $w->send_all(frame(TEXT, $bytes, rsv => RSV1) x 40);
    is(join(' ', map { $w->json()->{event} } 1 .. 40),
        join(' ', ('refused') x 40), "empty $what are refused");
    cmp_ok($t->status()->{updates}{pauses}, '>', $pauses, '    slowly');
    $w->close();
}

my $w = websocket('alice');

$w->json();
$w->send_all(frame(TEXT, deflated($update), rsv => RSV1));
is($w->json()->{event}, 'accepted', 'the worker serves other devices');
$w->send_all(frame(TEXT, deflated($t->json({ id => 'two', update => 'x',
    x => 'x' x 16_345 })), rsv => RSV1));
is($w->json()->{event}, 'accepted', 'also an update of the largest size');


sub websocket {
    my ($account, %set) = @_;

    return $t->websocket($account, %set, headers => {
        'Sec-WebSocket-Extensions' => 'permessage-deflate' });
}
