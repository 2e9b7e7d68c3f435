#!/usr/bin/perl

# Devices that come in any number leave connections for Redis and the status
# page.  A worker that loses Redis meanwhile reaches it again.  The log says
# once that no more devices are parked.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(mode => '', connections => 40, log => 'notice',
    allow => qr/connect\(\) to|recv\(\) failed/);
my $redis = $t->redis();
my (@s, $n);

# Tries to park this number of devices, and keeps those that are parked.

sub try {
    my ($tries) = @_;

    for (1 .. $tries) {
        my $s = $t->park('user' . ++$n);

        push(@s, $s) if $s->read_until(qr/: (parked|retry)\n.*\n\n/)
            =~ /parked/;
    }

    return scalar(@s);
}

$t->plan(12);
$t->run();
$t->wait_ready();

my $most = try(60);

cmp_ok($most, '>', 10, 'devices are parked');
cmp_ok($most, '<', 32, 'not on all connections');
is($t->status()->{refused}, 60 - $most, 'others are told to come back');
is(scalar($t->log_lines(qr/no more devices are parked: this worker/)), 1,
    'the log says it once');

# Redis' own connections are free now.

$redis->stop();
ok($t->wait_away(), 'Redis is away');
try(20);
cmp_ok($t->status()->{parked}, '>=', $most, 'the status page answers');
$redis->start();
ok($t->wait_ready(), 'Redis is back: the worker reaches it');
ok($t->subscribed('user1'), 'and is subscribed');
$redis->publish('user1', { event => 'QuotaExceed' });
is(($s[0]->event() // {})->{event}, 'QuotaExceed', 'devices get events');
is($t->publish('user2', { event => 'QuotaExceed' })->{status}, 200,
    'publishing works');

# A place is free again, and lost again.

$_->close() for splice(@s, -15);
$t->wait_for(sub { $t->status()->{parked} == @s });
ok(try(1) > 0 && $s[-1]->status() == 200, 'devices left: another is parked');
try(40);
is(scalar($t->log_lines(qr/no more devices are parked: this worker/)), 2,
    'the log says it again');
