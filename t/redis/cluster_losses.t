#!/usr/bin/perl

# What a cluster may lose, line by line of docs/reliability.md: events that a
# replica did not have when it took over.  WAIT and min-replicas-to-write tell
# the publisher.  A reader of a lost event is told to resync.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::RedisCluster;

my $t = Pimap->new();
my $cluster = Pimap::RedisCluster->new(t => $t,
    options => ['cluster-require-full-coverage no', 'repl-timeout 60']);
my $event = { event => 'MessageNew' };

$t->plan(23);
$cluster->start()->load();

my ($one, $two, $three) = $cluster->masters();
my ($alice) = $cluster->accounts_of($one, 1);
my ($bob) = $cluster->accounts_of($two, 1);
my ($carol) = $cluster->accounts_of($three, 1);
my ($replica) = $cluster->replicas_of($one);

# A publisher that waits for a replica.  (A function can't: WAIT is refused
# there.)

my $client = $one->connect();

$cluster->log($alice, $event);

my $kept = publish($client, $alice);

is($client->command('WAIT', 1, 5000), 1, 'WAIT: a replica has the event');
$replica->pause();
$one->command(qw(CLIENT KILL TYPE replica));

my $lost = publish($client, $alice);

like($lost, qr/-3$/, 'the replica is away: the master adds an event');
is($client->command('WAIT', 1, 300), 0, '    WAIT: no replica has it');

# The master dies before the replica has got it.

$one->kill();
$replica->resume();
$replica->take_over('TAKEOVER');
ok($cluster->whole(), 'the replica takes over');

my @read = @{ $replica->fcall('read', $alice, split(/-/, $kept), 9) };

is($read[0], 'ok', '    a reader of an event that it has goes on');
is($replica->fcall('last', $alice), $kept, '    the other event is lost');
is_deeply([@{ $replica->fcall('read', $alice, split(/-/, $lost), 9) }[0, 1]],
    ['resync', 'future'], '    a reader of the lost event resyncs');
isnt(publish($replica, $alice) =~ s/-.*//r, $lost =~ s/-.*//r,
    '    the next event is of another epoch');
is_deeply([@{ $replica->fcall('read', $alice, split(/-/, $lost), 9) }[0, 1]],
    ['resync', 'epoch'], '    which its reader hears');

# A master that must have a replica.

$one->start();
ok($cluster->whole(), 'the former master is a replica');
$replica->command(qw(CONFIG SET min-replicas-to-write 1));
$replica->command(qw(CONFIG SET min-replicas-max-lag 1));
ok($t->wait_for(sub { eval { publish($replica, $alice) } }, 'an event'),
    'min-replicas-to-write: an event');
$one->pause();
ok($t->wait_for(sub { ($replica->error('FCALL', 'pimap_publish', 1,
    $cluster->channel($alice), '{}') // '') =~ /^NOREPLICAS/ }, 'a refusal'),
    '    without a replica in time: refused');

my $length = $replica->command('XLEN', $cluster->channel($alice));

like($replica->error('FCALL', 'pimap_publish', 1, $cluster->channel($alice),
    '{}'), qr/^NOREPLICAS /, '    again');
is($replica->command('XLEN', $cluster->channel($alice)), $length,
    '    nothing is written');
$one->resume();
ok($t->wait_for(sub { eval { publish($replica, $alice) } }, 'an event'),
    '    with the replica: an event');

# A master without a replica dies.

my ($other) = $cluster->replicas_of($two);

$_->command(qw(CONFIG SET cluster-require-full-coverage yes))
    for $replica, $three;
$other->kill();
$two->kill();
ok($t->wait_for(sub { ($three->error('FCALL', 'pimap_publish', 1,
    $cluster->channel($carol), '{}') // '') =~ /^CLUSTERDOWN/ }, 'all'),
    'cluster-require-full-coverage: without one master no event');
$_->command(qw(CONFIG SET cluster-require-full-coverage no))
    for $replica, $three;
ok($t->wait_for(sub { eval { publish($three, $carol) } }, 'an event'),
    '    not required: other accounts get their events');
like($three->error('FCALL', 'pimap_publish', 1, $cluster->channel($bob), '{}'),
    qr/^(?:MOVED \d+ \Q@{[ $two->endpoint() ]}\E|CLUSTERDOWN )/,
    '    its own accounts get none');
$two->start()->load();
ok($t->wait_for(sub { eval { publish($two, $bob) } }, 'an event'),
    '    it is there again: they do');

# A master that is cut off from most others takes events for a while, which are
# lost if a replica has its place; then it refuses them.

$_->pause() for $two, $three;
like(eval { publish($replica, $alice) } // $@, qr/^\d+-\d+$/,
    'a master is cut off: an event');
ok($t->wait_for(sub { ($replica->error('FCALL', 'pimap_publish', 1,
    $cluster->channel($alice), '{}') // '') =~ /^CLUSTERDOWN/ }, 'the end'),
    '    after cluster-node-timeout it refuses events');
$_->resume() for $two, $three;
ok($t->wait_for(sub { eval { publish($replica, $alice) } }, 'an event'),
    '    it is not cut off any more: an event');
like($replica->fcall('last', $alice), qr/^\d{19}-\d+$/, '    the log goes on');


sub publish {
    my ($to, $account) = @_;

    return $to->command('FCALL', 'pimap_publish', 1,
        $cluster->channel($account), $t->json($event));
}
