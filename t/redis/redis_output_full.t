#!/usr/bin/perl

# Redis does not read: what waits for it has a limit, and the answer to an
# event beyond it says so.  The others are published when Redis reads again.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant { EVENTS => 320, SIZE => 60_000 };     # 16 MiB may wait

my $t = Pimap->new(workers => 1);
my $event = $t->json({ event => 'MessageNew', preview => 'x' x SIZE });

$t->nginx()->{http} = 'pimap_redis unix:' . $t->redis()->socket()
    . ' timeout=60s probe=60s;';
$t->plan(5);
$t->run();
ok($t->wait_ready(), 'ready');

$t->redis()->pause();

my @requests = map { $t->request('POST', '/publish?account=alice',
    body => $event, close => 1) } 1 .. EVENTS;
my $refused = $t->publish('alice', $event);

is($refused->{status}, 503, 'too much waits for Redis: refused');
like($refused->{json}{detail}, qr/^too many commands wait for Redis/,
    '    the answer says why');
$t->redis()->resume();

my %answers;

$answers{ $_->status() }++ for @requests;
is($answers{200} + ($answers{503} // 0), EVENTS,
    'Redis reads again: each request has its answer');
is($t->redis()->command(qw(XLEN pimap:{alice})), $answers{200},
    '    what is published is in the log, once');
