#!/usr/bin/perl

# The bridge and a Redis Cluster: it hears of devices at each master, and
# publishes an account's events at the master of its slot: after the slot has
# moved, and after a failover.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;
use Pimap::RedisCluster;

my $t = Pimap->new();
my $cluster = Pimap::RedisCluster->new(t => $t);

$t->plan(13);
$cluster->start();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none',
    master => 1)->start();
my $bridge = Pimap::Bridge->new(t => $t, server => Pimap::Bridge->master(),
    redis => 'address = "' . $cluster->address(1) . '"; timeout = "2s";',
    sessions => 'linger = "1s";')->start();

ok($t->wait_for(sub { $bridge->metric('redis_up') == 1 }),
    'the address of one node is enough');
is(scalar(grep { ($_->command(qw(FCALL pimap_version 0)) // 0) > 0 }
    $cluster->masters()), 3, 'the functions are loaded at each master');

# An account of each master: its device has parked, and mail comes.

my @masters = $cluster->masters();
my @accounts = map { $cluster->accounts_of($_, 1) } @masters;
my %device;

sub park {
    my ($account) = @_;

    my $channel = $cluster->channel($account);
    my $device = $cluster->owner($account)->connect();
    my $partition = $cluster->slot_of($account) % 16;

    $device->command('SSUBSCRIBE', $channel);
    $cluster->command('SPUBLISH', "pimap:presence:{$partition}",
        "+ $account");

    return $device{$account} = $device;
}

# The subjects of the account's log, once the last one is there.

sub subjects {
    my ($account, $last) = @_;

    my @subjects;

    $t->wait_for(sub {
        my $log = eval { $cluster->command('XRANGE',
            $cluster->channel($account), '-', '+') } // [];

        @subjects = map { $_->[1][1] =~ /"subject":"([^"]*)"/ ? $1 : () }
            @$log;
        @subjects && $subjects[-1] eq $last;
    }, "$last of $account", 30);

    return "@subjects";
}

park($_) for @accounts;
ok($bridge->watches(3), 'the bridge hears of a device at each master');

$dovecot->deliver(to => $_, subject => "to-$_") for @accounts;
is(subjects($_, "to-$_"), "to-$_", "$_: mail is an event") for @accounts;
ok($t->wait_for(sub {
    ($device{$accounts[0]}->reply()->[2] // '') =~ /"to-$accounts[0]"/
}), 'the device has it');
is($bridge->metric('redis_slots'), 16384, 'all slots work');

# A slot moves, and mail comes at each step.

my ($moving) = @accounts;
my $slot = $cluster->slot_of($moving);
my $from = $cluster->begin_move($slot, $masters[1]);

$dovecot->deliver(to => $moving, subject => 'begun');
$cluster->move_keys($slot, $from, $masters[1]);
$dovecot->deliver(to => $moving, subject => 'moved');
$cluster->end_move($slot, $from, $masters[1]);
$dovecot->deliver(to => $moving, subject => 'settled');

# The log begins anew at another master.

is(subjects($moving, 'settled'), 'begun moved settled',
    'a slot moves: each event once, in order');

# The slot moves in which the bridge hears of devices.

my ($new) = grep { $cluster->slot_of($_) % 16 != $slot % 16 }
    map { "v$_" } 1 .. 50;
my $heard = $cluster->slot_of_key('pimap:presence:{'
    . $cluster->slot_of($new) % 16 . '}');
my ($other) = grep { !$_->owns($heard) } @masters;

$cluster->move($heard, $other);
ok($t->wait_for(sub { $other->command(qw(PUBSUB SHARDCHANNELS),
    'pimap:presence:{' . $cluster->slot_of($new) % 16 . '}')->[0] }),
    'its slot moves: the bridge subscribes at the other master');
park($new);
ok($bridge->watches(4), '    and hears of a device');

# A master dies.

my $account = $accounts[2];

$cluster->fail_over($masters[2]);
$dovecot->deliver(to => $account, subject => 'after');
like(subjects($account, 'after'), qr/\bafter$/,
    'a master dies: the event comes when a replica has its place');
ok($t->wait_for(sub { $bridge->metric('redis_up') == 1 }),
    'all masters work again');
