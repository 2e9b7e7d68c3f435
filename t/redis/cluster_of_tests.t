#!/usr/bin/perl

# The cluster of the tests: three masters and three replicas.  A failover, a
# slot that moves with its keys, a node that comes and goes.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::RedisCluster;

my $t = Pimap->new();
my $cluster = Pimap::RedisCluster->new(t => $t);
my $event = { event => 'MessageNew' };

$t->plan(16);
$cluster->start()->load();

is(scalar($cluster->nodes()), 6, 'six nodes');
is(scalar($cluster->masters()), 3, '    three of them own slots');
is($cluster->address(), 'cluster://' . join(',', map {
    "127.0.0.1:" . $t->port("node$_") } 1 .. 3), '    the address of clients');

# The values are of Redis' own.

is(join(' ', map { $cluster->slot_of_key($_) } '123456789', 'pimap:{alice}',
    'x{}{alice}', 'x{alice', '{alice}:{bob}', "\xc3\xa9"),
    join(' ', map { $cluster->command(qw(CLUSTER KEYSLOT), $_) }
    '123456789', 'pimap:{alice}', 'x{}{alice}', 'x{alice', '{alice}:{bob}',
    "\xc3\xa9"), 'slots of keys');

my @masters = $cluster->masters();
my ($account) = $cluster->accounts_of($masters[1], 1);

is($cluster->owner($account), $masters[1], 'an account of the second master');
like($cluster->log($account, $event), qr/^\d{19}-1$/,
    '    gets an event by any node');

# A slot that moves.

my $slot = $cluster->slot_of($account);
my $from = $cluster->begin_move($slot, $masters[0]);

is(scalar(@{ $from->own()->{moving} }), 1, 'a slot begins to move');
$cluster->move_keys($slot, $from, $masters[0]);
is($cluster->owner($account), $from, '    has the former owner');
$cluster->end_move($slot, $from, $masters[0]);
is($cluster->owner($account), $masters[0], '    has another owner');
like($cluster->log($account, $event), qr/^\d{19}-2$/,
    '    an event there');

# A master that is killed, and comes back.

my $new = $cluster->fail_over($masters[2]);

ok($cluster->whole(), 'a failover');
is($new, ($cluster->masters())[2], '    the replica owns the slots');
$masters[2]->start();
ok($cluster->whole() && !$masters[2]->is_master(),
    '    the former master is a replica');

# A node comes and goes.

my $node = $cluster->add();

$cluster->load();
$cluster->move($slot, $node);
is($cluster->owner($account), $node, 'another node has a slot');
like($cluster->log($account, $event), qr/-2$/, '    an event there');
$cluster->move($slot, $masters[0]);
$cluster->remove($node);
ok($cluster->whole() && $cluster->nodes() == 6, '    the node leaves');
