#!/usr/bin/perl

# The bridge and Redis: as the user of docs/bridge.md, over TLS and TCP. Redis
# is away at the start, refuses the password, has lost its functions, or has
# lost the stream of updates.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;

my $t = Pimap->new();
$t->plan(22);

my ($user) = $t->read_file($t->root() . '/docs/bridge.md')
    =~ /^user (pimap-bridge .*)$/m;
my $redis = $t->redis(port => 1, tls => 1, users => [$user]);
my ($cert) = $t->certificate();

my $login = 'user = "pimap-bridge"; password = "a-long-password";';
my $bridge = Pimap::Bridge->new(t => $t, redis => 'host = "127.0.0.1"; port = '
    . $t->port('redis') . "; timeout = \"1s\"; $login");

# Redis starts later than the bridge.

$bridge->start();
is($bridge->get('/healthz')->{status}, 503,
    'Redis is away: the bridge is not healthy');
like($bridge->get('/healthz')->{body}, qr/"reason":"redis is away"/,
    '    with the reason');
$redis->start();
$t->nginx()->start();
ok($t->wait_for(sub { $bridge->healthy() }, 'health'),
    'Redis is started: the bridge is healthy over TCP');
my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none')->start();

my $s = $t->park('alice');
$s->read_until(qr/: parked\n.*\n\n/);
is($bridge->auth('alice', 'secret'), 'alice', 'a login is accepted');
ok($bridge->watches(1), 'the Redis user of the docs: the account is watched');
$dovecot->deliver(to => 'alice', subject => 'one');
is($s->event()->{json}{subject}, 'one', '    an event is published');

sub update {
    my ($id) = @_;

    $redis->command('FCALL', 'pimap_update', 2, 'pimap:{alice}',
        'pimap:updates', 100, 'phone', $id, $t->json({ id => $id,
            update => 'copy', mailbox => 'INBOX', uids => [1],
            to => 'INBOX' }));

    return $t->wait_for(sub {
        $redis->command('XLEN', 'pimap:updates') == 0
    }, 'an update');
}

ok(update('u1'), '    an update is carried out');
ok($bridge->metric('updates_total'), '    it is counted');
unlike($bridge->log(), qr/NOPERM/,
    '    the user may run all commands of the bridge');

# Functions that were flushed, and a stream that is gone with its group

kill('STOP', $t->workers());            # they would load them, too
$redis->command('FUNCTION', 'FLUSH');
$redis->command('DEL', 'pimap:{alice}:lease');
ok($t->wait_for(sub {
    eval { $redis->command('FCALL', 'pimap_version', 0) }
}, 'functions', 20), 'the functions are flushed: the bridge loads them again');
kill('CONT', $t->workers());
$redis->command('DEL', 'pimap:updates');
ok($t->wait_for(sub { $bridge->log() =~ /the lease was lost/ }, 'loss'),
    'the lease is gone: the bridge notices it');
ok($bridge->watches(1), '    the account is watched again');
ok(update('u2'), 'the stream is gone: an update is carried out');

# TLS with other settings after SIGHUP

$bridge->{redis} = 'host = "localhost"; port = ' . $t->port('redis-tls')
    . "; tls = true; ca_file = \"$cert\"; timeout = \"1s\"; $login";
ok($bridge->reload(), 'a reload to TLS is accepted');
ok($t->wait_for(sub { $bridge->healthy() }, 'health'),
    '    the bridge is healthy over TLS');
$dovecot->deliver(to => 'alice', subject => 'two');

my $subject = '';
$subject = ($s->event() || last)->{json}{subject} // ''
    while $subject ne 'two';
is($subject, 'two', '    an event is published over TLS');

# A server that is away, a certificate of an unknown authority, a password

my $none = $t->port('none');

$bridge->{redis} =~ s/port = \d+/port = $none/;
$bridge->reload();
ok($t->wait_for(sub { $bridge->log() =~ /port $none: Connection refused/ },
    'refusal'), 'no server with TLS: the log says why');
$bridge->{redis} =~ s/port = \d+/'port = ' . $t->port('redis-tls')/e;

$bridge->{redis} =~ s/ca_file = "[^"]*";//;
$bridge->reload();
ok($t->wait_for(sub { $bridge->log() =~ /certificate verify failed/ },
    'TLS error'), 'an unknown certificate: refused');
ok(!$bridge->healthy(), '    the bridge is not healthy');

$bridge->{redis} = 'host = "127.0.0.1"; port = ' . $t->port('redis')
    . '; password = "another-secret"; user = "pimap-bridge";';
$bridge->reload();
ok($t->wait_for(sub { !$bridge->healthy() }, 'refusal'),
    'a wrong password: the log says so');
unlike($bridge->log(), qr/a-long-password|another-secret/,
    '    the password is not in the log');

$bridge->stop();
ok($bridge->{process}->ended_well(), 'the bridge ends cleanly');
