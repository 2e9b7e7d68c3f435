#!/usr/bin/perl

# WebSocket on the events location: the handshake, the life of a device on each
# transport, and its ends.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::WebSocket;

my @transports = qw(http https);

my $t = Pimap->new(workers => 2);
$t->nginx()->{http} = 'pimap_ping 1s min=1s max=60s;';
$t->nginx()->{locations} .= <<'END';
        location = /others {
            pimap_account $arg_account;
            pimap_origin https://mail.example.com http://Other.example:8080;
            pimap_events;
        }

        location = /any {
            pimap_account $arg_account;
            pimap_origin *;
            pimap_events;
        }

        location = /nobody {
            pimap_events;
        }

END
$t->plan(117);
$t->nginx()->ways();
$t->run();
$t->wait_ready();

my $redis = $t->redis();

# The handshake.

my %plain = ('Sec-WebSocket-Extensions' => undef);

my $w = $t->websocket('alice', headers => { %plain,
    'Sec-WebSocket-Protocol' => 'chat, pimap' });

is($w->status(), 101, 'status 101');
is($w->header('Upgrade'), 'websocket', 'Upgrade');
is($w->header('Connection'), 'upgrade', 'Connection');
is($w->header('Sec-WebSocket-Accept'), $w->accept(),
    'Sec-WebSocket-Accept answers the key');
is($w->header('Sec-WebSocket-Protocol'), 'pimap', 'the sub-protocol');
is($w->header('Pimap-Last-Event-ID'), '0', 'the event id to start from');
is($w->header($_), undef, "no $_") for qw(Content-Type Content-Length
    Transfer-Encoding Sec-WebSocket-Extensions);
is($w->json()->{event}, 'parked', 'parked');
$w->close();

