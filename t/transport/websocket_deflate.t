#!/usr/bin/perl

# permessage-deflate (RFC 7692): its negotiation, events that are compressed
# once for all devices, compressed updates, complete or in fragments.  On each
# transport, and after a reload.

use strict;
use warnings;

use Compress::Raw::Zlib qw(Z_FINISH);
use Digest::MD5 qw(md5_hex);
use JSON::PP;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::WebSocket;

my $pd = 'permessage-deflate';
my $yes = "$pd; server_no_context_takeover; client_no_context_takeover";

my $t = Pimap->new(mode => '', http => 'pimap_max_update 16k; pimap_ping 0;'
    . ' map $http_user_agent $on { default on; ~Broken off; }'
    . ' pimap_compress $on; pimap_update_rate 0;');
$t->nginx()->ways();

my @ways = (['http', '/events', 'detached'], ['https', '/events',
    'detachedTls'], ['http', '/held', 'heldH1'], ['https', '/held',
    'heldH1Tls'], ['https', '/asleep', 'hibernated']);

my %json = (id => 'one', update => 'x', is => "\x{20ac} und \x{e9}",
    with => 'many words, ' x 200);
my $update = $t->json(\%json);

$t->plan(19 + 14 * @ways + 20);
$t->run();
$t->wait_ready();

my $redis = $t->redis();

# The negotiation.

