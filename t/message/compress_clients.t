#!/usr/bin/perl

# Third-party clients get the same events with compression and without, on each
# transport that they support, with pings between: curl, Node's fetch and zlib,
# npm's eventsource and ws, and Chromium.  Clients that do not ask for
# compression get none.

use strict;
use warnings;

use Encode qw(encode_utf8);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Browser;

my $t = Pimap->new(workers => 2, mode => 'pimap_hibernate on;');
$t->nginx()->{locations} .= <<'END';
        location = /newer {
            pimap_account $arg_account;
            pimap_events;
            access_log off;
        }

        location / {
            default_type text/html;
            return 200 '<title>a page</title>';
        }
END
$t->nginx()->{http} = 'pimap_ping 1s min=1s; map "$sent_http_content_encoding'
    . '$sent_http_sec_websocket_extensions" $how { "" plain; ~(?<all>.*) $all;'
    . ' } log_format t "$arg_device $server_protocol $how"; access_log '
    . $t->dir() . '/t.log t;';
$t->nginx()->{server} = 'listen 127.0.0.1:' . $t->port('h1') . ' ssl;';

my %scheme = (http => 'http', h2c => 'http', h1 => 'https', https => 'https');
my @curl = qw(curl -sNk);
my @gzip = ('--compressed');
my @node = ('node', $t->dir() . '/client.js');
my $alone = 'permessage-deflate; server_no_context_takeover; '
    . 'client_no_context_takeover';

# A name, a port, the line logged, and a command, to which the URL is appended.
my @ways = (
    ['curl', 'http', '1.1 gzip', @curl, @gzip],
    ['curl', 'h1', '1.1 gzip', @curl, @gzip],
    ['curl', 'https', '2.0 gzip', @curl, @gzip, '--http2'],
    ['curl', 'h2c', '2.0 gzip', @curl, @gzip, '--http2-prior-knowledge'],
    ['curl-deflate', 'h1', '1.1 deflate', @curl, '--compressed', '-H',
        'Accept-Encoding: deflate'],
    ['curl-identity', 'h1', '1.1 plain', @curl],
    ['fetch', 'http', '1.1 gzip', @node, 'fetch', 'gzip'],
    ['fetch', 'h1', '1.1 gzip', @node, 'fetch', 'gzip'],
    ['fetch-deflate', 'h1', '1.1 deflate', @node, 'fetch', 'deflate'],
    ['fetch-identity', 'http', '1.1 plain', @node, 'fetch', 'identity'],
    ['http2', 'https', '2.0 gzip', @node, 'http2', 'gzip'],
    ['http2', 'h2c', '2.0 gzip', @node, 'http2', 'gzip'],
    ['eventsource', 'http', '1.1 plain', @node, 'eventsource'],
    ['eventsource', 'h1', '1.1 plain', @node, 'eventsource'],
    ['ws', 'http', "1.1 $alone", @node, 'ws'],
    ['ws', 'h1', "1.1 $alone", @node, 'ws'],
);
my @pages = (['http', '1.1'], ['h1', '1.1'], ['https', '2.0']);

# Prints the decoded events as Server-Sent Events.
$t->write_file($t->dir() . '/client.js', <<'END');
const [kind, ...args] = process.argv.slice(2);
const url = args.pop();
const end = () => process.exit(0);
const fail = error => { console.error(error); process.exit(1); };
const say = data => process.stdout.write(`event: message\ndata: ${data}\n\n`);
const headers = { 'Accept-Encoding': args[0] };

const kinds = {
    async fetch() {
        const response = await fetch(url, { headers });

        for await (const part of response.body)
            process.stdout.write(part);
    },

    http2() {
        const { origin, pathname, search } = new URL(url);
        const session = require('http2').connect(origin);
        const stream = session.request({ ...headers,
            ':path': pathname + search });

        return require('stream/promises').pipeline(stream,
            require('zlib').createGunzip({ flush: 2 }), process.stdout,
            { end: false });
    },

    eventsource: () => new Promise(resolve => {
        const source = new (require('eventsource'))(url);
        const names = process.env.NAMES.split(' ');

        for (const name of names)
            source.addEventListener(name, event => say(event.data));

        source.addEventListener('superseded', () => resolve(source.close()));
        source.onerror = fail;
    }),

    ws: () => new Promise(resolve => {
        const socket = new (require('ws'))(url.replace(/^http/, 'ws'));

        socket.on('message', data => say(data));
        socket.on('error', fail);
        socket.on('close', code => code === 1000 ? resolve() : fail(code));
    }),
};

kinds[kind]().then(end, fail);
END

