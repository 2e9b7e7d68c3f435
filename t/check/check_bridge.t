#!/usr/bin/perl

# pimap-check asks the bridge: whether it is up, and why it does not watch the
# account.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Check;
use Pimap::Dovecot;

my $t = Pimap->new(mode => '', http => 'pimap_presence on;');

$t->plan(12);

my $bridge = Pimap::Bridge->new(t => $t);
my $nginx = Pimap::Check->set_up($t, <<'END', $bridge->auth_location());
            set $pimap_name $arg_account;
            auth_request /auth;
            auth_request_set $pimap_user $upstream_http_x_pimap_account;
            pimap_account $pimap_user;
END

$nginx->{http} = "pimap_presence on;\n$nginx->{http}";

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none')->start();

$t->run();
$bridge->start();
$bridge->wait_healthy();
Pimap::Check->ready($t);

my $check = Pimap::Check->new(t => $t);

$check->run();
$check->is('bridge.up', 'pass', qr/healthz/, qr/^$/, 'the bridge is up');
$check->is('bridge.account', 'pass', qr/watched by NOTIFY/, qr/^$/,
    '    and watches the account');
$check->is('dovecot.plugin', 'skip', qr/the bridge watches/, qr/^$/,
    '    so Dovecot need not publish');
$check->is('login.wrong', 'pass', qr/401/, qr/^$/,
    '    and refuses a wrong password');

# Another Redis

my $other = Pimap::Redis->new(t => $t, name => 'other')->start();

$bridge->stop();
$bridge->{redis} = 'host = "' . $other->socket() . '";';
$bridge->start();
$bridge->wait_healthy();
$check->run();
$check->is('bridge.account:idle', 'fail',
    qr/sees no device/, qr/prefix of nginx/,
    'a bridge with another Redis');
$other->stop();
ok($t->wait_for(sub { !$bridge->healthy() }, 'ill health'),
    'it loses its Redis');
$check->run();
$check->is('bridge.up:ill', 'fail', qr/redis is away/,
    qr/log of pimap-bridge/,
    '    and says so');

# A server that refuses sessions, but no logins

$bridge->stop();
$bridge->{redis} = '';
$bridge->{server} = 'master_user = "nobody"; master_password = "x"; '
    . 'master_separator = "*";';
$bridge->start();
$bridge->wait_healthy();
$check->run();
$check->is('bridge.account:waiting', 'fail',
    qr/attempt has failed: the server refuses the login/, qr/master user/,
    'a wrong master user');

# It is away

$bridge->stop();
$check->run();
$check->is('bridge.up:away', 'fail', qr/refused/i, qr/start pimap-bridge/,
    'no bridge');
$check->is('delivery.park:error', 'fail', qr/is 500/, qr/logins may be away/,
    '    so nobody can log in');
$check->is('login.wrong:other', 'warn',
    qr/500/, qr/./, '    wrongly or rightly');
$nginx->{http} =~ s/auth_request .*//g;
$t->write_file($t->dir() . '/nginx.conf', $nginx->conf());
$check->run();
$check->is('bridge.up', 'skip', qr/asks no bridge/, qr/^$/,
    'nginx asks no bridge');
