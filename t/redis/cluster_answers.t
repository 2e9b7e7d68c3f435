#!/usr/bin/perl

# A node of a cluster answers a command for several channels with one error, at
# each place of the commands that a worker sends after a reconnect; or it
# unsubscribes channels by itself.  All accounts are subscribed again soon, and
# the connection stays unless the answer makes no sense.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::FakeCluster;

my $t = Pimap->new(allow => qr/pimap (?:lost|cannot connect)/);
my $fake = Pimap::FakeCluster->new(t => $t, nodes => 2);

# Three accounts of each of two slots of the second node, and one of the first.

my @one = qw(u879 u13690 u19875);       # 10572
my @two = qw(u878 u13691 u19874);       # 14701
my $other = 'u868';                     # 2652
my @all = ($other, @one, @two);
my %slot = map { $_ => $fake->slot_of($_) } @all;
my $moved = "-MOVED $slot{u879} 127.0.0.1:" . $fake->number(1) . "\r\n";
my $uid = 0;

# An error of the first command with the channel, and whether the connection
# ends.  (MOVED is a lie: the topology says something else.)

my @errors = (
    ['MOVED', $moved],
    ['MOVED to itself', $moved =~ s/:\d+/':' . $fake->number(2)/er],
    ['MOVED without a host', $moved =~ s/127.0.0.1//r],
    ['MOVED to an unknown host', $moved =~ s/127.0.0.1/?/r],
    ['MOVED to nowhere', "-MOVED $slot{u879} 127.0.0.1:1\r\n"],
    ['ASK', $moved =~ s/MOVED/ASK/r],
    ['TRYAGAIN', "-TRYAGAIN Multiple keys request during rehashing\r\n"],
    ['CLUSTERDOWN', "-CLUSTERDOWN Hash slot not served\r\n"],
    ['LOADING', "-LOADING Redis is loading the dataset in memory\r\n"],
    ['CROSSSLOT', "-CROSSSLOT Keys in request don't hash\r\n", 1],
    ['NOPERM', "-NOPERM no channels\r\n", 1],
);

$t->{redis} = $fake;
$t->nginx()->{http} = 'pimap_redis ' . $fake->address()
    . ' timeout=2s probe=500ms;';

$t->plan(4 * 3 * @errors + 4 + 2);
$fake->set(slots => { 1 => [[0, 8191]], 2 => [[8192, 16383]] });
$fake->start();
$t->nginx()->start();
ok($t->wait_ready(), 'ready');

my %device = map { $_ => $t->park($_) } @all;

$_->read_until(qr/: parked\n.*\n\n/) for values(%device);
settled('at first');

for my $case (@errors) {
    my ($name, $error, $ends) = @$case;

    for my $account ($one[0], $two[0]) {
        hurt("$name, $account", $ends, [2, "SSUBSCRIBE .*\\{$account\\}",
            $error =~ s/ \d+ / $slot{$account} /r, 1]);
    }

    # the channel of the probes is the first one

    my ($own) = reverse($t->read_file($t->dir() . '/fake.notes')
        =~ /^2 SSUBSCRIBE (pimap:probe:\S+)$/mg);
    my $number = $fake->slot_of_key($own);

    hurt("$name, probe", $ends, [2, 'SSUBSCRIBE pimap:probe:',
        $error =~ s/ \d+ / $number /r, 1]);
}


# Unasked.

for my $channels ([$one[0]], [@one, @two], ['nobody'], [reverse(@all)]) {
    $fake->push(2, join('', map { "*3\r\n\$12\r\nsunsubscribe\r\n"
        . $fake->bulk("pimap:{$_}") . ":0\r\n" } @$channels));
    settled("unasked: @$channels");
}


# After the loss of its connections.

sub hurt {
    my ($name, $ends, @rules) = @_;

    my $accepts = $fake->noted('2 accept');
    my $errors = $fake->noted('2 rule');

    $fake->set(rules => \@rules);
    $fake->push(2, undef);
    ok($t->wait_for(sub { $fake->noted('2 rule') > $errors }, 'the error'),
        "$name: the error comes");
    settled($name);

    my $probes = $fake->noted('2 SPUBLISH pimap:probe:.*');

    ok($t->wait_for(sub { $fake->noted('2 SPUBLISH pimap:probe:.*') > $probes
        && !$t->worker_status()->{redis}{nodesAway} }, 'a probe'),
        "$name: no node is away");
    is($fake->noted('2 accept') > $accepts + 1 ? 1 : 0, $ends // 0,
        "$name: " . ($ends ? 'the connection ends' : 'it stays'));
    $fake->set(rules => []);
}


# All accounts are subscribed, and have an event.

sub settled {
    my ($name) = @_;

    $t->wait_for(sub { $t->worker_status()->{redis}{subscribed} == @all },
        'subscriptions');

    my @lack = grep { !$t->delivers($_, $device{$_}, ++$uid) } @all;

    is("@lack", '', "$name: each account has an event");
}
