#!/usr/bin/perl

# Updates of devices in a Redis Cluster: the bridge reads each partition, and
# carries out an update once, also if the stream or the account's slot moves,
# or if its master dies.

use strict;
use warnings;

use JSON::PP qw(decode_json);
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
    redis => 'address = "' . $cluster->address() . '"; timeout = "2s";')
    ->start();

ok($t->wait_for(sub { $bridge->metric('redis_up') == 1 }), 'all is up');

# Accounts whose slots and streams are at different masters.

sub stream { 'pimap:updates:{' . $cluster->slot_of($_[0]) % 16 . '}' }
sub keeper { $cluster->owner($cluster->slot_of_key(stream($_[0]))) }

my ($alice, $bob) = grep { keeper($_) != $cluster->owner($_) }
    map { "u$_" } 1 .. 50;

# As nginx does it, in three steps.

sub update {
    my ($account, $id, %update) = @_;

    my $json = $t->json({ id => $id, %update });
    my $key = $cluster->channel($account);

    $cluster->command(qw(FCALL pimap_update_look 1), $key, 100, 'phone', $id,
        $json);
    $cluster->command(qw(FCALL pimap_update_queue 1), stream($account), 100,
        $account, 'phone', $id, $json);
    $cluster->command(qw(FCALL pimap_update_record 1), $key, 100, 'phone',
        $id, $json);
}

sub box {
    my ($account, $name) = @_;
    update($account, $name, update => 'mailbox', action => 'create',
        mailbox => $name);
}

# The results in the account's log: "id=status", in order.

sub results {
    my ($account, $last) = @_;

    my @results;

    $t->wait_for(sub {
        my $log = eval { $cluster->command('XRANGE',
            $cluster->channel($account), '-', '+') } // [];

        @results = map { "$_->{update}=$_->{status}" }
            grep { $_->{event} eq 'UpdateResult' }
            map { decode_json($_->[1][1]) } @$log;

        @results && $results[-1] =~ /^$last=/;
    }, "the result of $last", 40);

    return "@results";
}

box($_, 'one') for $alice, $bob;
is(results($_, 'one'), 'one=done', "$_: an update is done")
    for $alice, $bob;
ok($t->wait_for(sub { !$cluster->command('XLEN', stream($alice)) }),
    'it is removed from its stream');

box($alice, "n$_") for 1 .. 5;
is(results($alice, 'n5'), 'one=done n1=done n2=done n3=done n4=done n5=done',
    'several of one account are done in order');

# The stream moves while updates come.

my $slot = $cluster->slot_of_key(stream($alice));
my ($to) = grep { $_ != keeper($alice) } $cluster->masters();
my $from = $cluster->begin_move($slot, $to);

box($alice, 'begun');
like(results($alice, 'begun'), qr/ begun=done$/,
    'the stream begins to move: done');
$cluster->move_keys($slot, $from, $to);
box($alice, 'moved');
like(results($alice, 'moved'), qr/ moved=done$/, 'it is at the other: done');
ok($t->wait_for(sub { !$cluster->command('XLEN', stream($alice)) }),
    '    and removed there');
$cluster->end_move($slot, $from, $to);
box($alice, 'settled');
like(results($alice, 'settled'), qr/ settled=done$/, 'it has moved: done');

# The master of the stream dies.

$cluster->fail_over(keeper($bob));
$cluster->whole(20);
box($bob, 'after');
like(results($bob, 'after'), qr/\bafter=done$/, 'its master dies: done');

# The bridge dies with an update, and another one takes it.

$bridge->kill();
box($bob, 'left');

my $second = Pimap::Bridge->new(t => $t, name => 'second',
    server => Pimap::Bridge->master(), redis => $bridge->{redis})->start();

like(results($bob, 'left'), qr/\bleft=done$/, 'another bridge: done');

my @lists = map { $dovecot->imap($_)->command('LIST "" *') } $alice, $bob;

is(scalar(() = "@lists" =~ /\b(?:one|n\d|begun|moved|settled|after|left)\b/g),
    12, 'all mailboxes are there');
ok($second->wait_healthy()->healthy(), 'the other bridge is healthy');