my @corpus = (grep { /^\{"event"/ } split(/\n/,
    $t->read_file('../bench/corpus.ndjson')))[0 .. 99];
my %names = map { (/"event":"(\w+)"/)[0] => 1 } @corpus;
my $names = join(' ', sort(keys(%names)));

$t->plan(3 * @ways + 3 * @pages);
$t->run();
$t->wait_ready();

# All clients at once.

my @clients = map { client(@$_) } @ways;

$t->wait_for(sub { $t->status()->{parked} == @ways }, 'all of them');
$t->subscribed('all');
$t->redis()->log('all', $_) for @corpus[0 .. 39];

my @first = map { [texts($_, 40)] } @clients;

# Later events refer to those before a ping.  (npm's client reports no ping.)
$clients[$_]->read_until(qr/event"?: ?"?ping.*?\n\n/s)
    for grep { $ways[$_][0] ne 'eventsource' } 0 .. $#ways;
$t->redis()->log('all', $_) for @corpus[40 .. 99];

for my $n (0 .. $#ways) {
    my ($name, $port, $logged) = @{ $ways[$n] };
    my $got = join("\n", @{ $first[$n] }, texts($clients[$n], 60));

    ok($got eq join("\n", @corpus), "$name, $port: the same events")
        or diag($got);

    my $newer = $t->park('all', path => '/newer',
        query => "device=$name-$port");

    $newer->read_until(qr/: parked\n.*\n\n/);
    ok($clients[$n]->ended(), "$name, $port: the client exits at the end");
    $newer->close();
    is(logged("$name-$port"), $logged, "$name, $port: $logged");
}

# A browser.

my $browser = Pimap::Browser->start(t => $t);

for my $page (@pages) {
    my ($port, $version) = @$page;

    $browser->open("$scheme{$port}://127.0.0.1:" . $t->port($port) . '/');
    $browser->wait('document.title === "a page"');
    $browser->eval(<<"END");
        window.one = [];
        window.other = [];
        const path = '/events?account=$port&device=';
        const source = new EventSource(path + 'source-$port');
        for (const name of '$names'.split(' '))
            source.addEventListener(name, event => one.push(event.data));
        const ws = new WebSocket(location.origin.replace(/^http/, 'ws')
            + path + 'socket-$port');
        ws.onmessage = event => other.push(event.data);
        true;
END
    $t->wait_for(sub { $t->status()->{parked} == 2 }, 'both of them');
    $t->subscribed($port);
    $t->redis()->log($port, $_) for @corpus;

    for my $kind (qw(one other)) {
        $browser->wait("$kind.filter(text => !/^.\"(?:id\":[^,]*,\")?event\":"
            . "\"(?:ping|parked)\"/.test(text)).length === " . @corpus);

        my @got = map { encode_utf8($_) } @{ $browser->eval($kind) };

        ok(join("\n", plain(@got)) eq join("\n", @corpus),
            "Chromium, $port, $kind: the same events");
    }

    $browser->open('about:blank');
    $t->wait_for(sub { $t->status()->{parked} == 0 }, 'the end of both');
    is(join(', ', map { logged("$_-$port") } qw(source socket)),
        "$version gzip, 1.1 $alone", "Chromium, $port: both compressed");
}


sub client {
    my ($name, $port, $logged, @command) = @_;

    my $s = Pimap::Stream->new(unchunked => 1, process => $t->start(pipe => 1,
        errors => $t->dir() . "/$name-$port.err", env => { NAMES => $names,
            NODE_PATH => '/usr/share/nodejs',
            NODE_EXTRA_CA_CERTS => ($t->certificate())[0] },
        command => [@command, "$scheme{$port}://127.0.0.1:" . $t->port($port)
            . "/events?account=all&device=$name-$port"]));

    $s->{head} = '';            # its output has no HTTP head

    return $s;
}


# The next events (not pings), as they were published.

sub texts {
    my ($s, $n) = @_;

    my @texts;

    while (@texts < $n) {
        push(@texts, plain(($s->event() || last)->{data}));
    }

    return @texts;
}


# A WebSocket message contains the id; pings and others are left out.

sub plain {
    my @texts = map { s/^\{"id":"[^"]*",/{/r } @_;

    return grep { !/^\{"(?:interval"|event":"(?:ping|parked)")/ } @texts;
}


# The access log's line for the first request of a device.

sub logged {
    my ($device) = @_;

    return $t->wait_for(sub { $t->read_file($t->dir() . '/t.log')
        =~ /^\Q$device\E HTTP\/(.*)$/m ? $1 : '' }, "the line of $device");
}
