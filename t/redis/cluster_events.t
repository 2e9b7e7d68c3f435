#!/usr/bin/perl

# In a cluster each account's commands and events go by the master of its slot:
# parking, publishing by HTTP and by SPUBLISH, coming back with an id, the
# operator's question, and a connection only where an account is.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Accounts;
use Pimap::RedisCluster;

my $t = Pimap->new(workers => 2);
my $cluster = Pimap::RedisCluster->new(t => $t, replicas => 0);

$t->{redis} = $cluster;
$t->nginx()->{http} = 'pimap_redis ' . $cluster->address(1)
    . ' timeout=4s probe=500ms; pimap_presence on;';

Pimap::Accounts->new(t => $t);
$t->plan(23);
$cluster->start();
$t->nginx()->start();
ok($t->wait_ready(), 'ready');

my @masters = $cluster->masters();
my @accounts = map { $cluster->accounts_of($_, 2) } @masters;

ok($t->wait_for(sub { 3 == grep { functions($_) } @masters }),
    'each master has the functions');


# Events.

my $answers = join(' ', map { $t->publish($_, event(0))->{status} } @accounts);

is($answers, '200 ' x 5 . '200', 'events of accounts without a device');

my %device = map { $_ => $t->park($_, query => 'device=d') } @accounts;

$_->read_until(qr/: parked\n.*\n\n/) for values(%device);

is(scalar(grep { $t->subscribed($_) } @accounts), 6,
    'all accounts are subscribed');
is(join(' ', map { $cluster->numsub($_) } @accounts), '1 1 1 1 1 1',
    'each once, at its master');

for my $n (1, 2) {
    my @answers = map { $t->publish($_, event($n)) } @accounts;

    is(join(' ', map { $_->{json}{receivers} // $_->{body} } @answers),
        '1 1 1 1 1 1', "events $n are published");
}

$cluster->log($_, event(3)) for @accounts;

is(join(' ', map { uids($device{$_}, 3) } @accounts),
    '1,2,3 1,2,3 1,2,3 1,2,3 1,2,3 1,2,3', 'the devices have them');

$cluster->publish($_, event(4)) for @accounts;

is(join(' ', map { uids($device{$_}, 1) } @accounts), '4 4 4 4 4 4',
    'events without the log, by SPUBLISH');


# A device that was away.

my $account = $accounts[-1];
my ($id) = $cluster->fcall('last', $account);

$cluster->log($account, event($_)) for 5, 6;

my $again = $t->park($account, headers => { 'Last-Event-ID' => $id });

is(uids($again, 2), '5,6', 'a device gets what it missed');


# A device leaves and comes back, again and again.

for my $n (1 .. 3) {
    $again->close();
    $device{$account}->close();
    $t->wait_for(sub { $cluster->numsub($account) == 0 }, 'it leaves');
    $device{$account} = $again = $t->park($account, query => 'device=d');
    $again->read_until(qr/: parked\n.*\n\n/);
    ok($t->subscribed($account), "$n: the account is subscribed again");
}

is($t->publish($account, event(7))->{status}, 200, 'an event');
is(uids($again, 1), '7', 'the device has it');


# Superseding; questions to workers; revocation.

my $newer = $t->park($accounts[0], query => 'device=d');

$newer->read_until(qr/: parked\n.*\n\n/);
ok($device{ $accounts[0] }->read_until(qr/superseded/), 'superseded');

my $list;

ok($t->wait_for(sub { $list = $t->get("/accounts?account=$accounts[1]");
    ($list->{json}{devices}{list}[0]{device} // '') eq 'd' }),
    'workers answer the question for an account') or diag($list->{body});

is($cluster->fcall('revoke', $accounts[2]), 1,
    'a revocation reaches a worker');


# Each worker has a channel of its own at each node with accounts.

my @redis = map { $_->{redis} } @{ $t->status()->{workers} };

ok($t->wait_for(sub { my $status = $t->status(); my $n = 0;
    $n += $_->{redis}{subscribed} for @{ $status->{workers} };
    $n == $status->{accounts} }), 'no account lacks its subscription');
is(join(' ', map { $_->{nodesAway} } @redis), '0 0', 'no node is away');
cmp_ok($_->{nodes}, '<=', 3, "a worker needs $_->{nodes} nodes") for @redis;

my @clients = map { scalar(() = $_->command(qw(CLIENT LIST)) =~ /^id=/gm) - 1 }
    @masters;

cmp_ok((sort { $b <=> $a } @clients)[0], '<=', 2 * 2 + 1,
    'two connections of each worker at most: ' . join(' ', @clients));


sub event { return { event => 'MessageNew', uid => $_[0] } }

sub uids {
    my ($s, $n) = @_;
    return join(',', map { $_->{json}{uid} // $_->{event} } $s->events($n));
}

sub functions {
    my ($node) = @_;
    return eval { $node->command(qw(FCALL pimap_version 0)) };
}
