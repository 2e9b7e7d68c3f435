#!/usr/bin/perl

# pimap-client takes another transport if one fails: behind a proxy without
# WebSocket, and behind one that holds responses back.  It gives up where
# another one would not help.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::JsPage;

my $t = Pimap->new(workers => 2);
my $events = 'proxy_pass http://127.0.0.1:' . $t->port('http')
    . '/events?$args;';
my $page = Pimap::JsPage->new($t, <<"END");
        location = /plain {
            $events
            proxy_buffering off;
        }

        location = /held {
            $events
            proxy_buffering on;
            proxy_ignore_headers X-Accel-Buffering;
        }

        location = /forbidden {
            return 403;
        }

        location = /bad {
            add_header Retry-After 2 always;
            return 503;
        }
END

$t->plan(14);
$t->run();
$t->wait_ready();

my $direct = $page->tab('');

is($direct->eval('pimap.transport'), 'websocket', 'no proxy: a WebSocket');
is($direct->eval('new Promise(done => {'
    . ' const other = new pimap.constructor("/events", { ticket() {'
    . ' throw Object.assign(new Error("no"), { final: true }) } });'
    . ' other.addEventListener("error", ({ data }) =>'
    . ' done(`${other.state} ${data.message}`));'
    . ' setTimeout(done, 5000, `${other.state}, but no event`) })'),
    'error no', '    a function of the page is refused: it gives up');
$direct->close();

# Without "Upgrade" the handshake is a GET.

my $plain = $page->tab('path=/plain');

is($plain->eval('pimap.transport'), 'stream',
    'a proxy without WebSocket: a stream');
$page->publish(1);
ok($page->saw($plain, 'resync start', 'MessageNew 1'), '    it has an event');
$plain->close();

my $held = $page->tab('path=/held');

is($held->eval('pimap.transport'), 'poll',
    'a proxy that holds responses back: polls');
$page->publish(2);
ok($page->saw($held, 'resync start', 'MessageNew 2'), '    it has an event');
$page->publish(3);
ok($page->saw($held, 'resync start', 'MessageNew 2', 'MessageNew 3'),
    '    and the next');
$held->close();

# A refusal is final.  A WebSocket does not say why it fails.

my $forbidden = $page->tab('path=/forbidden', 'error');

is($forbidden->eval('pimap.state'), 'error', 'a 403: it gives up');
is($forbidden->eval('errors.at(-1).status'), 403, '    and says so');
is($forbidden->eval('pimap.transport'), 'stream',
    '    with the transport that has a status');
$forbidden->close();

my $bad = $page->tab('path=/bad&transports=stream,poll', 'retry');

is($bad->eval('errors.at(-1).status'), 503, 'a 503: it comes back');
ok($bad->eval('errors.at(-1).pause >= 2000 && errors.at(-1).pause < 4000'),
    '    after Retry-After, with jitter');
is($bad->eval('pimap.transport'), 'stream', '    with the same transport');
ok($bad->wait('errors.length > 1 && pimap.transport === "stream"'),
    '    again and again');
