#!/usr/bin/perl

# A reload hands parked devices over to the new workers: nothing is closed, and
# each event comes once and in order, with a log and without.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2, mode => 'pimap_hibernate on;');
my $redis = $t->redis();
my $uid = 0;

$t->plan(40);
$t->run();
$t->wait_ready();

my %s;

for my $transport (qw(http https)) {
    $s{"$transport $_"} = $t->park("user$_", transport => $transport,
        query => "device=$transport") for 1 .. 10;
}

$_->read_until(qr/: parked\n\n/) for values(%s);
$t->wait_for(sub { my $d = $t->status()->{devices};
    $d->{detached} == 10 && $d->{hibernated} == 10 }, 'detached');

for my $round (1 .. 3) {
    my @pids = $t->workers();

    $t->reload();
    ok($t->wait_for(sub { !grep { -e "/proc/$_" } @pids }), "$round: old gone");
    is($t->status()->{parked}, 20, "$round: all are there");
    is($t->status()->{taken}, 20 * $round, "$round: handed over");
    is($t->status()->{connects}, 20, "$round: none came back");

    for my $i (1 .. 10) {
        $redis->log("user$i", { event => 'MessageNew', uid => ++$uid });
        $redis->publish("user$i", { event => 'FlagsSet', uid => ++$uid });
    }

    my $got = 0;
    for my $name (sort(keys(%s))) {
        my ($i) = $name =~ /(\d+)$/;
        my @e = map { $s{$name}->event() // {} } 1, 2;
        my $first = ($round - 1) * 20 + 2 * $i - 1;
        $got++ if join(' ', map { $_->{json}{uid} // '-' } @e) eq "$first " . ($first + 1);
    }
    is($got, 20, "$round: all got both");
}
diag(grep { /pimap/ } map { "$_\n" } split(/\n/, $t->log())) if $ENV{V};
