#!/usr/bin/perl

# Requests that are not valid, bad chunks, and lines without an end are refused
# with the reason; other devices are served meanwhile.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(mode => '', http => 'pimap_max_update 1k;
    client_body_timeout 1s;');
my @ways = (['http', '/events'], ['http', '/held'], ['https', '/held'],
    ['https', '/events'], ['https', '/asleep'], ['h2', '/events']);

$t->plan(6 * @ways + 3 * 5 + 2 * 2 + 9);
$t->nginx()->ways();
$t->run();
$t->wait_ready();

my $quiet = $t->duplex('quiet', transport => 'h2c');

$quiet->json();
$t->subscribed('quiet');

for my $way (@ways) {
    my ($transport, $path) = @$way;
    my $name = "$transport $path";

    # A bad line is refused; a line without an end ends the response.

    my $d = park($way);

    $d->up("?\n\n\0\xff\n");
    is($d->json()->{event}, 'refused', "$name: not JSON");
    is($d->json()->{event}, 'refused', "$name: not UTF-8");

    $d->up('x' x 600);
    $d->up('x' x 600);
    like($d->json()->{detail}, qr/larger than "pimap_max_update"/,
        "$name: a line that is too long");
    ok($d->ended(), "$name: with a proper end");
    $d->close();

    # A device that leaves in the middle of a line.

    my $before = $t->status()->{ends}{client};

    $d = park($way);
    $d->up('{"id":');
    $d->close();
    ok($t->wait_for(sub { $t->status()->{ends}{client} == $before + 1 },
        'the end'), "$name: the device leaves in the middle of a line");

    $t->redis()->publish('quiet', { event => 'QuotaExceed' });
    is($quiet->json()->{event}, 'QuotaExceed',
        "$name: another device gets an event");
    next if $transport eq 'h2';

    # Bad chunks.

    for (['no size of a chunk', "x\r\n"],
        ['a chunk is longer than its size', "1\r\n\nx"],
        ['the trailers are too long', "0\r\n" . 'x' x 5000])
    {
        my ($why, $bytes) = @$_;

        $d = park($way);
        $d->send_all($bytes);
        is($d->json()->{detail}, $why, "$name: $why");
        $d->close();
    }
}

# Bytes after the body: line ends are skipped, others end the response, also
# if they come with the body's end.

for my $way (['http', '/events'], ['https', '/asleep']) {
    my $d = park($way);

    detached();
    $d->send_all("0\r\n\r\n\r\n");
    $t->redis()->publish('alice', { event => 'QuotaExceed' });
    is($d->json()->{event}, 'QuotaExceed', "@$way: a line end after the body");
    $d->close();

    $d = park($way);
    detached();
    $d->send_all("0\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    ok($d->closed(), "@$way: a request after the body");
    $d->close();
}

# Requests of another kind.

my %post = ('Content-Type' => 'application/x-ndjson');

is(status({ %post, 'Content-Type' => 'application/json',
    'Transfer-Encoding' => 'chunked' }), 415, 'another media type');
is(status({ %post, 'Transfer-Encoding' => 'gzip, chunked' }), 501,
    'another coding');
is($t->request('PUT', '/events?account=alice', headers => { %post,
    'Transfer-Encoding' => 'chunked' })->status(), 405, 'another method');
is($t->request('GET', '/events?account=alice', headers => { %post,
    'Transfer-Encoding' => 'chunked' })->status(), 400, 'a GET with a body');

# A client that waits for "100 Continue".

my $d = $t->duplex('alice', headers => { Expect => '100-continue' });

is($d->status(), 100, '100 Continue');
$d->next();
is(join(' ', $d->status(), $d->json()->{event}), '200 parked',
    'then it is parked');
$d->close();

# A silent body has no time-out.  The log has no text of an update.

$quiet->up('{"id":"S3CRET",');
ok($quiet->quiet(1.5), 'half a line for longer than "client_body_timeout"');
$quiet->up("\"update\":\"x\"}\n");
is($quiet->json()->{event}, 'accepted', 'the rest of the line is accepted');
unlike($t->log(), qr/S3CRET/, 'the log has no text of it');


sub park {
    my ($way) = @_;

    my $d = $t->duplex('alice', transport => $way->[0], path => $way->[1]);

    $d->json();

    return $d;
}

sub detached {
    return $t->wait_for(sub { my $d = $t->status()->{devices};
        $d->{detached} + $d->{hibernated} == 1 }, 'detached');
}

sub status {
    my ($headers) = @_;

    return $t->request('POST', '/events?account=alice',
        headers => $headers)->status();
}
