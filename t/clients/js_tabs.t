#!/usr/bin/perl

# Tabs of a browser share one connection of pimap-client: each event is in each
# tab once, and another tab leads when the leader is closed or frozen.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::JsPage;

my $t = Pimap->new(workers => 2);
my $page = Pimap::JsPage->new($t);

$t->plan(27);
$t->run();
$t->wait_ready();

my ($first, $second, $third) = map { $page->tab('share=alice') } 1 .. 3;

is($t->status()->{parked}, 1, 'three tabs: one connection');
is($first->eval('pimap.transport'), 'websocket', '    a WebSocket');
is(join(' ', map { $_->eval('pimap.device') } $second, $third),
    join(' ', ($first->eval('pimap.device')) x 2), '    and one device');

$t->subscribed('alice');
$page->publish(1);
ok($page->saw($_, 'resync start', 'MessageNew 1'), '    each has the event')
    for $first, $second, $third;

# An update of a tab that does not lead

$second->eval('update("u1"), 1');
ok($t->wait_for(sub { $t->redis()->command('XLEN', 'pimap:updates') }, 'it'),
    'an update of another tab arrives');
$t->redis()->fcall('result', 'alice', $first->eval('pimap.device'), 'u1',
    '{"status":"done"}');
ok($second->wait('results.join() === "u1 done"'), '    it has its result');
is($first->eval('results.join()'), '', '    the other tab has none');

# The leader is closed.

$first->close();
$page->publish(2);
ok($page->saw($_, 'resync start', 'MessageNew 1', 'UpdateResult done',
    'MessageNew 2'), 'the leader is closed: the others miss nothing')
    for $second, $third;
is($t->status()->{parked}, 1, '    one connection');

# A new tab, and one that is loaded again

my $fourth = $page->tab('share=alice');

ok($page->saw($fourth, 'resync start'), 'a new tab synchronises');
$page->load($second, 'share=alice');
ok($page->saw($second, 'resync start'), 'a reload of the leader: it, too');
$page->publish(3);
ok($page->saw($_, 'resync start', 'MessageNew 3'), '    and has the next')
    for $second, $fourth;
ok($third->wait('seen.at(-1) === "MessageNew 3"'), '    as the others have');
is($third->eval('seen.filter((text) => text.startsWith("resync")).length'), 1,
    '    which do not synchronise');
is($t->status()->{parked}, 1, '    one connection');

my ($leader, $other) = leads($third) ? ($third, $fourth) : ($fourth, $third);

# A leader that is frozen does not answer; a tab in sight takes over.  Headless
# Chromium runs the script of a frozen tab, so this one is only silent.

$leader->eval('silent = true');
$other->eval('dispatchEvent(new Event("online")), 1');
ok($other->wait('sockets === 1'), 'the leader is silent: another tab leads');
$leader->eval('silent = false');
$page->publish(4);
ok($other->wait('seen.at(-1) === "MessageNew 4"'), '    and has the next');
ok($leader->wait('seen.at(-1) === "MessageNew 4"'),
    '    so has the old leader');
is($leader->eval('seen.filter((text) => text === "MessageNew 4").length'), 1,
    '    once');

# A tab that stays in sight notices it, because it hears of no ping.

my ($frozen, $watch) = map { $page->tab('share=carol&ping=1&grace=1') } 1, 2;

$frozen->eval('silent = true');
ok($watch->wait('sockets === 1', 30), '    also without a change of the page');
$_->close() for $frozen, $watch;
ok($page->devices(1), '    one connection is left');

# Another text, another connection

my $bob = $page->tab('share=bob');

ok($page->devices(2), 'a tab with another text has its own connection');
is($bob->eval('pimap.device') ne $other->eval('pimap.device'), 1,
    '    and device');


sub leads { return $_[0]->eval('sockets') }