for ([$pd, $yes], ["$pd; client_max_window_bits", $yes],
    ["$pd; server_max_window_bits=12; client_max_window_bits=12",
        "$yes; server_max_window_bits=12"],
    ["$pd; server_max_window_bits=15", "$yes; server_max_window_bits=12"],
    (map { ["$pd; server_max_window_bits=$_", undef] } 8 .. 11),
    ["$pd; server_max_window_bits=8, $pd", $yes],
    ["$pd; unknown", undef], ["$pd; client_max_window_bits=16", undef],
    ["$pd; client_max_window_bits=9; client_max_window_bits=9", undef],
    ["x-webkit-deflate-frame, $pd", $yes], ["$pd; a b", undef],
    ['', undef], [undef, undef])
{
    my ($offer, $answer) = @$_;
    my $w = websocket('alice', $offer);

    is($w->header('Sec-WebSocket-Extensions'), $answer,
        'offered: ' . ($offer // 'nothing'));
    $w->close();
}

my $w = websocket('alice', $pd, headers => { 'User-Agent' => 'Broken/1' });
is($w->header('Sec-WebSocket-Extensions'), undef,
    'pimap_compress is off for this client: declined');
$w->json();
$w->send(frame(TEXT, deflated($update), rsv => RSV1));
is($w->closing(), '1002 reserved bits',
    'a compressed message is refused there');
$w = websocket('alice', "$pd; unknown", query => 'ping=0');
$w->json();
$w->send(frame(TEXT, deflated($update), rsv => RSV1));
is($w->closing(), '1002 reserved bits',
    'a compressed message is refused after a declined offer');

# The life of a device on each transport.

for my $way (@ways) {
    my ($transport, $path, $kind) = @$way;
    my $name = "$transport $path";
    my $account = $transport . substr($path, 1);
    my $w = websocket($account, $pd, transport => $transport, path => $path);
    my $hello = $w->next();

    is($hello->{rsv}, 0, "$name: a short message is not compressed");
    like($hello->{payload}, qr/"event":"parked"/, "$name: parked");
    $t->subscribed($account);
    ok($t->wait_for(sub { $t->status()->{devices}{$kind} }, $kind),
        "$name: $kind");

    my $event = { event => 'MessageNew', mailbox => 'INBOX',
        preview => 'We could meet at the usual place, at the usual time, '
            . 'and eat what we usually eat.' };

    $redis->publish($account, $event);

    my $frame = $w->next();
    my $text = inflated($frame->{payload});

    is($frame->{rsv}, RSV1, "$name: an event is compressed");
    is_deeply(decode_json($text), $event, "$name: inflated, it is the event");
    cmp_ok(length($frame->{payload}), '<', length($text), "$name: shorter");

    $redis->publish($account, $event);
    is($w->next()->{payload}, $frame->{payload},
        "$name: no event refers to an earlier event");

    $redis->publish($account, { event => 'X' });
    $frame = $w->next();
    is("$frame->{rsv} $frame->{payload}", '0 {"event":"X"}',
        "$name: an event that would get longer is not compressed");

    $redis->publish($account, { event => 'X', text => long() });
    is(decode_json(inflated($w->next()->{payload}))->{text}, long(),
        "$name: a long event");

    # Updates.

    $w->send_all(frame(TEXT, deflated($update), rsv => RSV1));
    is_deeply($w->json(), accepted('one'), "$name: an update");

    my $packed = deflated($update);

    $w->send_all(frame(TEXT, substr($packed, 0, 3), rsv => RSV1, fin => 0));
    $w->send_all(frame(MORE, $_, fin => 0) . frame(PING, 'p'))
        for split(//, substr($packed, 3, 20));
    $w->send_all(frame(MORE, substr($packed, 23), fin => 0)
        . frame(MORE, ''));
    is(join(' ', map { $w->next()->{payload} } 1 .. 20),
        join(' ', ('p') x 20), "$name: Pings between fragments");
    is_deeply($w->json(), accepted('one'), "$name: an update in fragments");

    $w->send_all(frame(TEXT, $update));
    is_deeply($w->json(), accepted('one'),
        "$name: an update without compression");

    # A last block, and blocks after it.

    my ($first, $second) = (substr($update, 0, 30), substr($update, 30));

    $w->send_all(frame(TEXT, deflated($first, Z_FINISH)
        . deflated($second), rsv => RSV1));
    is_deeply($w->json(), accepted('one'), "$name: after a last block");
    $w->close();
    $t->wait_for(sub { $t->status()->{parked} == 0 }, 'its end');
}

is($redis->command('XLEN', 'pimap:updates'), @ways,
    'each update is in the stream once');

my %fields = @{ $redis->command('XRANGE', 'pimap:updates', '-', '+')
    ->[0][1] };

is_deeply(decode_json($fields{body}), \%json, 'every byte has arrived');

# Devices share a compressed event, with any window.

my @many = map { websocket('carol', $pd . ($_ % 2
    ? '; server_max_window_bits=12' : ''), query => "device=$_") } 1 .. 6;

$_->json() for @many;
$t->subscribed('carol');

my $before = $t->status()->{compression};

$redis->publish('carol', { event => 'X', text => long() });

my @frames = map { $_->next()->{payload} } @many;
my $after = $t->status()->{compression};

is(scalar(grep { $_ eq $frames[0] } @frames), 6,
    'all devices get the same bytes');
is($after->{messages} - $before->{messages}, 1, 'compressed once');
is($after->{shared} - $before->{shared}, 5, 'and shared');
cmp_ok($after->{plainBytes} - $before->{plainBytes}, '>',
    $after->{bytes} - $before->{bytes}, 'the sum of the bytes is right');
is(decode_json(inflated($frames[0], 12))->{text}, long(),
    'no reference is longer than the window of 2^12');
$_->close() for @many;

# A reload, in the middle of a compressed message.

my @asleep = map { websocket("dave$_", $pd, transport => $ways[$_][0],
    path => $ways[$_][1]) } 0, 4;
my $packed = deflated($update);

$_->json() for @asleep;
ok($t->wait_for(sub { my $d = $t->status()->{devices};
    $d->{detached} && $d->{hibernated} }, 'detached'), 'parked');
$_->send_all(frame(TEXT, substr($packed, 0, 20), rsv => RSV1, fin => 0)
    . frame(PING, 'p')) for @asleep;
is($_->next()->{payload}, 'p', 'half of an update') for @asleep;

my @old = $t->workers();

$t->reload();
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }, 'the old workers'),
    'a reload');
ok($t->wait_for(sub { $t->status()->{handover}{received} == 2 }),
    'both are handed over');
$_->send_all(frame(MORE, substr($packed, 20))) for @asleep;
is_deeply($_->json(), accepted('one'),
    'after the reload, the other half') for @asleep;

$t->subscribed("dave$_") for 0, 4;
$redis->publish("dave$_", { event => 'X', text => long() }) for 0, 4;

for my $w (@asleep) {
    my $frame = $w->next();

    is($frame->{rsv}, RSV1, 'new events are compressed');
    is(decode_json(inflated($frame->{payload}))->{text}, long(),
        'and complete');
    $w->close();
}

ok($t->wait_for(sub { $t->status()->{parked} == 0 }, 'the end of all'),
    'all devices are gone');
unlike($t->log(), qr/no memory/, 'memory was enough');


sub websocket {
    my ($account, $offer, %set) = @_;

    return $t->websocket($account, query => 'device=d', %set, headers => {
        'Sec-WebSocket-Extensions' => $offer, %{ $set{headers} // {} } });
}


sub accepted { return { event => 'accepted', update => $_[0] } }


# 10,000 bytes; the last bytes repeat the first.

sub long {
    my $start = md5_hex('start') x 4;

    return join(' ', $start, (map { md5_hex($_) } 1 .. 300), $start);
}
