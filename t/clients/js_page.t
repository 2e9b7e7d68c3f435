#!/usr/bin/perl

# A page with pimap-client in a browser: reloads, copies of a tab, a network
# that is away, and a hidden page lose nothing.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::JsPage;

my $t = Pimap->new(workers => 2);
my $page = Pimap::JsPage->new($t);

$t->plan(25);
$t->run();
$t->wait_ready();

# A reload keeps the device; a copy of the tab takes another name.

my $tab = $page->tab('');
my $device = $tab->eval('pimap.device');

$page->publish(1);
ok($page->saw($tab, 'resync start', 'MessageNew 1'), 'a page has an event');
$page->load($tab, '');
is($tab->eval('pimap.device'), $device, 'a reload: the same device');
ok($page->saw($tab, 'resync start'), '    it synchronises');
ok($page->devices(1), '    one device');

$tab->eval('document.body.append(Object.assign('
    . 'document.createElement("iframe"), { src: "/page.html" })), 1');
ok($page->devices(2), 'a copy of the tab: two devices');
$page->publish(2);
ok($page->saw($tab, 'resync start', 'MessageNew 2'),
    '    the tab has an event');
ok($tab->wait('frames[0].seen.at(-1) === "MessageNew 2"'),
    '    and so does the copy');
is($t->status()->{ends}{superseded}, 1, '    one was superseded, once');
$tab->eval('document.querySelector("iframe").remove(), 1');

# Each transport of a browser

for my $transport (qw(websocket stream eventsource poll)) {
    my $one = $page->tab("transports=$transport&events=MessageNew");

    is($one->eval('pimap.transport'), $transport, "$transport: parked");
    $page->publish($transport);
    ok($one->wait("seen.at(-1) === 'MessageNew $transport'"),
        '    it has an event');
    $one->close();
}

# A network that is away

my $away = $page->tab('');

$away->offline();
$page->publish(3);
$away->online();
ok($away->wait('sockets === 2 && pimap.state === "parked"'),
    'a network is there again: the page connects anew');
ok($page->saw($away, 'resync start', 'MessageNew 3'),
    '    it has the event of that time, without a resync');
$away->close();

# A server that is away

$tab->eval('seen.length = 0');
$t->nginx()->stop();
ok($tab->wait('pimap.state === "retry"'), 'a server that is away: it retries');
$page->publish(4);
$t->nginx()->start();
ok($page->saw($tab, 'MessageNew 4'), '    it has the event of that time');
$tab->close();

# A hidden page

my $hidden = $page->tab('hidden=1');

$page->visible($hidden, 0);
ok($hidden->wait('pimap.state === "sleeping"'), 'a hidden page disconnects');
$page->publish(5);
$page->visible($hidden, 1);
ok($page->saw($hidden, 'resync start', 'MessageNew 5'),
    '    in sight again it has the event of that time');

# Another client with a name that the page has chosen

my $named = $page->tab('device=mine');
my $other = $page->tab('device=mine');

ok($named->wait('pimap.state === "superseded"'), 'a name twice: superseded');
$named->eval('dispatchEvent(new PageTransitionEvent("pagehide")),'
    . ' dispatchEvent(new PageTransitionEvent("pageshow",'
    . ' { persisted: true })), 1');
is($named->eval('pimap.state'), 'superseded',
    '    the page is left and shown again: it stays away');
$named->eval('pimap.open(), 1');
ok($other->wait('pimap.state === "superseded"')
    && $named->wait('pimap.state === "parked"'), '    open() takes it back');
