#!/usr/bin/perl

# Redis restarts while many accounts are parked: all are subscribed again, in
# batches, and each gets its event.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

# Each device is an open file of the test and one of a worker.
BEGIN {
    if (!$ENV{PIMAP_MANY}) {
        $ENV{PIMAP_MANY} = 1;
        exec('sh', '-c', 'ulimit -n 4096 2>/dev/null; exec "$@"', 'sh', $^X,
            "$FindBin::Bin/$FindBin::Script");
    }
}

use lib 'lib';
use Pimap;

my ($limit) = qx(sh -c 'ulimit -n') =~ /(\d+)/;
my $devices = $limit && $limit < 2100 ? $limit - 100 : 2000;

my $t = Pimap->new(workers => 2, log => 'notice',
    http => 'pimap_ping 0;', allow => qr/\[crit\].* connect\(\) to unix:/);
my $redis = $t->redis();

$t->plan(12);
$t->run();

diag("only $devices devices: \"ulimit -n\" is $limit") if $devices < 2000;

my @s = map { $t->park("alice$_", query => 'ping=0') } 1 .. $devices;

is(scalar(grep { $_->read_until(qr/: parked\n.*\n\n/) } @s), $devices,
    "$devices parked");

sub all_subscribed {
    my $status = $t->status();
    my $n = 0;

    $n += $_->{redis}{subscribed} for @{ $status->{workers} };

    return $n == $devices;
}

# Pipelined, so that the round trips to Redis take little time.

sub publish_all {
    my ($name) = @_;

    my $client = $redis->connect();
    my $heard = 0;

    for my $first (map { 1 + 100 * $_ } 0 .. ($devices - 1) / 100) {
        my $last = $first + 99 < $devices ? $first + 99 : $devices;

        $client->send('PUBLISH', "pimap:{alice$_}",
            qq({"event":"$name","uid":$_})) for $first .. $last;
        $heard += $client->reply() for $first .. $last;
    }

    return $heard;
}

# How many devices got it, up to the first that did not.

sub delivered {
    my ($name) = @_;

    for my $n (1 .. $devices) {
        my $event = $s[$n - 1]->event();

        return $n - 1 if !$event || $event->{event} ne $name
            || $event->{json}{uid} != $n;
    }

    return $devices;
}

ok($t->wait_for(\&all_subscribed, 'subscriptions'), 'all subscribed');
is(publish_all('MessageNew'), $devices, 'each account has one subscriber');
is(delivered('MessageNew'), $devices, 'each device gets its event');

$redis->kill();
ok($t->wait_away(), 'killed');
is($t->status()->{parked}, $devices, 'all stay parked');

$redis->start();
ok($t->wait_ready(), 'ready, so all are subscribed');
ok(all_subscribed(), 'all subscribed again');

# The number of SUBSCRIBE commands.

my $stats = $redis->command('INFO', 'commandstats');
my ($commands) = $stats =~ /^cmdstat_subscribe:calls=(\d+)/m;

cmp_ok($commands, '>=', $devices / 64, 'batches of at most 64');
cmp_ok($commands, '<=', $devices / 64 + 8, 'batches are full');

is(publish_all('FlagsSet'), $devices, 'each account has one subscriber again');
is(delivered('FlagsSet'), $devices, 'each device gets the next event');
