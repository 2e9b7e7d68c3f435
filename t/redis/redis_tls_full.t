#!/usr/bin/perl

# Redis by TLS: what the socket does not take is sent when Redis reads again,
# also if more commands have come meanwhile.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant EVENTS => 200;

my $t = Pimap->new(workers => 1);
my $redis = $t->redis(port => 1, tls => 1);
my ($certificate) = $t->certificate();
my $large = $t->json({ event => 'MessageNew', preview => 'x' x 60_000 });

$t->nginx()->{http} = 'pimap_redis rediss://127.0.0.1:'
    . $t->port('redis-tls') . " ca=$certificate timeout=60s probe=60s;";
$t->plan(3);
$t->run();
ok($t->wait_ready(), 'ready');

$redis->pause();

# in turns of their own, so that the socket is full before the last ones

my @requests = map {
    select(undef, undef, undef, 0.005);
    $t->request('POST', '/publish?account=alice', body => $large, close => 1)
} 1 .. EVENTS;

$redis->resume();

my %answers;

$answers{ $_->status() }++ for @requests;
is_deeply(\%answers, { 200 => EVENTS }, 'all are published');
is($redis->command(qw(XLEN pimap:{alice})), EVENTS, 'and in the log, once');
