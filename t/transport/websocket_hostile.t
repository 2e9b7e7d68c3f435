#!/usr/bin/perl

# A WebSocket that floods is read slowly.  One that stalls or speaks another
# protocol is closed with the reason.  Other devices are served meanwhile.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::WebSocket;

my $t = Pimap->new(mode => '', http => 'pimap_buffer 8k;');
my @ways = (['http', '/events'], ['http', '/held'], ['https', '/held'],
    ['https', '/events'], ['https', '/asleep']);

$t->plan(13 * @ways + 3);
$t->nginx()->ways();
$t->run();
$t->wait_ready();

my %empty = (Pings => frame(PING, 'x') x 100, Pongs => frame(PONG, '') x 100,
    'empty fragments' => frame(TEXT, 'x', fin => 0)
        . frame(MORE, '', fin => 0) x 100);

my $quiet = $t->websocket('quiet');

$quiet->json();
$t->subscribed('quiet');

for my $way (@ways) {
    my ($transport, $path) = @$way;
    my $name = "$transport $path";

    # Frames without data: 33 of them are read in a second, so that the Ping
    # after 100 is read in the fourth.

    my $start = time();
    my %floods = map { $_ => park($way) } sort(keys(%empty));

    $floods{$_}->send($empty{$_} . frame(PING, 'last')) for keys(%floods);

    my %seconds;

    $t->wait_for(sub {
        for (grep { !$seconds{$_} } keys(%floods)) {
            while (my $frame = $floods{$_}->next(0)) {
                $seconds{$_} = time() - $start if $frame->{payload} eq 'last';
            }
        }

        keys(%seconds) == keys(%floods);
    }, 'the last frames');

    for (sort(keys(%floods))) {
        cmp_ok($seconds{$_} // 0, '>', 1.5, "$name: $_ are read slowly");
        $floods{$_}->close();
    }

    # Another protocol.

    my $w = park($way);

    $w->send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    like($w->closing(), qr/^1002 /, "$name: HTTP");
    $w->close();

    $w = park($way);
    $w->send("\r\n");
    like($w->closing(), qr/^1002 /, "$name: a line end");
    $w->close();

    # A device that leaves in the middle of a message, with or without a Close.

    my $before = $t->status()->{ends}{client};

    for my $how (qw(close abort)) {
        $w = park($way);
        $w->send(frame(TEXT, 'x' x 5000, fin => 0)
            . substr(frame(MORE, 'x' x 5000), 0, 3000));
        $w->$how();
    }

    ok($t->wait_for(sub { $t->status()->{ends}{client} == $before + 2 },
        'both ends'), "$name: the device leaves in the middle of a message");

    # A Close that is not answered: the server closes the connection later.

    $w = park($way, 'device=d');

    my $new = park($way, 'device=d');

    is($w->json()->{event}, 'superseded', "$name: superseded");

    $start = time();

    ok($w->closed(40), "$name: closed without an answer");
    cmp_ok(time() - $start, '<', 35, "$name: after the time-out");
    is($w->{body} =~ s/^\x88.\x03\xe8superseded//r, '', "$name: with a Close");
    $_->close() for $w, $new;

    # Answers and events that are not read: the device is closed as slow.

    $before = $t->status()->{ends}{slow};
    $w = park($way);
    $w->send(frame(TEXT, '?') x 100);

    my $end = time() + 30;

    while (time() < $end && $t->status()->{ends}{slow} == $before) {
        $t->redis()->publish('alice', { event => 'MessageNew',
            subject => 'x' x 50_000 });
    }

    is($t->status()->{ends}{slow}, $before + 1,
        "$name: a device that does not read is closed as slow");

    # Other devices are served meanwhile.

    $t->redis()->publish('quiet', { event => 'QuotaExceed' });
    is($quiet->json()->{event}, 'QuotaExceed',
        "$name: another device gets an event");
    $w->close();

    is($t->wait_for(sub { $t->status()->{parked} == 1 }, 'the end of all'),
        1, "$name: all other devices are gone");
}

# A handshake with a body is refused.

is($t->websocket('alice', headers => { 'Content-Length' => 0 })->status(), 101,
    'an empty body');
is($t->websocket('alice', headers => { 'Content-Length' => 5 })->status(), 400,
    'a body');

# The log has no text of an update.

my $w = $t->websocket('alice');

$w->json();
$w->send(frame(TEXT, 'S3CRET') . frame(PING, 'S3CRET') . frame(CLOSE,
    pack('n', 999) . 'S3CRET'));
$w->closing();
unlike($t->log(), qr/S3CRET/, 'the log has no text of an update');


sub park {
    my ($way, $query) = @_;

    my $w = $t->websocket('alice', transport => $way->[0],
        path => $way->[1], query => $query // '');

    $w->json();

    return $w;
}
