#!/usr/bin/perl

# integrations/consumer/ with a cluster: updates are taken from the streams of
# all masters, by the user of its page.  It goes on after a failover and while
# slots move.  The updates are added as nginx does it.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Consumer;
use Pimap::Page;
use Pimap::RedisCluster;

my $t = Pimap->new();
my ($user) = map { $_->{text} =~ /^user (.*)/ } Pimap::Page->new($t->root(),
    'integrations/consumer/README.md')->blocks('redis');
my $cluster = $t->{redis} = Pimap::RedisCluster->new(t => $t, masters => 2,
    users => [$user]);

$t->plan(12);
$cluster->start()->load();

my ($one, $two) = $cluster->masters();
my @accounts = map { ($cluster->accounts_of($_, 3)) } $one, $two;
my $backend = Pimap::Consumer->new($t, $user =~ /^(\w+) on >(\S+)/);
my $number = 0;

update($_, 'done') for @accounts;

my %owners = map { $cluster->owner(slot_of_stream($_)) => 1 } @accounts;

is(scalar(keys(%owners)), 2, 'updates wait at both masters');

my $consumer = $backend->start(qw(--name one --claim 1));

ok($backend->wait_done(6), 'all are carried out');
is(join(' ', sort({ $a <=> $b } $backend->done())), '1 2 3 4 5 6',
    '    once each');
is_deeply([map { status($_) } @accounts], [('done') x 6],
    '    each account has its result');

# The slot of a stream moves, and comes back.

my $slot = slot_of_stream($accounts[0]);
my $from = $cluster->owner($slot);
my ($to) = grep { $_ != $from } $one, $two;

$cluster->begin_move($slot, $to);
update($accounts[0], 'done');
ok($backend->wait_done(7), 'a slot of a stream moves: an update is done');
$cluster->move_keys($slot, $from, $to);
$cluster->end_move($slot, $from, $to);
update($accounts[0], 'done');
ok($backend->wait_done(8), '    another one at the other master');

# The slot of an account moves: the result waits.

$slot = $cluster->slot_of($accounts[1]);
$from = $cluster->owner($slot);
($to) = grep { $_ != $from } $one, $two;
update($accounts[1], 'done');
$cluster->begin_move($slot, $to);
ok($t->wait_for(sub { $backend->done() == 9 }, 'the update'),
    'the slot of an account moves: its update is done');
$cluster->move_keys($slot, $from, $to);
$cluster->end_move($slot, $from, $to);
ok($backend->wait_done(9), '    and has a result');

# A master dies.

my ($replica) = $cluster->replicas_of($two);

$replica->synced($two);
$cluster->fail_over($two, 'TAKEOVER');
ok($cluster->whole(), 'a master dies, its replica follows');
update($_, 'done') for @accounts;
ok($backend->wait_done(15), '    all updates are carried out');
is_deeply([sort({ $a <=> $b } $backend->done())], [1 .. 15],
    '    once each');
is_deeply([map { status($_) } @accounts], [('done') x 6],
    '    each account has its result');

$t->stop($consumer);


sub slot_of_stream {
    return $cluster->slot_of_key('{' . $cluster->slot_of($_[0]) % 16 . '}');
}


# Adds an update in three steps.

sub update {
    my ($account, $verb) = @_;

    my $id = ++$number;
    my @update = ('phone', $id, qq({"id":"$id","update":"$verb"}));
    my $stream = 'pimap:updates:{' . $cluster->slot_of($account) % 16 . '}';

    $cluster->fcall('update_look', $account, 99, @update);
    $cluster->command('FCALL', 'pimap_update_queue', 1, $stream, 99, $account,
        @update);
    $cluster->fcall('update_record', $account, 99, @update);
}


# The status of the account's last event.

sub status {
    my ($account) = @_;

    my $entry = $cluster->command('XREVRANGE', $cluster->channel($account),
        qw(+ - COUNT 1))->[0];

    return $entry->[1][1] =~ /"event":"UpdateResult".*"status": ?"(\w+)"/
        ? $1 : $entry->[1][1];
}
