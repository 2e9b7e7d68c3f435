#!/usr/bin/perl

# A Redis without memory does not take the functions: publishers and devices
# with updates are told so, and not that Redis is away.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();

$t->plan(6);
$t->redis(options => ['maxmemory 100kb', 'maxmemory-policy noeviction'])
    ->start();
$t->run();

my $event = { event => 'Test' };
my $update = [{ id => '1', update => 'x' }];
my $full = qr/^Redis has not taken the functions yet/;

ok($t->wait_for(sub {
    ($t->publish('alice', $event)->{json}{detail} // '') =~ $full
}, 'the answer'), 'publish: Redis is full');
is($t->publish('alice', $event)->{status}, 503, '    the status is 503');

my $refused = $t->update('alice', $update, device => 'd');

is($refused->{status}, 503, 'update: 503');
like($refused->{json}{detail}, $full, '    likewise');

$t->redis()->command(qw(CONFIG SET maxmemory 0));
ok($t->wait_for(sub { $t->publish('alice', $event)->{status} == 200 },
    'success'), 'with memory, publish succeeds');
is($t->update('alice', $update, device => 'd')->{status}, 202,
    '    and update');
