#!/usr/bin/perl

# pimap-check finds faults of a cluster: of it as a whole, and of one master.
# Here the cluster is named by --redis, so nginx is not needed.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Check;
use Pimap::RedisCluster;

my $t = Pimap->new();
my $cluster = $t->{redis} = Pimap::RedisCluster->new(t => $t, masters => 2,
    options => ['appendonly yes', 'cluster-require-full-coverage no']);
my $single = Pimap::Redis->new(t => $t, name => 'single', port => 1);
my @all = qw(connect server cluster moving replica coverage functions acl
    persistence eviction timeout);

$t->plan(25);

# No cluster

address('cluster://127.0.0.1:' . $t->port('single'))->run();
is_fail('redis.connect:refused', qr/refused/i, qr/start Redis/,
    'nothing is there');
$single->start();
address('cluster://127.0.0.1:' . $t->port('single'))->run();
is_fail('redis.connect:no-cluster', qr/cluster support disabled/, qr{redis://},
    'one Redis');

# Good

$cluster->start()->load();

my ($one, $two) = $cluster->masters();
my ($first, $second) = map { $_->endpoint() } $one, $two;
my $check = address('cluster://127.0.0.1:' . $t->port('none') . ','
    . $first)->run();

is(join(' ', map { $check->result("redis.$_") } @all),
    join(' ', ('pass') x @all), 'all is well');
like($check->{by}{'redis.cluster'}{text},
    qr/^2 masters, 2 replicas, all slots$/, '    all nodes are found');
like($check->{by}{'redis.functions'}{text}, qr/^2 masters: version \d+$/,
    '    all masters are asked');
is(scalar(map { @{ $_->command('KEYS', '*pimap-check*') } } $one, $two), 0,
    '    it leaves no key behind');

# Faults of one master; the other is well.

$two->command(qw(FUNCTION DELETE pimap));
$check->run();
is_fail('redis.functions:missing',
    qr/^\Q$second\E: the library is not loaded/,
    qr/pimap-load-functions/, 'a master without the library');
$two->load();
$two->command(qw(CONFIG SET maxmemory 200mb));
$two->command(qw(CONFIG SET maxmemory-policy allkeys-lru));
$check->run();
is_fail('redis.eviction:policy', qr/^\Q$second\E: .*allkeys-lru/,
    qr/noeviction/, 'a master that deletes keys');
$two->command(qw(CONFIG SET maxmemory 0));
$one->command(qw(CONFIG SET appendonly no));
$check->run();
is_found('redis.persistence:none', 'warn', qr/^\Q$first\E: .*AOF/,
    qr/appendonly/, 'a master without an AOF');
$one->command(qw(CONFIG SET appendonly yes));
$two->command(qw(CONFIG SET timeout 3));
$check->run();
is_fail('redis.timeout:short', qr/^\Q$second\E: timeout is 3/, qr/timeout 0/,
    'a master that closes idle connections');
delete $two->{client};
$two->command(qw(CONFIG SET timeout 0));
$two->command(qw(CONFIG SET cluster-require-full-coverage yes));
$check->run();
is_found('redis.coverage:full', 'warn', qr/^\Q$second\E: it stops all/,
    qr/full-coverage no/, 'a master that stops without another one');
$two->command(qw(CONFIG SET cluster-require-full-coverage no));

# Rights of a user at one master

$_->command(qw(ACL SETUSER nginx on >word ~pimap:* &pimap:* +@all -config))
    for $one, $two;
$two->command(qw(ACL SETUSER nginx resetchannels));
$check = address("cluster://nginx:word\@$first")->run();
is_fail('redis.acl:right',
    qr/^\Q$second\E: SPUBLISH: NOPERM.*SSUBSCRIBE: NOPERM/,
    qr/install\.md/, 'a master where the user lacks the channels');
is_found('redis.coverage:right', 'unknown', qr/may not read/, qr/--redis/,
    '    a user that may not read settings');
$check = address("cluster://$first");

# A slot on its way

my ($account) = $cluster->accounts_of($one, 1);
my $slot = $cluster->slot_of($account);

$cluster->begin_move($slot, $two);
$check->run();
is_found('redis.moving:open', 'warn', qr/: 1 slots .*\[$slot-[<>]-/,
    qr/cluster fix/, 'a move that was not ended');
is($check->result('redis.acl'), 'pass', '    all else is well');
$cluster->end_move($slot, $one, $two);

# Replicas and masters that are away

my ($replica) = $cluster->replicas_of($one);

$replica->kill();
wait_failed($one, $replica);
$check->run();
is_found('redis.replica:none', 'warn', qr/^\Q$first\E has no replica/,
    qr/add one/, 'a master without a replica');
$two->pause();
$check->run('--timeout', 1);
is_fail('redis.cluster:unreachable',
    qr/^the master \Q$second\E: /,
    qr/cluster-announce-ip/, 'a master that is not reached');
is($check->result('redis.functions'), 'pass', '    the other is looked at');
$two->resume();

my ($follower) = $cluster->replicas_of($two);

$two->kill();
$follower->take_over('TAKEOVER');
wait_failed($one, $two);
$t->wait_for(sub { $one->view()->{$follower->id()}{flags} =~ /master/ });
$check->run();
is_found('redis.replica:none', 'warn', qr/has no replica/, qr/add one/,
    'a failover: its replica is the master');
$one->command(qw(CLUSTER DELSLOTS 0));
$check->run();
is_fail('redis.cluster:slots', qr/^1 slots have no master/, qr/cluster fix/,
    'a slot without a master');
$one->command(qw(CLUSTER ADDSLOTS 0));

# The last one: a cluster of three tells that one has failed.

my $three = Pimap::RedisCluster->new(t => $t, name => 'three', masters => 3,
    replicas => 0, options => ['cluster-require-full-coverage no']);

$three->start()->load();

my @masters = $three->masters();

$masters[1]->kill();
wait_failed($_, $masters[1]) for @masters[0, 2];
$check = address($three->address(2))->run();
is_fail('redis.cluster:failed', qr/^127\S+ has failed/, qr/FAILOVER/,
    'a master has failed');
is($check->result('redis.functions'), 'pass', '    the others are looked at');

# Words of a node that make no sense

$check = address('cluster://')->run();
isnt($check->{status}, 0, 'an address without a host');
$check = address('cluster://127.0.0.1:' . $t->port('single') . '/3');
$check->run();
isnt($check->{status}, 0, 'an address with a database');
unlike($check->{errors} . $check->{text}, qr/Traceback/, '    no traceback');


sub address {
    my ($address) = @_;

    return $check = Pimap::Check->new(t => $t,
        options => ['--redis', $address]);
}


sub is_found { $check->is(@_) }


sub is_fail {
    my ($finding, @more) = @_;
    $check->is($finding, 'fail', @more);
}


sub wait_failed {
    my ($by, $node) = @_;

    my $id = $node->{id} // die "no id\n";

    $t->wait_for(sub { $by->view()->{$id}{flags} =~ /fail(?!\?)/ },
        'the failure');
}
