#!/usr/bin/perl

# The demo's page in a real browser: it parks, shows events in words and as
# text, reconnects, and stops when another device takes its place.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Browser;

my $t = Pimap->new(workers => 2,
    http => 'include /etc/nginx/mime.types;', locations => <<"END");
        location = /pimap/events {
            pimap_account \$arg_account;
            pimap_retry 1s;
            pimap_events;
        }

        location / {
            root @{[ Pimap->root() ]}/demo/www;
            add_header Content-Security-Policy "default-src 'self'";
        }

        location /pimap-client/ {
            alias @{[ Pimap->root() ]}/integrations/js/;
        }
END

$t->plan(24);
$t->run();

my $browser = Pimap::Browser->start(t => $t);
my $url = 'http://127.0.0.1:' . $t->port('http') . '/';

$browser->size(1000, 760);

# The page parks, and shows events.

$browser->open("$url?account=b%C3%A4r");
ok(state('connected'), 'parked');
is($browser->text('#state'), "Connected as b\xe4r", 'its account');
is($browser->text('#transport'), 'websocket', 'its transport');
isnt($browser->text('#since'), "\x{2013}", 'it shows since when');
ok($browser->eval('!document.getElementById("empty").hidden'), 'no event yet');

publish({ event => 'MessageNew', mailbox => 'INBOX', uid => 7,
    from => 'Bob <bob@example.net>', subject => '<b>Lunch</b> & "more"',
    preview => 'Are you free on Friday?' });
ok(title('<b>Lunch</b> & "more"'), 'a mail appears, its markup as text');
is($browser->text('#events li .detail'), 'From Bob <bob@example.net>',
    'its sender');
is($browser->text('#events .mailbox'), 'INBOX', 'its mailbox');
is($browser->eval('document.querySelectorAll("#events b").length'), 0,
    'the page has no markup of a mail');

publish({ event => 'FlagsSet', mailbox => 'INBOX', uids => [7, 9],
    flags => ['\\Flagged', '$Forwarded'] });
ok(title('Mails 7, 9: flags set'), 'the newest event is the first');
is($browser->text('#events li .detail'), '\\Flagged $Forwarded', 'the flags');

publish({ event => 'MailboxRename', mailbox => 'New', oldMailbox => 'Old' });
ok(title('Mailbox Old is now New'), 'a renamed mailbox');

publish({ event => 'Party', at => 'the lake' });
ok($browser->wait('document.querySelector("#events .name").textContent'
    . ' === "Party"'), 'an unknown event');
like($browser->text('#events li details[open] pre'), qr/"at": "the lake"/,
    'is shown as JSON');
is($browser->text('#count'), 4, 'events counted');

# A phone shows the whole page; the pictures are for people to look at.

$browser->size(360, 740, mobile => 1, dark => 1);
ok(shot('phone'), 'picture of a phone');
is($browser->eval('document.documentElement.scrollWidth'), 360,
    'the page does not scroll sideways');
$browser->size(1000, 760);
ok(shot('desktop'), 'picture of a desktop');

# The page reconnects when nginx is back.

$t->nginx()->stop();
ok(state('connecting'), 'a lost connection is shown');
$t->nginx()->start();
ok(state('connected') && $browser->text('#reconnects') == 1, 'reconnected');

# Another device takes its place; a button takes it back.

my $device = $browser->eval('sessionStorage.getItem("device")');
my $other = $t->park('b%C3%A4r', path => '/pimap/events',
    query => "device=$device");

ok(state('superseded'), 'another device: superseded');
$browser->eval('document.getElementById("take-over").click()');
ok($other->event()->{event} eq 'superseded' && state('connected'),
    'the button takes the place back');

# The same over HTTP/2.

$browser->open('https://127.0.0.1:' . $t->port('https')
    . '/?account=b%C3%A4r');
ok(state('connected'), 'parked by HTTP/2');
publish({ event => 'MailboxDelete', mailbox => 'New' });
ok(title('Mailbox New deleted'), 'an event by HTTP/2');


sub publish {
    my ($event) = @_;
    $t->redis()->publish("b\xc3\xa4r", $event);
}


sub state {
    my ($state) = @_;
    return $browser->wait('document.getElementById("state")?.dataset.state'
        . " === '$state'");
}


sub title {
    my ($title) = @_;
    return $browser->wait('document.querySelector("#events .title")'
        . '?.textContent === ' . $t->json($title));
}


sub shot {
    my ($name) = @_;
    my $dir = $ENV{PIMAP_SHOTS} // $t->dir();

    return $browser->screenshot("$dir/$name.png") > 10_000;
}
