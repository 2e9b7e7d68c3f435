#!/usr/bin/perl

# The bridge and a server with TLS (STARTTLS and IMAPS). The bridge checks the
# certificate, and sends no password without TLS. Also the notifications to
# systemd.

use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;
use Socket qw(SOCK_DGRAM);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;
use Pimap::FakeLogin;

my $t = Pimap->new();
$t->plan(27);
$t->redis()->start();
$t->nginx()->start();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none', tls => 1,
    listen => '127.0.0.1, 127.0.0.2')->start();
my $clear = Pimap::FakeLogin->new(t => $t, name => 'clear')->start();

my ($cert) = $t->certificate();
my $port = $t->port('imap');
my $good = "ca_file = \"$cert\"";

# A server for each user; the first match counts

my $bridge = Pimap::Bridge->new(t => $t, servers => join(', ',
    map { "{ match = \"$_->[0]\"; $_->[1]; }" }
    ['alice', "host = \"localhost\"; port = $port; $good"],
    ['address', "host = \"127.0.0.1\"; port = $port; $good"],
    ['other', "host = \"127.0.0.2\"; port = $port; $good"],
    ['unknown', "host = \"localhost\"; port = $port"],
    ['any', "host = \"localhost\"; port = $port; verify = false"],
    ['clear', 'host = "127.0.0.1"; port = ' . $t->port('clear') . "; $good"],
    ['wrong', 'host = "127.0.0.1"; port = ' . $t->port('clear')
        . "; tls = \"imaps\"; $good; connect_timeout = \"500ms\""],
    ['away', 'host = "127.0.0.1"; port = ' . $t->port('none')
        . "; tls = \"imaps\"; $good"],
));

# Notifications as systemd receives them

my $path = $t->dir() . '/notify';
my $notify = IO::Socket::UNIX->new(Local => $path, Type => SOCK_DGRAM) or die;

$ENV{NOTIFY_SOCKET} = $path;
$ENV{WATCHDOG_USEC} = 300_000;
$bridge->start();
delete @ENV{qw(NOTIFY_SOCKET WATCHDOG_USEC)};

sub told {
    local $SIG{ALRM} = sub { die "systemd was told nothing\n" };
    alarm(10);
    $notify->recv(my $text, 1000);
    alarm(0);

    return $text;
}

is(told(), 'READY=1', 'systemd gets READY=1');
is(told(), 'WATCHDOG=1', 'systemd gets WATCHDOG=1') for 1 .. 2;

# Logins

is($bridge->auth('alice', 'secret'), 'alice', 'STARTTLS');
is($bridge->auth('alice', 'wrong'), 401, 'a wrong password: 401');
is($bridge->auth('address', 'secret'), 'address',
    'a certificate for an IP address: a login');
is($bridge->auth('other', 'secret'), 503, '    for another one: 503');
like($bridge->log(), qr/IP address mismatch/, '    with the reason');
is($bridge->auth('any', 'secret'), 'any', 'without verification: a login');
is($bridge->auth('unknown', 'secret'), 503,
    'an unknown certificate authority: 503');
is($bridge->auth('clear', 'secret'), 503, 'the server has no STARTTLS: 503');
is($bridge->auth('wrong', 'secret'), 503, 'the server has no TLS: 503');
is($clear->noted(qr/login .*/), 0, '    no password was sent');
is($bridge->auth('nobody', 'secret'), 503, 'no server matches the user: 503');

# The answer and the log say why, each cause once

for (['unknown', qr/certificate is refused: .*self.signed/],
    ['clear', qr/has no STARTTLS/], ['wrong', qr/TLS fails/],
    ['away', qr/: Connection refused/])
{
    my ($user, $why) = @$_;

    like($bridge->get('/auth', $bridge->basic($user, 'secret'))->{body}, $why,
        "    the answer for $user says why");
    is(scalar(() = $bridge->log() =~ /\[error\] .*"$user" at .*$why/g), 1,
        '    and one line of the log, as an error');
}

my $s = $t->park('alice');
$s->read_until(qr/: parked\n.*\n\n/);
$bridge->auth('alice', 'secret');
ok($bridge->watches(1), 'an account is watched over TLS');
$dovecot->deliver(to => 'alice', subject => 'one');
is($s->event()->{json}{subject}, 'one', '    an event is published');

# The socket of systemd was not read for a while; a full queue takes no more.
my $select = IO::Select->new($notify);
told() while $select->can_read(0);

$bridge->stop();
my $text = '';
$text = told() while $text eq '' || $text eq 'WATCHDOG=1';
is($text, 'STOPPING=1', 'systemd gets STOPPING=1');
unlike($bridge->log(), qr/secret|\[(?:alert|crit|emerg)\]/,
    'no error in the log of the bridge');
ok($bridge->{process}->ended_well(), 'the bridge ends cleanly');