for (['a sub-protocol that we do not know', { 'Sec-WebSocket-Protocol' =>
            'chat' }],
    ['an extension', { 'Sec-WebSocket-Extensions' =>
            'permessage-bzip2' }],
    ['other spellings', { Upgrade => 'h2c, WebSocket',
        Connection => 'keep-alive, UPGRADE' }])
{
    my ($what, $headers) = @$_;

    $w = $t->websocket('alice', headers => { %plain, %$headers });
    is(join(' ', $w->status(), $w->header('Sec-WebSocket-Protocol') // '',
        $w->header('Sec-WebSocket-Extensions') // ''), '101  ', $what);
    $w->close();
}

for (['without a version', 426, { 'Sec-WebSocket-Version' => undef }],
    ['an old version', 426, { 'Sec-WebSocket-Version' => 8 }],
    ['without a key', 400, { 'Sec-WebSocket-Key' => undef }],
    ['a key too short', 400, { 'Sec-WebSocket-Key' => 'YQ==' }],
    ['a key that is none', 400, { 'Sec-WebSocket-Key' => '*' x 24 }],
    ['of no origin', 403, { Origin => 'null' }],
    ['of another origin', 403, { Origin => 'https://evil.example' }],
    ['of a longer host', 403, { Origin => 'http://localhost.evil.example' }],
    ['of another port', 403, { Origin => 'http://localhost:8080' }],
    ['of its own origin', 101, { Origin => 'http://LOCALHOST' }],
    ['of its own with the port', 101, { Origin => 'https://localhost:443' }],
    ['no upgrade asked for', 200, { Connection => 'close' }],
    ['another protocol', 200, { Upgrade => 'h2c' }],
    ['of a page that is listed', 101, { Origin => 'https://mail.example.com' },
        '/others'],
    ['of another listed page', 101, { Origin => 'HTTP://other.example:8080' },
        '/others'],
    ['of its own, not listed', 403, { Origin => 'http://localhost' },
        '/others'],
    ['of any', 101, { Origin => 'null' }, '/any'],
    ['not logged in', 401, {}, '/nobody'])
{
    my ($what, $status, $headers, $path) = @$_;

    $w = $t->websocket('alice', headers => $headers,
        path => $path // '/events');
    is($w->status(), $status, "$what: $status");
    $w->close();
}

$w = $t->websocket('alice', headers => { 'Sec-WebSocket-Version' => 12 });
is($w->header('Sec-WebSocket-Version'), 13,
    'the version that the server supports');
like($w->read_until(qr/\}\n/), qr/"title":"Upgrade Required"/,
    'the answer is JSON');
is($t->websocket('alice', query => 'ping=often')->status(), 400,
    'a bad parameter');

# The life of a device.

for (map({ ["$_ detached", $_, '/events'] } @transports),
    map({ ["$_ held", $_, '/held'] } @transports),
    ['hibernated', 'https', '/asleep'])
{
    my ($what, $transport, $path) = @$_;
    my $account = $what =~ s/ /-/r;
    my @park = ($account, transport => $transport, path => $path);

    $w = $t->websocket(@park, query => 'device=d&types=Email,Quota');

    my $parked = $w->json();

    is_deeply([@$parked{qw(event id)}], ['parked', '0'], "$what: parked");
    $t->subscribed($account);

    my $kind = $path eq '/asleep' ? 'hibernated'
        : ($path eq '/held' ? 'heldH1' : 'detached')
            . ($transport eq 'https' ? 'Tls' : '');

    $kind = 'hibernated' if $kind eq 'detachedTls'
        && ($ENV{PIMAP_HTTP} // '') =~ /hibernate on/;
    ok($t->wait_for(sub { $t->status()->{devices}{$kind} },
        $kind), "$what: $kind");

    my $id = $redis->log($account, { event => 'MessageNew', uid => 1 });

    is_deeply($w->json(), { id => $id, event => 'MessageNew', uid => 1 },
        "$what: an event");

    $redis->publish($account, { event => 'MailboxCreate' });

    for my $size (120, 126, 60_000) {
        $redis->publish($account, { event => 'QuotaExceed',
            x => 'x' x $size });
        is(length($w->json()->{x} // ''), $size, "$what: $size bytes");
    }

    $w->send(frame(PING, 'are you there'));
    is_deeply($w->pong(), { op => PONG, fin => 1, rsv => 0,
        payload => 'are you there' }, "$what: Ping, Pong");

    is($w->next()->{payload}, '{"event":"ping","interval":1}',
        "$what: a ping of the server");

    $w->send(frame(PONG, 'unasked'));
    $w->send($_) for split(//, frame(PING, 'slow'));
    is($w->pong()->{payload}, 'slow', "$what: byte by byte");

    my $new = $t->websocket(@park, query => "device=d&last-event-id=$id");

    is($w->json()->{event}, 'superseded', "$what: superseded");
    is($w->closing(), '1000 superseded', "$what: closed");
    is($new->json()->{id}, $id, "$what: resumed");

    $new->send(frame(CLOSE, pack('n', 4711) . 'bye'));
    is($new->closing(), 4711, "$what: a Close is answered");

    $w = $t->websocket(@park, query => 'closeafter=state');
    $w->json();
    $t->subscribed($account);
    $redis->publish($account, { event => 'QuotaExceed' });
    is($w->json()->{event}, 'QuotaExceed', "$what: closeafter");
    is($w->closing(), '1000 closeafter', "$what: closed");
}

# The client leaves without a Close.

$t->wait_for(sub { $t->status()->{parked} == 0 }, 'none left');

my $ends = $t->status()->{ends}{client};

$w = $t->websocket('gone');
$w->json();
$w->close();
ok($t->wait_for(sub { $t->status()->{ends}{client} > $ends }, 'its end'),
    'the client leaves without a Close');

# The server is full; the server stops.

$t->nginx()->{http} .= ' pimap_max_devices 1;';
$t->reload();
$t->wait_ready();

$w = $t->websocket('alice');
is($w->json()->{event}, 'parked', 'the first device is parked');

my $other = $t->websocket('bob');

is($other->status(), 101, 'the server is full: 101');
is($other->json()->{event}, 'retry', 'the device is told to retry');
is($other->closing(), '1013 come back', 'and closed with 1013');

$t->quit();
is($w->json()->{event}, 'retry', 'nginx stops: the device is told to retry');
is($w->closing(), '1001 come back', 'and closed with 1001');
