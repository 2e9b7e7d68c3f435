#!/usr/bin/perl

# Slots move to another master and back, while devices are parked: each event
# arrives, once and in order, or a resync does, as each log begins anew at the
# other master.  While a slot is on its way, its events go to that, and arrive
# within two seconds.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::RedisCluster;

use constant LATE => 2;

my $t = Pimap->new(workers => 2);
my $cluster = Pimap::RedisCluster->new(t => $t, masters => 2, replicas => 0);
my $uid = 0;

$t->{redis} = $cluster;
$t->nginx()->{http} = 'pimap_redis ' . $cluster->address()
    . ' timeout=4s probe=500ms;';

$t->plan(20);
$cluster->start()->load();
$t->nginx()->start();
ok($t->wait_ready(), 'ready');

my ($one, $two) = $cluster->masters();
my @accounts = ($cluster->accounts_of($one, 3),
    $cluster->accounts_of($two, 1));
my ($account) = @accounts;
my $slot = $cluster->slot_of($account);
my %device = map { $_ => $t->park($_) } @accounts;

$_->read_until(qr/: parked\n.*\n\n/) for values(%device);
$t->subscribed($_) for @accounts;
post($_) for @accounts;
is(uids($device{$_}, 1), $uid - 3 + index_of($_), "$_ has an event")
    for @accounts;


# The migration trap: the log is at the other master, the subscription here.

$cluster->begin_move($slot, $two);
is(late(), 'in time', 'the slot begins to move: the next event');
$cluster->move_keys($slot, $one, $two);

for my $n (1 .. 3) {
    my $began = time();

    is(late($n == 1 ? 'resync' : ()), 'in time',
        "the log has moved, event $n: within two seconds");
    note(sprintf('%.2f s', time() - $began));
}

$cluster->end_move($slot, $one, $two);
ok($t->wait_for(sub { $two->command(qw(PUBSUB SHARDNUMSUB),
    $cluster->channel($account))->[1] == 1 }, 'the subscription'),
    'the slot has moved: the account is subscribed there');
is(late(), 'in time', 'events arrive');


# And back, with its log of now.

$cluster->whole();
$cluster->move($slot, $one);
$cluster->whole();
is(late('resync'), 'in time', 'the slot moves back: within two seconds');
is(late(), 'in time', 'events arrive');


# Back and forth, with events all the time, of all accounts.

my %sent;

for my $round (1 .. 3) {
    for my $to ($two, $one) {
        for my $name (@accounts[0 .. 2]) {
            my $moves = $cluster->slot_of($name);

            $cluster->move($moves, $to);
            push(@{ $sent{$_} }, post($_)) for @accounts;
        }
    }
}

is(lost($_), '', "$_ lacks no event, and has none twice") for @accounts;

ok($t->wait_ready(), 'workers are ready');
is(nodes_away(), 0, 'no node is away');
unlike($t->log(), qr/\[(error|alert|crit)\]/, 'no error is logged');


sub post {
    my ($name) = @_;
    my $answer;

    $uid++;
    $t->wait_for(sub { $answer = $t->publish($name, { event => 'MessageNew',
        uid => $uid }); $answer->{status} == 200 }, 'an answer', 20);

    return $uid;
}

sub late {
    my ($expected) = @_;

    my $id = post($account);
    my $end = time() + LATE + ($ENV{PIMAP_ASAN} ? 2 : 0);
    my $got = uids($device{$account}, 1);

    return "$got, not $id" if $got ne ($expected // $id);

    return time() < $end ? 'in time' : 'too late';
}

# Events that are missing without a resync, or that come twice.

sub lost {
    my ($name) = @_;
    my @sent = (@{ $sent{$name} }, post($name));
    my ($resync, @lost) = (0);

    while (@sent) {
        my $got = uids($device{$name}, 1);

        return "no event after @lost" if $got eq '';

        if ($got eq 'resync') {
            $resync = 1;
            push(@sent, post($name));
            next;
        }

        my ($at) = grep { $sent[$_] == $got } 0 .. $#sent;

        return "$got is twice" if !defined $at;

        push(@lost, @sent[0 .. $at - 1]) if !$resync;
        splice(@sent, 0, $at + 1);
        $resync = 0;
    }

    return "@lost";
}

sub uids {
    my ($s, $n) = @_;
    return join(' ', map { $_->{json}{uid} // $_->{event} } $s->events($n));
}

sub index_of { my ($name) = @_; (grep { $accounts[$_] eq $name } 0 .. 3)[0] }

sub nodes_away {
    my $n = 0;
    $n += $_->{redis}{nodesAway} for @{ $t->status()->{workers} };

    return $n;
}
