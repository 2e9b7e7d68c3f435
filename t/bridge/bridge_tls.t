#!/usr/bin/perl

# The bridge and a server with TLS: STARTTLS and IMAPS, its certificate is
# checked, and without TLS no password is sent.  And what systemd is told.

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
$t->plan(17);
$t->redis()->start();
$t->nginx()->start();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none', tls => 1)
    ->start();
my $clear = Pimap::FakeLogin->new(t => $t, name => 'clear')->start();

my ($cert) = $t->certificate();
my $port = $t->port('imap');
my $good = "ca_file = \"$cert\"";

# One server for each user; the first that fits

my $bridge = Pimap::Bridge->new(t => $t, servers => join(', ',
    map { "{ match = \"$_->[0]\"; $_->[1]; }" }
    ['alice', "host = \"localhost\"; port = $port; $good"],
    ['address', "host = \"127.0.0.1\"; port = $port; $good"],
    ['unknown', "host = \"localhost\"; port = $port"],
    ['any', "host = \"localhost\"; port = $port; verify = false"],
    ['clear', 'host = "127.0.0.1"; port = ' . $t->port('clear') . "; $good"],
    ['wrong', 'host = "127.0.0.1"; port = ' . $t->port('clear')
        . "; tls = \"imaps\"; $good; connect_timeout = \"500ms\""],
));

# As systemd does it

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

is(told(), 'READY=1', 'systemd: ready');
is(told(), 'WATCHDOG=1', 'and alive') for 1 .. 2;

# Logins

is($bridge->auth('alice', 'secret'), 'alice', 'STARTTLS');
is($bridge->auth('alice', 'wrong'), 401, 'a wrong password');
is($bridge->auth('address', 'secret'), 'address', 'by address');
is($bridge->auth('any', 'secret'), 'any', 'without a check');
is($bridge->auth('unknown', 'secret'), 503, 'an unknown authority');
is($bridge->auth('clear', 'secret'), 503, 'no STARTTLS: no login');
is($bridge->auth('wrong', 'secret'), 503, 'no TLS');
is($clear->noted(qr/login .*/), 0, 'and no password was sent');
is($bridge->auth('nobody', 'secret'), 503, 'no server for this one');

my $s = $t->park('alice');
$s->read_until(qr/: parked\n\n/);
$bridge->auth('alice', 'secret');
ok($bridge->watches(1), 'watched over TLS');
$dovecot->deliver(to => 'alice', subject => 'one');
is($s->event()->{json}{subject}, 'one', 'and published');

# Nobody has read for a while, and a full queue takes no more.
my $select = IO::Select->new($notify);
told() while $select->can_read(0);

$bridge->stop();
my $text = '';
$text = told() while $text eq '' || $text eq 'WATCHDOG=1';
is($text, 'STOPPING=1', 'systemd: stopping');
unlike($bridge->log(), qr/secret|\[(?:alert|crit|emerg)\]/,
    'nothing bad in its log');
ok($bridge->{process}->ended_well(), 'it ends well');
