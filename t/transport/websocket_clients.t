#!/usr/bin/perl

# WebSocket with other clients: npm's ws and Chromium.

use strict;
use warnings;

use JSON::PP;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Browser;

my $t = Pimap->new(workers => 2, mode => '', locations => <<'END');
        location = /events {
            pimap_account $arg_account;
            pimap_hibernate on;
            pimap_events;
        }

        location = /held {
            pimap_account $arg_account;
            pimap_detach off;
            pimap_events;
        }

        location = /status {
            pimap_status;
        }

        location / {
            default_type text/html;
            return 200 '<title>a page</title>';
        }
END

my $json = JSON::PP->new()->utf8()->canonical();
my @ways = (['ws', 'http', '/events'], ['wss', 'https', '/events'],
    ['ws', 'http', '/held'], ['wss', 'https', '/held']);

$t->plan(7 * @ways + 2 * 9 + 1);
$t->run();
$t->wait_ready();

# Prints each event in a line, and executes each line it reads.
$t->write_file($t->dir() . '/client.js', <<'END');
const WebSocket = require('ws');
const ws = new WebSocket(process.argv[2], 'pimap',
    { rejectUnauthorized: false });
const say = (...what) => console.log(JSON.stringify(what));

ws.on('open', () => say('open', ws.protocol, ws.extensions));
ws.on('message', (data, binary) => say('message', JSON.parse(data)));
ws.on('pong', data => say('pong', data.toString()));
ws.on('error', error => say('error', error.message));
ws.on('close', (code, reason) => {
    say('close', code, reason.toString());
    process.exit();
});

require('readline').createInterface({ input: process.stdin })
    .on('line', line => eval(line));
END

for my $way (@ways) {
    my ($scheme, $port, $path) = @$way;
    my $name = "ws, $scheme, $path";
    my $account = $scheme . substr($path, 1);
    my $client = $t->start(pipe => 1, input => 1, env => { NODE_PATH =>
        '/usr/share/nodejs' }, command => ['node', $t->dir() . '/client.js',
        "$scheme://127.0.0.1:" . $t->port($port)
            . "$path?account=$account&device=d"]);
    my $s = Pimap::Stream->new(process => $client);

    $s->{head} = '';            # its output is not HTTP

    is_deeply(said($s), ['open', 'pimap', 'permessage-deflate'],
        "$name: open");
    is(said($s)->[1]{event}, 'parked', "$name: parked");
    $t->subscribed($account);

    my $id = $t->redis()->log($account, { event => 'MessageNew', uid => 1,
        text => 'long ' x 2000 });

    is_deeply(said($s), ['message', { id => $id, event => 'MessageNew',
        uid => 1, text => 'long ' x 2000 }], "$name: an event");

    $client->type("ws.ping('hello')\n");
    is_deeply(said($s), ['pong', 'hello'], "$name: Ping and Pong");

    $client->type(q[ws.send(JSON.stringify({id: 'one', update: 'x',]
        . qq[ is: '\xc3\xa9'.repeat(30000)}))\n]);
    is_deeply(said($s), ['message', { event => 'accepted',
        update => 'one' }], "$name: an update");

    my $w = $t->websocket($account, query => 'device=d');

    is(said($s)->[1]{event}, 'superseded', "$name: superseded");
    is_deeply(said($s), ['close', 1000, 'superseded'], "$name: and closed");
    $w->close();
}

# The same in a browser, with a page of this host.

my $browser = Pimap::Browser->start(t => $t);

for my $scheme (qw(http https)) {
    my $name = "Chromium, $scheme";
    my $account = "browser$scheme";

    $browser->open("$scheme://127.0.0.1:" . $t->port($scheme) . '/');
    $browser->wait('document.title === "a page"');
    $browser->eval(<<"END");
        window.said = [];
        window.ws = new WebSocket(
            location.origin.replace(/^http/, 'ws')
                + '/events?account=$account&device=d', ['chat', 'pimap']);
        ws.onopen = () => said.push(['open', ws.protocol, ws.extensions]);
        ws.onmessage = e => said.push(JSON.parse(e.data));
        ws.onclose = e => said.push(['close', e.code, e.reason, e.wasClean]);
        true;
END

    is(join(' ', @{ saw(0) }), 'open pimap permessage-deflate; '
        . 'server_no_context_takeover; client_no_context_takeover',
        "$name: open, with compression");
    is(saw(1)->{event}, 'parked', "$name: parked");
    $t->subscribed($account);

    my $event = { event => 'FlagsSet', text => 'long ' x 2000 };
    my $id = $t->redis()->log($account, $event);

    is_deeply(saw(2), { id => $id, %$event }, "$name: an event");

    $browser->eval('ws.send(JSON.stringify({id: "one", update: "x",'
        . ' is: "\u00e9".repeat(20000)}))');
    is_deeply(saw(3), { event => 'accepted', update => 'one' },
        "$name: an update");

    my @old = $t->workers();

    $t->reload();
    ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }, 'the old workers'),
        "$name: a reload");
    $t->subscribed($account);
    $t->redis()->log($account, { %$event, event => 'FlagsClear' });
    is(saw(4)->{event}, 'FlagsClear', "$name: the client does not notice it");

    my $w = $t->websocket($account, query => 'device=d');

    is(saw(5)->{event}, 'superseded', "$name: superseded");
    is_deeply(saw(6), ['close', 1000, 'superseded', JSON::PP::true],
        "$name: and closed");
    $w->close();

    # A page of another host gets nothing.

    $browser->open("$scheme://localhost:" . $t->port($scheme) . '/');
    $browser->wait('document.title === "a page"');
    $browser->eval(<<"END");
        window.said = [];
        window.ws = new WebSocket('${\ ($scheme =~ s/http/ws/r) }://127.0.0.1:'
            + location.port + '/events?account=$account');
        ws.onclose = e => said.push(e.code);
        true;
END
    is(saw(0), 1006, "$name: a page of another host is refused");
}

# Clients would have closed with an error.

is($t->status()->{compression}{messages}, @ways + 2 * 2, 'events compressed');


sub said {
    my ($s) = @_;
    return $json->decode($s->read_until(qr/\n/, 20) // '["nothing"]');
}


sub saw {
    my ($n) = @_;

    $browser->wait("said.length > $n", 20);

    return $browser->eval("said[$n]");
}
