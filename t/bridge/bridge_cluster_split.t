#!/usr/bin/perl

# A slot stands still on its way to another master.  Mail of an account whose
# keys are at one of them is an event at once.  Mail of an account whose keys
# are at both waits, and comes once and in order as soon as it can.

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
my $cluster = Pimap::RedisCluster->new(t => $t, replicas => 0);

$t->plan(9);
$cluster->start();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none',
    master => 1)->start();
my $bridge = Pimap::Bridge->new(t => $t, server => Pimap::Bridge->master(),
    redis => 'address = "' . $cluster->address() . '"; timeout = "4s";',
    lease => 'time = "60s";', sessions => 'backoff_max = "200ms";')->start();

$t->wait_for(sub { $bridge->metric('redis_up') == 1 });

my ($one, $two) = $cluster->masters();
my ($account) = $cluster->accounts_of($one, 1);
my ($slot, $key) = ($cluster->slot_of($account), $cluster->channel($account));
my $device = $one->connect();

$device->command('SSUBSCRIBE', $key);
$cluster->command('SPUBLISH', 'pimap:presence:{' . $slot % 16 . '}',
    "+ $account");
ok($bridge->watches(1), 'the bridge watches the account');
mail('before');
is(told('before'), 'before', 'mail is an event');

# All keys are at the source, then at the target.

$cluster->begin_move($slot, $two);
mail('source');
is(told('source'), 'before source', 'a slot is about to move: at once');
$cluster->move_keys($slot, $one, $two);
mail('target');
is(told('target'), 'target', 'all keys have moved: at once, in a log anew');
$cluster->end_move($slot, $one, $two);

# The lease is at the other server.  The first mail waits for as long as it
# can, the second one for less.

$cluster->begin_move($slot, $one);
$two->command('MIGRATE', '127.0.0.1', $one->listens(), "$key:lease", 0, 5000);
mail('first');
ok(refused(20), 'keys at two servers: an event is refused');
mail('second');
ok($t->wait_for(sub { $bridge->log() =~ /events were not published/ },
    'an event', 30), '    until the time-out');
is(told('target'), 'target', '    and none is told');
$cluster->move_keys($slot, $two, $one);
$cluster->end_move($slot, $two, $one);
mail('last');
is(told('last'), 'first second last',
    'the slot has moved: each one is told, in order');
ok($t->wait_for(sub { $bridge->metric('accounts_with_session') == 1 }),
    '    and the account is watched');


sub mail { $dovecot->deliver(to => $account, subject => $_[0]) }


# The subjects in the account's log, once the last one is there.

sub told {
    my ($last) = @_;

    my @subjects;

    $t->wait_for(sub {
        my $log = $cluster->command('XRANGE', $key, '-', '+');

        @subjects = map { $_->[1][1] =~ /"subject":"([^"]*)"/ ? $1 : () }
            @$log;
        @subjects && $subjects[-1] eq $last;
    }, "$last of $account", 30);

    return "@subjects";
}


# The server has refused so many calls more.

sub refused {
    my ($n) = @_;

    my $before = tries();

    return $t->wait_for(sub { tries() >= $before + $n }, "$n refusals", 10);
}


sub tries {
    return $two->command(qw(INFO errorstats))
        =~ /errorstat_TRYAGAIN:count=(\d+)/ ? $1 : 0;
}
