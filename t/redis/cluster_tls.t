#!/usr/bin/perl

# A cluster by TLS.  A master whose certificate is not for the host that it
# announces gets no connection: its accounts wait, the log says why, others go
# on.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dns;
use Pimap::RedisCluster;

my $t = Pimap->new(allow => qr/SSL_do_handshake\(\) failed/);
my $dns = Pimap::Dns->new(t => $t, name => 'dns', mode => '127.0.0.1');
my $cluster = Pimap::RedisCluster->new(t => $t, replicas => 0, masters => 2,
    tls => 1, hostname => 'localhost');
my ($cert) = $t->certificate();
my $uid = 0;

$t->{redis} = $cluster;
$t->nginx()->{http} = 'resolver 127.0.0.1:' . $t->port('dns') . ' ipv6=off;'
    . "\npimap_redis " . $cluster->address(1) . " ca=$cert"
    . ' timeout=2s probe=500ms;';

$t->plan(8);
$dns->start();
$cluster->start()->load();
$t->nginx()->start();
ok($t->wait_ready(), 'ready');

my ($one, $two) = $cluster->masters();
my ($alice, $bob) = map { $cluster->accounts_of($_, 1) } $one, $two;
my %device = map { $_ => $t->park($_) } $alice, $bob;

$_->read_until(qr/: parked\n.*\n\n/) for values(%device);
$t->subscribed($_) for $alice, $bob;
is(event($_), $uid, 'an event of each master') for $alice, $bob;

$two->command(qw(CONFIG SET cluster-announce-hostname other.example));
ok($t->wait_for(sub { $t->worker_status()->{redis}{nodesAway} }, 'away'),
    'another name than that of the certificate: the node is away');
ok($t->wait_for(sub { $t->log_lines(
    qr/TLS handshake failed, hostname mismatch, .* other\.example:/) },
    'a line'), '    the log says why');
is(event($alice), $uid, '    the other master has events');

$two->command(qw(CONFIG SET cluster-announce-hostname localhost));
ok($t->wait_for(sub { !$t->worker_status()->{redis}{nodesAway} }, 'back'),
    'its own name again: no node is away');
is(event($bob), $uid, '    an event');


sub event {
    my ($account) = @_;

    $uid++;
    $t->wait_for(sub { $t->publish($account, { event => 'MessageNew',
        uid => $uid })->{status} == 200 }, 'an answer');

    return ($device{$account}->event() // {})->{json}{uid};
}
