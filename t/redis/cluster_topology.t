#!/usr/bin/perl

# A topology that is cut, too large, that contradicts itself, or of a node that
# has left the cluster: workers go on with the one that they know, and ask
# again.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::FakeCluster;

my $t = Pimap->new(allow => qr/pimap (?:lost|cannot connect)/);
my $fake = Pimap::FakeCluster->new(t => $t, nodes => 3);

my @all = qw(u868 u879 u809);           # 2652, 10572, 12507
my $lone = $fake->slot_of($all[2]);
my %all = (1 => [[0, 8191]], 2 => [[8192, $lone - 1], [$lone + 1, 16383]]);
my $uid = 0;

$fake->set(slots => { %all, 3 => [[$lone, $lone]] });

# An answer to CLUSTER SHARDS, and whether it ends the connection.

sub shard {
    my ($slots, $host, $number) = @_;

    return $fake->shard($slots, { port => $number, endpoint => $host,
        role => 'master', health => 'online' });
}

my $good = $fake->shards();
my @one = ('127.0.0.1', $fake->number(1));

my @bad = (
    ['no list', ":1\r\n"],
    ['nil', "*-1\r\n"],
    ['no shard', "*0\r\n"],
    ['a shard that is none', "*1\r\n:1\r\n"],
    ['an error', "-ERR no\r\n"],
    ['LOADING', "-LOADING Redis is loading the dataset in memory\r\n"],
    ['cut, and the end', substr($good, 0, length($good) / 2), 1],
    ['too long', "*100000\r\n", 1],
    ['no slots', $fake->list(shard([], @one))],
    ['half a range', $fake->list(shard([0], @one))],
    ['a range backwards', $fake->list(shard([9, 1], @one))],
    ['slots beyond the last', $fake->list(shard([0, 16384], @one))],
    ['two masters of a slot', $fake->list(map { shard([0, 16383],
        '127.0.0.1', $fake->number($_)) } 1, 2)],
    ['too many nodes', $fake->list(map { shard([$_, $_], "10.0.0.$_", 1) }
        1 .. 1025)],
    ['no host', $fake->list(shard([0, 16383], 'a b', 1))],
    ['no port', $fake->list(shard([0, 16383], '127.0.0.1', 0))],
);

$t->{redis} = $fake;
$t->nginx()->{http} = 'pimap_redis ' . $fake->address()
    . ' timeout=1s probe=500ms;';

$t->plan(2 * @bad + 13);
$fake->start();
$t->nginx()->start();
ok($t->wait_ready(), 'ready');

my %device = map { $_ => $t->park($_) } @all;

$_->read_until(qr/: parked\n.*\n\n/) for values(%device);
is(lack(), '', 'accounts have events');

my ($pid) = $t->workers();

for my $case (@bad) {
    my ($name, $answer, $ends) = @$case;
    my $asked = $fake->noted('\d CLUSTER SHARDS');

    $fake->set(rules => [[0, 'CLUSTER SHARDS', $answer]]);
    $fake->push($_, unasked('nobody')) for 1 .. 3;
    ok($t->wait_for(sub { $fake->noted('\d CLUSTER SHARDS') > $asked + 1 },
        'questions'), "$name: asked again");
    $fake->set(rules => []) if $ends;
    is(lack(), '', '    accounts have events');
    $fake->set(rules => []);
}


# As many ranges as there are slots, all of which move.

$fake->set(rules => [[0, 'CLUSTER SHARDS', $fake->list(map {
    my $n = $_;

    shard([map { ($_) x 2 } grep { $_ % 2 == $n } 0 .. 16383], '127.0.0.1',
        $fake->number(1 + $n));
} 0, 1)]]);
is(arrives('1 FCALL pimap_post 1 pimap:\{u879\}.*'), '',
    'each slot moves: accounts have events, at their nodes');
$fake->set(rules => []);
is(arrives('3 FCALL pimap_post .*'), '', '    they move back');


# The node with one slot redirects it.  While no topology comes, its account is
# still in the lists of that node.

my $asked = $fake->noted('\d CLUSTER SHARDS');

$fake->set(rules => [[0, 'CLUSTER SHARDS', "-LOADING no\r\n"],
    [3, 'FCALL pimap_post', "-MOVED $lone 127.0.0.1:" . $fake->number(2)
        . "\r\n"]]);
is($t->publish($all[2], { event => 'MessageNew' })->{status}, 200,
    'a node redirects its only slot');
ok($t->wait_for(sub { $fake->noted('\d CLUSTER SHARDS') > $asked + 4 },
    'questions'), '    no topology comes');
$device{ $all[2] }->close();
ok($t->wait_for(sub { $t->status()->{accounts} == 2 }, 'the end'),
    '    the device of the slot leaves');
$device{ $all[2] } = $t->park($all[2]);
$device{ $all[2] }->read_until(qr/: parked\n.*\n\n/);
$fake->set(rules => []);
is(arrives('3 FCALL pimap_post .*'), '',
    '    a topology comes: accounts have events');
is(($t->workers())[0], $pid, '    the worker lives');


# The node with one slot has lost it, and is reset.  Only it answers at first.

my $accepts = $fake->noted('[12] accept');

$asked = $fake->noted('3 CLUSTER SHARDS');

$fake->set(slots => { 1 => $all{1}, 2 => [[8192, 16383]] },
    rules => [[3, 'CLUSTER SHARDS', $fake->shards({ 3 => [] })],
        map { [$_, 'CLUSTER SHARDS', "-LOADING no\r\n"] } 1, 2]);
$fake->push(3, unasked($all[2]));
ok($t->wait_for(sub { $fake->noted('3 CLUSTER SHARDS') > $asked }, 'answer'),
    'a node that has left answers');
$fake->set(rules => [[3, '', "-CLUSTERDOWN no\r\n"]]);
is(lack(), '', '    accounts have events');
is($fake->noted('[12] accept'), $accepts, '    at the connections of before');
is(($t->workers())[0], $pid, 'the worker lives');


sub unasked {
    return "*3\r\n\$12\r\nsunsubscribe\r\n" . $fake->bulk("pimap:{$_[0]}")
        . ":0\r\n";
}

# The accounts without their subscription, or an event.

sub lack {
    $t->wait_for(sub { $t->worker_status()->{redis}{subscribed} == @all },
        'subscriptions') or return 'subscriptions';

    return join(' ', grep { !$t->delivers($_, $device{$_}, ++$uid) } @all);
}

# The same, when a topology has been read that leads to this command.  An event
# that meets an account between two nodes is not in the log of any: these nodes
# have none.

sub arrives {
    my ($command) = @_;

    my $n = $fake->noted($command);

    $fake->push($_, unasked('nobody')) for 1 .. 3;
    $t->wait_for(sub { lack(); $fake->noted($command) > $n }, $command)
        or return 'the command';

    return lack();
}
