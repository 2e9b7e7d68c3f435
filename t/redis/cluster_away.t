#!/usr/bin/perl

# A master that dies without a replica keeps only the accounts of its own slots
# waiting: the others have their events, workers stay ready, and metrics name
# the share.  A master that dies with a replica has a follower.  A node that is
# added gets the functions, and accounts with its slots.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::RedisCluster;

my $t = Pimap->new(workers => 1, allow => qr/pimap (cannot|lost)/);
my $cluster = Pimap::RedisCluster->new(t => $t, replicas => 0,
    options => ['cluster-require-full-coverage no']);
my $uid = 0;

$t->{redis} = $cluster;
$t->nginx()->{http} = 'pimap_redis ' . $cluster->address()
    . ' timeout=2s probe=500ms;';

$t->plan(15);
$cluster->start();
$t->nginx()->start();
ok($t->wait_ready(), 'ready');

my @masters = $cluster->masters();
my @accounts = map { $cluster->accounts_of($_, 1) } @masters;
my %device = map { $_ => $t->park($_) } @accounts;

$_->read_until(qr/: parked\n.*\n\n/) for values(%device);
is(scalar(grep { $t->subscribed($_) } @accounts), 3, 'three accounts');


# One of three is dead.

my $dead = $masters[2];

$dead->kill();
ok($t->wait_for(sub { away() > 0 }, 'away', 30), 'a node is away');
ok($t->wait_for(sub { lacks() == 1 }, 'lacks', 30),
    'one account has no subscription');
is($t->get('/status?ready')->{status}, 200,
    'workers are ready for the others');
is(delivers($_), '', "$_ has its events") for @accounts[0, 1];
is($t->publish($accounts[2], { event => 'MessageNew' })->{status}, 503,
    'an event for the dead node is refused');

$dead->restart();
ok($t->wait_for(sub { away() == 0 && lacks() == 0 }, 'back', 30),
    'it is back: no node is away');
is(delivers($accounts[2]), '', 'the account has its events');


# A node is added, and gets the slot of an account.

my $new = $cluster->add();
my $slot = $cluster->slot_of($accounts[0]);

$cluster->move($slot, $new);
ok($t->wait_for(sub { eval { $new->command(qw(FCALL pimap_version 0)) } },
    'functions', 30), 'a new master gets the functions');
is(delivers($accounts[0]), '', 'an account there has its events');


# A replica follows its master.

my $replica = $cluster->add($masters[1]);

$masters[1]->kill();
$replica->take_over('TAKEOVER');
ok($t->wait_for(sub { $cluster->numsub($accounts[1]) == 1 }, 'subscribed', 30),
    'a master dies: the account is subscribed at its follower');
is(delivers($accounts[1]), '', 'and has its events');
ok($t->wait_for(sub { away() == 0 && lacks() == 0 }, 'whole', 30),
    'no node is away');


# Publishes until an event arrives: a log that begins anew has a resync first.

sub delivers {
    my ($name) = @_;
    my $answer;

    for (1 .. 3) {
        $uid++;
        $t->wait_for(sub { $answer = $t->publish($name,
            { event => 'MessageNew', uid => $uid });
            $answer->{status} == 200 }, 'an answer', 30);

        while (my ($got) = $device{$name}->events(1)) {
            return '' if ($got->{json}{uid} // '') eq "$uid";
            last if $got->{event} eq 'resync';
        }
    }

    return "no event $uid";
}

sub away {
    my $n = 0;
    $n += $_->{redis}{nodesAway} for @{ $t->status()->{workers} };

    return $n;
}

sub lacks {
    my $status = $t->status();
    my $n = $status->{accounts};

    $n -= $_->{redis}{subscribed} for @{ $status->{workers} };

    return $n;
}
