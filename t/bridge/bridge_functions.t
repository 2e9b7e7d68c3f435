#!/usr/bin/perl

# The functions that bridges use: leases that one has at a time, and events
# that are published with the state of their mailbox, by who has the lease.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
$t->plan(31);

my $redis = $t->redis()->start()->load();

sub fcall { return $redis->fcall(@_) }
sub error { return $redis->error('FCALL', "pimap_$_[0]", 1,
    $redis->channel($_[1]), @_[2 .. $#_]) }

# Leases

is_deeply(fcall(lease_take => 'alice', 'a-1 1', 60000), ['ok'], 'taken');
my $held = fcall(lease_take => 'alice', 'b-1 1', 60000);
is_deeply([@$held[0, 1]], ['held', 'a-1'], 'not by another one');
ok($held->[2] > 50000 && $held->[2] <= 60000, 'who is told for how long');
is(fcall(lease_renew => 'alice', 'a-1 1', 60000), 1, 'renewed');
is(fcall(lease_renew => 'alice', 'b-1 1', 60000), 0, 'not by another one');
is(fcall(lease_renew => 'alice', 'a-1 2', 60000), 0, 'or another session');
is_deeply(fcall(lease_take => 'alice', 'a-1 2', 60000), ['ok'],
    'the next session of the same bridge');
is(fcall(lease_renew => 'alice', 'a-1 1', 60000), 0, 'ends the earlier one');
is(fcall(lease_release => 'alice', 'a-1 1'), 0, 'which has nothing to give');
is(fcall(lease_release => 'alice', 'a-1 2'), 1, 'given back');
is_deeply(fcall(lease_take => 'alice', 'b-1 1', 100), ['ok'], 'free');
ok($t->wait_for(sub {
    fcall(lease_take => 'alice', 'c-1 1', 60000)->[0] eq 'ok'
}, 'end of a lease'), 'it ends by itself');

like(error(lease_take => 'alice', 'c-1', 100), qr/^PIMAP bad arguments/,
    'no generation');
like(error(lease_take => 'alice', 'c-1 1', 0), qr/^PIMAP bad arguments/,
    'no time');
like(error(lease_take => 'alice', 'c-1 1', 600001), qr/out of range/,
    'too much of it');
like($redis->error('FCALL', 'pimap_lease_take', 1, 'alice', 'c-1 1', 1),
    qr/^PIMAP bad key/, 'a bad key');

# Events with a state

my @events = map { $t->json({ event => 'MessageNew', uid => $_ }) } 1, 2;
my @one = ('c-1 1', 1000, 3600, 'INBOX', '{"uidnext":3}');

is_deeply(fcall(bridge_publish => 'alice', @one, @events), [2, 0],
    'published');
is(scalar(@{ fcall(read => 'alice', 0, 0, 10) }), 6, 'they are in the log');
is_deeply(fcall(lease_take => 'alice', 'c-1 2', 60000),
    ['ok', 'INBOX', '{"uidnext":3}'], 'the state is there for the next one');
like(error(bridge_publish => 'alice', @one, @events), qr/^PIMAP lease/,
    'an earlier session publishes nothing');
is(scalar(@{ fcall(read => 'alice', 0, 0, 10) }), 6, 'nothing');

$one[0] = 'c-1 2';
is_deeply(fcall(bridge_publish => 'alice', @one[0 .. 3], '{"uidnext":4}'),
    [0, 0], 'a state alone');
is_deeply(fcall(bridge_publish => 'alice', @one, '{"event":"open"}', 'x',
    $events[0]), [1, 2], 'what is no event is left out');
is(fcall(bridge_publish => 'alice', @one[0 .. 2], 'Gone', '1')->[0], 0,
    'another mailbox');
fcall(bridge_publish => 'alice', @one[0 .. 2], 'Gone', '');
is_deeply(fcall(lease_take => 'alice', 'c-1 3', 60000),
    ['ok', 'INBOX', '{"uidnext":3}'], 'is forgotten');
ok($redis->command('TTL', 'pimap:{alice}:bridge') > 80 * 86400,
    'states end, too');
like(error(bridge_publish => 'alice', 'c-1 3', 1000), qr/bad arguments/,
    'too few arguments');
like(error(bridge_publish => 'alice', 'c-1 3', 0, 1, 'INBOX', '1',
    $events[0]), qr/out of range/, 'a bad length of the log');

# Who is there

my @there = ('FCALL', 'pimap_bridges', 1, 'pimap:bridges');

$redis->command(@there, 'a-1', 60000);
is_deeply([sort @{ $redis->command(@there, 'b-1', 60000) }], ['a-1', 'b-1'],
    'two bridges');
is_deeply($redis->command(@there, 'a-1', 0), ['b-1'], 'one leaves');
like($redis->error(@there, 'a 1', 1), qr/bad arguments/, 'a bad name');
