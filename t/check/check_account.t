#!/usr/bin/perl

# pimap-check tells why the bridge does not watch the account: it does not know
# it, has no login, can't reach the server, or is still busy.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Check;
use Pimap::FakeImap;
use Pimap::FakeWeb;

my $t = Pimap->new(mode => '');

$t->plan(11);

# Logins are nginx's own: the bridge hears of devices by Redis only.

my $nginx = Pimap::Check->set_up($t);
my $imap = Pimap::FakeImap->new(t => $t)->start();
my $bridge = Pimap::Bridge->new(t => $t, imap => $t->port('none'));
my $check = Pimap::Check->new(t => $t, options => ['--bridge',
    'http://127.0.0.1:' . $bridge->port()]);

$imap->script(['wait']);
$t->run();
$bridge->start();
$bridge->wait_healthy();
Pimap::Check->ready($t);

$check->run();
$check->is('bridge.account:unknown', 'fail', qr/does not know "alice"/,
    qr/pimap_presence on/, 'nginx does not announce accounts');
is($check->result('delivery.device'), 'pass', '    and the event arrives');

$nginx->{http} = "pimap_presence on;\n$nginx->{http}";
$nginx->{locations} .= 'location = /events { pimap_account alice; '
    . 'pimap_events; }';
$t->reload();
Pimap::Check->ready($t);
$bridge->stop();

my $alice = $t->request('GET', '/events');

$alice->read_until(qr/: parked\n.*\n\n/);
$bridge->start();
ok($alice->read_until(qr/event: expired/), 'the bridge has no login');
$check->run();
$check->is('bridge.account:unwatched', 'fail', qr/no bridge has a login/,
    qr/master user/, '    and watches nothing');

again(imap => $t->port('none'), server => Pimap::Bridge->master());
$t->wait_for(sub {          # the next attempt may be under way
    ($check->run()->{by}{'bridge.account'}{finding} // '') eq 'waiting'
}, 'an account that waits');
$check->is('bridge.account:waiting', 'fail',
    qr/last attempt has failed: .*refused/i, qr/the server/,
    'the mail server is away');

again(imap => $imap->port());
$check->is('bridge.account:opening', 'fail', qr/still being opened/,
    qr/connect_rate/, 'the mail server says nothing');
$bridge->stop();

# Another program at the bridge's address

my $web = Pimap::FakeWeb->new(t => $t, name => 'bridge', mode => '')->start();

answers('{"healthy":true,"accounts":[{"account":"alice","state":"asleep"}]}');
$check->is('bridge.account:other', 'fail', qr/^asleep\z/, qr/bridge\.md/,
    'a state of a later release');
answers('{"accounts":[{"account":"alice","state":"refused","reason":"NO"}]}');
$check->is('bridge.account:refused', 'fail', qr/refuses the login: NO/,
    qr/log in again/, 'a login that the server does not take any more');
answers('{"accounts":[1]}');
$check->is('bridge.answers:odd', 'fail', qr/not understood/, qr/which server/,
    'an account that is a number');
ok($check->{by}{'login.wrong'}, '    and all steps were taken');
answers('[]');
$check->is('bridge.account:unknown', 'fail', qr/does not know/, qr/./,
    'an answer without accounts');


sub again {
    my (%set) = @_;

    $bridge->stop();
    %$bridge = (%$bridge, %set);
    $bridge->start();
    $bridge->wait_healthy();
    $check->run();
}


sub answers {
    my ($text) = @_;

    $web->mode("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        . 'Content-Length: ' . length($text) . "\r\n\r\n$text");
    $check->run('--timeout', 1);
}
