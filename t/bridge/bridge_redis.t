#!/usr/bin/perl

# The bridge and Redis: by the user that docs/bridge.md has for it, over TLS
# and TCP; away at start, a wrong password, functions that were flushed, and
# a stream of updates that is gone.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;

my $t = Pimap->new();
$t->plan(21);

my ($user) = $t->read_file($t->root() . '/docs/bridge.md')
    =~ /^user (pimap-bridge .*)$/m;
my $redis = $t->redis(port => 1, tls => 1, users => [$user]);
my ($cert) = $t->certificate();

my $login = 'user = "pimap-bridge"; password = "a-long-password";';
my $bridge = Pimap::Bridge->new(t => $t, redis => 'host = "127.0.0.1"; port = '
    . $t->port('redis') . "; timeout = \"1s\"; $login");

# Redis comes later.

$bridge->start();
is($bridge->get('/healthz')->{status}, 503, 'without Redis: not healthy');
like($bridge->get('/healthz')->{body}, qr/"reason":"redis is away"/,
    'and why');
$redis->start();
$t->nginx()->start();
ok($t->wait_for(sub { $bridge->healthy() }, 'health'), 'healthy, over TCP');
my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none')->start();

my $s = $t->park('alice');
$s->read_until(qr/: parked\n\n/);
is($bridge->auth('alice', 'secret'), 'alice', 'a login');
ok($bridge->watches(1), 'watched, as that user');
$dovecot->deliver(to => 'alice', subject => 'one');
is($s->event()->{json}{subject}, 'one', 'published');

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

ok(update('u1'), 'an update is carried out');
ok($bridge->metric('updates_total'), 'counted');
unlike($bridge->log(), qr/NOPERM/, 'it may do all that it has to');

# Flushed functions, and a stream that is gone with its group

$redis->command('FUNCTION', 'FLUSH');
$redis->command('DEL', 'pimap:{alice}:lease');
ok($t->wait_for(sub {
    eval { $redis->command('FCALL', 'pimap_version', 0) }
}, 'functions', 20), 'flushed functions are loaded again');
$redis->command('DEL', 'pimap:updates');
ok($t->wait_for(sub { $bridge->log() =~ /the lease was lost/ }, 'loss'),
    'a lease that is gone is noticed');
ok($bridge->watches(1), 'watched again');
ok(update('u2'), 'updates are carried out again');

# TLS, with other settings, by HUP

$bridge->{redis} = 'host = "localhost"; port = ' . $t->port('redis-tls')
    . "; tls = true; ca_file = \"$cert\"; timeout = \"1s\"; $login";
ok($bridge->reload(), 'TLS');
ok($t->wait_for(sub { $bridge->healthy() }, 'health'), 'healthy over TLS');
$dovecot->deliver(to => 'alice', subject => 'two');

my $subject = '';
$subject = ($s->event() // last)->{json}{subject} // ''
    while $subject ne 'two';
is($subject, 'two', 'published over TLS');

# A certificate that nobody has signed, and a wrong password

$bridge->{redis} =~ s/ca_file = "[^"]*";//;
$bridge->reload();
ok($t->wait_for(sub { $bridge->log() =~ /certificate verify failed/ },
    'TLS error'), 'an unknown certificate is refused');
ok(!$bridge->healthy(), 'not healthy');

$bridge->{redis} = 'host = "127.0.0.1"; port = ' . $t->port('redis')
    . '; password = "another-secret"; user = "pimap-bridge";';
$bridge->reload();
ok($t->wait_for(sub { !$bridge->healthy() }, 'refusal'),
    'a wrong password');
unlike($bridge->log(), qr/a-long-password|another-secret/,
    'no password in the log');

$bridge->stop();
ok($bridge->{process}->ended_well(), 'it ends well');
