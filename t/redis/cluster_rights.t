#!/usr/bin/perl

# A user of a cluster without the right to ask for slots on their way is one
# line in the log.  One that may ask for masters by CLUSTER SLOTS only has all
# else.  One that may not ask for masters at all is not ready, and the status
# says why.  Slots without a master are one line, too.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::RedisCluster;

my $t = Pimap->new();
my $blind = Pimap->new();
my $cluster = Pimap::RedisCluster->new(t => $t, replicas => 0, masters => 2,
    options => ['cluster-require-full-coverage no'],
    users => ['half on >secret ~* &* +@all -cluster|nodes -cluster|shards',
        'blind on >secret ~* &* +@all -cluster|shards -cluster|slots']);

for ([$t, 'half'], [$blind, 'blind']) {
    my ($test, $user) = @$_;

    $test->{redis} = $cluster;
    $test->nginx()->{http} = 'pimap_redis ' . $cluster->address()
        . " user=$user password=secret timeout=1s probe=200ms;";
}

$t->plan(8);
$cluster->start()->load();
$_->nginx()->start() for $t, $blind;
ok($t->wait_ready(), 'without CLUSTER NODES: ready');

my ($one, $two) = $cluster->masters();
my ($alice, $bob) = map { $cluster->accounts_of($_, 1) } $one, $two;
my %device = map { $_ => $t->park($_) } $alice, $bob;

$_->read_until(qr/: parked\n.*\n\n/) for values(%device);
$t->subscribed($_) for $alice, $bob;
ok($t->wait_for(sub { refused($one) >= 5 }, 'refusals'),
    '    it is refused again and again');
is(scalar(my @lines = $t->log_lines(qr/slots on their way: NOPERM/)), 1,
    '    one line');
is($t->publish($alice, { event => 'MessageNew' })->{status}, 200,
    '    an event');

my $answer = $blind->get('/status?ready');

is($answer->{status}, 503, 'without CLUSTER SHARDS: not ready');
ok($blind->wait_for(sub { $blind->get('/status?ready')->{body} =~ /NOPERM/ },
    'a reason'), '    the status says why');


# A slot without a master.

my $slot = $cluster->slot_of($bob);

$_->command(qw(CLUSTER DELSLOTS), $slot) for $two, $one;
ok($t->wait_for(sub { $t->log_lines(
    qr/pimap: 1 of 16384 slots .* have no master/) }, 'a line'),
    'a slot has no master: a line says so');
$two->command(qw(CLUSTER ADDSLOTS), $slot);
ok($t->wait_for(sub { $t->publish($bob, { event => 'MessageNew' })->{status}
    == 200 && $cluster->numsub($bob) }, 'an event'),
    '    it has one again: an event, and the subscription');


sub refused {
    my ($node) = @_;

    my ($n) = $node->command(qw(INFO commandstats))
        =~ /^cmdstat_cluster\|nodes:.*rejected_calls=(\d+)/m;

    return $n // 0;
}
