#!/usr/bin/perl

# The bridge and a Redis that is deaf, hangs, has become a replica, or has
# another password: the bridge notices it in time, connects again, and hears of
# devices then.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::FakeImap;
use Pimap::Proxy;

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(14);
$t->run();

my $redis = $t->redis();
my $proxy = Pimap::Proxy->new(t => $t, name => 'proxy', mode => 'open')
    ->start();
my $fake = Pimap::FakeImap->new(t => $t)->start();

$fake->script(
    Pimap::FakeImap->until_login('IDLE LIST-EXTENDED LIST-STATUS'),
    ['serve', { INBOX => [5, 1] }, 'LOGOUT']);

my $bridge = Pimap::Bridge->new(t => $t,
    redis => 'host = "127.0.0.1"; port = ' . $proxy->port()
        . '; timeout = "500ms";',
    imap => $fake->port(), server => Pimap::Bridge->master())
    ->start()->wait_healthy();

my @devices;

comes('at the start');

# A subscription that is lost, without an end of its connection

$proxy->mode('deaf');
logs(qr/\(subscriber\).*a probe has not come back/, 'a deaf subscription');
ok(!$bridge->healthy(), '    the bridge is not healthy');
$proxy->mode('open');
$bridge->wait_healthy();
comes('a new subscription');

# A server that hangs

$redis->pause();
logs(qr/\(commands\).*no answer in time/, 'a server that hangs');
$redis->resume();
$bridge->wait_healthy();
comes('it goes on');

# A master that becomes a replica, and one again

my $before = $proxy->noted('accept');

$redis->command('REPLICAOF', '127.0.0.1', 1);
logs(qr/\(commands\).*READONLY/, 'a replica');
ok($t->wait_for(sub { $proxy->noted('accept') > $before + 1 }, 'attempts'),
    '    the bridge connects again and again');
$redis->command('REPLICAOF', 'NO', 'ONE');
$bridge->wait_healthy();
comes('a master again');

# Another password, by SIGHUP

$redis->command('CONFIG', 'SET', 'requirepass', 'another');
$redis->{password} = 'another';
$bridge->{redis} .= ' password = "another";';
ok($bridge->reload(), 'another password: the settings are read');
logs(qr/the settings have changed, connecting again/, '    at once');
$bridge->wait_healthy();
comes('    and used');

$_->close() for @devices;
$bridge->stop();
unlike($bridge->log(), qr/boss|another|\[(?:alert|crit|emerg)\]/,
    'no password and no error in the log');
ok($bridge->{process}->ended_well(), 'the bridge ends cleanly');


sub logs {
    my ($re, $what) = @_;
    ok($t->wait_for(sub { $bridge->log() =~ $re }, $re),
        "$what: the log says so");
}


# A device of another account each time.

sub comes {
    my ($what) = @_;

    push(@devices, $t->park('user' . (1 + @devices)));
    $devices[-1]->read_until(qr/: parked\n.*\n\n/);
    ok($bridge->watches(scalar(@devices)), "$what: a device is noticed");
}
