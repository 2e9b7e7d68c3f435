#!/usr/bin/perl

# pimap-check with an nginx that uses a cluster: a test event of a device,
# names of accounts at all masters, and the clients of each.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Check;
use Pimap::RedisCluster;

my $t = Pimap->new(mode => '', allow => qr/pimap/);
my $cluster = $t->{redis} = Pimap::RedisCluster->new(t => $t, masters => 2,
    options => ['appendonly yes', 'cluster-require-full-coverage no']);

$t->plan(5);
Pimap::Check->set_up($t);
$t->nginx()->{http} = 'pimap_redis ' . $cluster->address()
    . ";\npimap_hibernate on;\n" . $t->nginx()->{http};
$t->nginx()->{bare} = 1;
$cluster->start()->load();
$t->nginx()->start();
$t->wait_for(sub { $t->get('/pimap/status?ready')->{status} == 200 },
    'readiness');

my $check = Pimap::Check->new(t => $t);
my @masters = $cluster->masters();

$cluster->log('alice', { event => 'MessageNew' });
$check->run();
is(join(' ', map { $check->result($_) } qw(redis.cluster redis.functions
    redis.acl delivery.publish delivery.log delivery.worker delivery.device
    names.published limits.redis)), join(' ', ('pass') x 9), 'all is well');
like($check->{by}{'names.published'}{text}, qr/: 1$/,
    '    its own device is seen');
like($check->{by}{'limits.redis'}{text}, qr/^2 masters: /,
    '    the clients of both masters are counted');

# The account that is parked has no events, one of another master has them.

my ($name) = grep { $cluster->owner($_) != $cluster->owner('alice') }
    map { "alice\@example$_.com" } 1 .. 99;

$cluster->log($name, { event => 'MessageNew' });
$cluster->command('DEL', 'pimap:{alice}', 'pimap:{alice}:epoch');
$check->run();
$check->is('names.published:other-name', 'fail', qr/"\Q$name\E" has/,
    qr/domain/, 'a name with events at another master');

# A master with hardly any room for clients, which the other nodes are, too.
# The check itself has two.

my $busy = 2;

$busy += $_ for $masters[1]->command(qw(INFO clients))
    =~ /^(?:connected_clients|cluster_connections):(\d+)/mg;
$masters[1]->command(qw(CONFIG SET maxclients), $busy);
$check->run();
$check->is('limits.redis:clients', 'warn',
    qr/^\Q@{[ $masters[1]->endpoint() ]}\E: Redis has /, qr/maxclients/,
    'a master with too few clients');
