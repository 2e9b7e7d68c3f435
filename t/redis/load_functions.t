#!/usr/bin/perl

# pimap-load-functions: loads the library into one Redis, and into all masters
# of a cluster.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::RedisCluster;

my $t = Pimap->new();
my $tls = Pimap->new();
my $redis = Pimap::Redis->new(t => $t, password => 'secret');
my $cluster = Pimap::RedisCluster->new(t => $t, masters => 2, replicas => 1);
my $other = Pimap::RedisCluster->new(t => $tls, masters => 1, replicas => 0,
    tls => 1, name => 'tls');
my ($version) = $t->read_file($t->root() . '/redis/pimap.lua')
    =~ /^local VERSION = (\d+)/m;

$t->plan(19);

# One Redis.

$redis->start();
like(run('-s', $redis->socket()), qr/unauthenticated/,
    'without the password: refused');
$ENV{REDISCLI_AUTH} = 'secret';
like(run('-s', $redis->socket()), qr/^loaded version $version of .*lua\n\z/,
    'one Redis');
is($redis->command(qw(FCALL pimap_version 0)), $version, '    has it');
delete $ENV{REDISCLI_AUTH};
like(run('-s', '/no/such'), qr/^pimap-load-functions: .*No such file/,
    '    without a Redis: the reason');

# A cluster; the first host is not there.

$cluster->start();

my $address = $cluster->address(2) =~ s{//}{'//127.0.0.1:' . $t->port('none')
    . ','}er;
my @masters = $cluster->masters();
my $said = run($address);

like($said, qr/^loaded version $version of /m, 'a cluster');
is(join(' ', sort($said =~ /^(127\S+)$/mg)),
    join(' ', sort(map { $_->endpoint() } @masters)),
    '    prints each master');
is(eval { $_->command(qw(FCALL pimap_version 0)) }, $version,
    '    each master has it') for @masters;
is(join(' ', map { $t->wait_for(sub { eval { $_->command(qw(FCALL
    pimap_version 0)) } }) } $cluster->alive()), join(' ', ($version) x 4),
    '    replicas, too');

# A new node, and one that has failed.

my $new = $cluster->add();
my ($replica) = $cluster->replicas_of($masters[1]);
my $failed = $masters[1]->id();

$cluster->fail_over($masters[1], 'TAKEOVER');
ok($cluster->whole() && $t->wait_for(sub {
    $masters[0]->view()->{$failed}{flags} =~ /fail/ }, 'the failure'),
    'a master has failed, another is new');
$said = run($cluster->address(1));
is(join(' ', sort($said =~ /^(127\S+)$/mg)), join(' ', sort(map {
    $_->endpoint() } $masters[0], $replica, $new)), '    those that work');
is($new->command(qw(FCALL pimap_version 0)), $version, '    have it');

# What it refuses.

like(run('cluster://127.0.0.1:' . $t->port('none')),
    qr/^pimap-load-functions: no host of the cluster answers: /,
    'no host answers: the reason');
like(run('cluster://u:p@127.0.0.1'), qr/give --user and REDISCLI_AUTH\n\z/,
    'a password in the address: refused');

# TLS

my ($cert) = $tls->certificate();

$other->start();
like(run($other->address(), '--cacert', $cert), qr/^loaded version $version/m,
    'a cluster over TLS');
is($other->command(qw(FCALL pimap_version 0)), $version, '    has it');
like(run($other->address() =~ s/127.0.0.1/[::ffff:127.0.0.1]/r, '--cacert',
    $cert), qr/^loaded version $version/m, '    by an address of IPv6');
like(run($other->address()), qr/^pimap-load-functions: /,
    '    without its certificate: refused');

$redis->stop();
$redis->{password} = undef;
$redis->start();
like(run('cluster://unused', '-s', $redis->socket()),
    qr/^pimap-load-functions: no host .*cluster support disabled/s,
    'a Redis that is no cluster: the reason');


sub run {
    my (@args) = @_;

    my $program = $t->root() . '/redis/pimap-load-functions';

    open(my $out, '-|', 'sh', '-c', 'exec "$0" "$@" 2>&1', $program, @args)
        or die "$program: $!\n";

    local $/;

    return <$out> // '';
}
