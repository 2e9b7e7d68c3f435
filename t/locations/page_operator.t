#!/usr/bin/perl

# The demo's page for operators in a real browser: it shows the devices and the
# last events of an account, turns pages, and ends a device.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Browser;

my $t = Pimap->new(workers => 2,
    http => 'include /etc/nginx/mime.types;');

$t->nginx()->{locations} .= <<"END";
        location = /pimap/accounts {
            allow 127.0.0.1;
            deny all;
            pimap_accounts;
        }

        location / {
            root @{[ Pimap->root() ]}/demo/www;
            add_header Content-Security-Policy "default-src 'self'";
        }
END

$t->plan(18);
$t->run();
$t->wait_ready();

my @devices = map {
    my $s = $t->park('alice', query => "device=d%3Cb%3E$_");
    $s->read_until(qr/: parked\n.*\n\n/);
    $s;
} 1 .. 21;

$t->redis()->log('alice', { event => 'MessageNew', mailbox => 'INBOX',
    uid => $_, subject => '<b>Lunch</b>' }) for 1 .. 30;
$_->events(30) for $devices[0], $devices[20];

my $browser = Pimap::Browser->start(t => $t);

$browser->size(1000, 900);
$browser->open('http://127.0.0.1:' . $t->port('http')
    . '/operator.html?account=alice');

ok($browser->wait('document.getElementById("state")?.dataset.state'
    . ' === "connected"'), 'the answer is shown');
is($browser->text('#count-devices'), 21, 'the number of devices');
like($browser->text('#workers'), qr/^([12]) of \1$/, 'the workers');
is(count('#devices li'), 20, 'a page of devices');
is($browser->text('#devices .title'), 'd<b>1End', 'the oldest device first');
like($browser->text('#devices .detail'),
    qr/^From 127\.0\.0\.1, last event \d+-30, 30 events, \d+ bytes$/,
    'what it has got');
is(count('#events li'), 20, 'a page of events');
like($browser->text('#events pre'), qr/"uid": 30/, 'the newest event first');
is(count('main b'), 0, 'no markup of names and events');

$browser->size(360, 740, mobile => 1, dark => 1);
ok(shot('operator-phone'), 'picture of a phone');
is($browser->eval('document.documentElement.scrollWidth'), 360,
    'the page does not scroll sideways');
$browser->size(1000, 900);
ok(shot('operator'), 'picture of a desktop');

$browser->eval('document.getElementById("more-devices").click()');
ok($browser->wait('document.querySelectorAll("#devices li").length === 21'),
    'more devices');
ok($browser->eval('document.getElementById("more-devices").hidden'),
    '    and no more');
$browser->eval('document.getElementById("older-events").click()');
ok($browser->wait('document.querySelectorAll("#events li").length === 30'),
    'older events');

$browser->eval('document.querySelector("#devices button").click()');
ok($devices[0]->ended(), 'the button ends the device');
ok($browser->wait('document.getElementById("count-devices").textContent'
    . ' === "20"'), '    and the page shows the others');

$t->nginx()->stop();
ok($browser->wait('document.getElementById("state")?.dataset.state'
    . ' === "refused"'), 'nginx is away: the page says so');


sub count {
    my ($selector) = @_;
    return $browser->eval("document.querySelectorAll('$selector').length");
}


sub shot {
    my ($name) = @_;
    my $dir = $ENV{PIMAP_SHOTS} // $t->dir();

    return $browser->screenshot("$dir/$name.png") > 10_000;
}
