#!/usr/bin/perl

# One master of a cluster is away, and has no replica: its accounts wait, and
# all others do not.  Mail of that time comes when it is back, or when it hangs
# no longer.  Nodes are named by host names.

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
my $cluster = Pimap::RedisCluster->new(t => $t, replicas => 0,
    hostname => 'localhost',
    options => ['cluster-require-full-coverage no']);

# A node that is killed has its data when it is back.

push(@{ $_->{options} }, 'appendonly yes', "appenddirname $_->{name}-log")
    for $cluster->nodes();

$t->plan(16);
$cluster->start();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none',
    master => 1)->start();
my $bridge = Pimap::Bridge->new(t => $t, server => Pimap::Bridge->master(),
    redis => 'address = "' . $cluster->address() . '"; timeout = "1s";',
    sessions => 'backoff_max = "500ms";')->start();

sub slots {
    my ($n) = @_;
    return $t->wait_for(sub { $bridge->metric('redis_slots') == $n },
        "$n slots");
}

ok(slots(16384), 'all masters work');

my @masters = $cluster->masters();
my ($here, $there) = map { $cluster->accounts_of($_, 1) } @masters[0, 1];
my %device;

sub park {
    my ($account) = @_;

    $device{$account} = $cluster->owner($account)->connect();
    $device{$account}->command('SSUBSCRIBE', $cluster->channel($account));
    $cluster->command('SPUBLISH', 'pimap:presence:{'
        . $cluster->slot_of($account) % 16 . '}', "+ $account");
}

sub has {
    my ($account, $subject) = @_;

    return $t->wait_for(sub {
        my $log = eval { $cluster->command('XRANGE',
            $cluster->channel($account), '-', '+') } // [];

        1 == grep { $_->[1][1] =~ /"subject":"\Q$subject\E"/ } @$log;
    }, "$subject of $account", 40);
}

park($_) for $here, $there;
ok($bridge->watches(2), 'a device at each of two masters');

for my $how (qw(dead hangs)) {
    my $node = $cluster->owner($there);

    $how eq 'dead' ? $node->kill() : $node->pause();
    ok(slots(16384 - 5461), "$how: the slots of two masters work");
    ok($bridge->healthy(), "$how: the bridge is healthy");

    $dovecot->deliver(to => $_, subject => $how) for $here, $there;
    ok(has($here, $how), "$how: the other account gets its mail");

    unlike($bridge->log(), qr/connected again/, 'dead: it is not over')
        if $how eq 'dead';

    $how eq 'dead' ? $node->start() : $node->resume();
    ok(slots(16384), "$how: it is back, and all slots work");
    park($there);
    ok(has($there, $how), "$how: mail of that time comes once");
    ok(over(), "$how: each outage in the log has an end");
}

# A server that hangs for a short time loses no connection.

ok(outages() >= 1 && outages() <= 2, 'a line for each outage')
    or diag($bridge->log());


sub outages { return scalar(() = $bridge->log() =~ /\[error\].*redis \(/g) }


sub over {
    return $t->wait_for(sub { outages()
        == (() = $bridge->log() =~ /redis: connected again/g) }, 'the end');
}
