#!/usr/bin/perl

# Nodes announce host names, which nginx's resolver finds, and want a password.
# Other nodes announce no endpoint: their address is the one that was asked.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dns;
use Pimap::RedisCluster;

my $t = Pimap->new();
my $other = Pimap->new();
my $dns = Pimap::Dns->new(t => $t, name => 'dns', mode => '127.0.0.1');
my $named = Pimap::RedisCluster->new(t => $t, replicas => 0, masters => 2,
    hostname => 'n%d.example', password => 'hidden');
my $nameless = Pimap::RedisCluster->new(t => $other, replicas => 0,
    masters => 2,
    options => ['cluster-preferred-endpoint-type unknown-endpoint']);

$t->{redis} = $named;
$other->{redis} = $nameless;

$t->nginx()->{http} = 'resolver 127.0.0.1:' . $t->port('dns') . ' ipv6=off;'
    . "\npimap_redis " . $named->address(1) . ' password=hidden'
    . ' probe=500ms timeout=4s;';
$other->nginx()->{http} = 'pimap_redis ' . $nameless->address(1)
    . ' probe=500ms timeout=4s;';

$t->plan(8);
$dns->start();

for (['host names', $t, $named], ['no endpoint', $other, $nameless]) {
    my ($name, $test, $cluster) = @$_;

    $cluster->start();
    $test->nginx()->start();
    ok($test->wait_ready(), "$name: ready");

    my @accounts = map { $cluster->accounts_of($_, 1) } $cluster->masters();
    my %device = map { $_ => $test->park($_) } @accounts;

    $_->read_until(qr/: parked\n.*\n\n/) for values(%device);
    is(scalar(grep { $test->subscribed($_) } @accounts), 2,
        "$name: accounts of both masters are subscribed");

    for my $account (@accounts) {
        $test->publish($account, { event => 'MessageNew', uid => 1 });
        is(($device{$account}->event() // {})->{json}{uid}, 1,
            "$name: $account has its event");
    }
}
