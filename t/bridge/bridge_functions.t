#!/usr/bin/perl

# The Redis functions of the bridge. A lease has one holder at a time. Only the
# holder of the lease publishes events, together with the state of their
# mailbox.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
$t->plan(41);

my $redis = $t->redis()->start()->load();

sub fcall { return $redis->fcall(@_) }
sub error { return $redis->error('FCALL', "pimap_$_[0]", 1,
    $redis->channel($_[1]), @_[2 .. $#_]) }

# Leases

is_deeply(fcall(lease_take => 'alice', 'a-1 1', 60000), ['ok'],
    'a free lease is taken');
my $held = fcall(lease_take => 'alice', 'b-1 1', 60000);
is_deeply([@$held[0, 1]], ['held', 'a-1'],
    'a held lease is not taken by another bridge');
ok($held->[2] > 50000 && $held->[2] <= 60000,
    '    the answer says for how long it is held');
is(fcall(lease_renew => 'alice', 'a-1 1', 60000), 1,
    'the holder renews the lease');
is(fcall(lease_renew => 'alice', 'b-1 1', 60000), 0,
    'another bridge does not renew it');
is(fcall(lease_renew => 'alice', 'a-1 2', 60000), 0,
    'another session does not renew it');
is_deeply(fcall(lease_take => 'alice', 'a-1 2', 60000), ['ok'],
    'the next session of the same bridge takes it');
is(fcall(lease_renew => 'alice', 'a-1 1', 60000), 0,
    '    the earlier session does not renew it');
is(fcall(lease_release => 'alice', 'a-1 1'), 0,
    '    the earlier session does not release it');
is(fcall(lease_release => 'alice', 'a-1 2'), 1,
    'the holder releases the lease');
is_deeply(fcall(lease_take => 'alice', 'b-1 1', 100), ['ok'],
    'a released lease is taken');
ok($t->wait_for(sub {
    fcall(lease_take => 'alice', 'c-1 1', 60000)->[0] eq 'ok'
}, 'end of a lease'), 'a lease ends after its time');

like(error(lease_take => 'alice', 'c-1', 100), qr/^PIMAP bad arguments/,
    'a holder without a generation: refused');
like(error(lease_take => 'alice', 'c-1 1', 0), qr/^PIMAP bad arguments/,
    'without a time: refused');
like(error(lease_take => 'alice', 'c-1 1', 600001),
    qr/^PIMAP bad arguments/, 'a time over the limit: refused');
like($redis->error('FCALL', 'pimap_lease_take', 1, 'alice', 'c-1 1', 1),
    qr/^PIMAP bad key/, 'a bad key: refused');

# Events with a state

my @events = map { $t->json({ event => 'MessageNew', uid => $_ }) } 1, 2;
my @one = ('c-1 1', 1000, 3600, 'INBOX', '{"uidnext":3}');

is_deeply(fcall(bridge_publish => 'alice', @one, @events), [2, 0],
    'the holder publishes events');
is(scalar(@{ fcall(read => 'alice', 0, 0, 10) }), 6,
    '    the events are in the log');
is_deeply(fcall(lease_take => 'alice', 'c-1 2', 60000),
    ['ok', 'INBOX', '{"uidnext":3}'], '    the next holder gets the state');
like(error(bridge_publish => 'alice', @one, @events), qr/^PIMAP lease/,
    'an earlier session does not publish');
is(scalar(@{ fcall(read => 'alice', 0, 0, 10) }), 6,
    '    nothing is added to the log');

$one[0] = 'c-1 2';
is_deeply(fcall(bridge_publish => 'alice', @one[0 .. 3], '{"uidnext":4}'),
    [0, 0], 'a state without events is stored');
is_deeply(fcall(bridge_publish => 'alice', @one, '{"event":"open"}', 'x',
    $events[0]), [2, 1], 'an entry that is no object is left out');
is(fcall(bridge_publish => 'alice', @one[0 .. 2], 'Gone', '1')->[0], 0,
    'another mailbox has its own state');
fcall(bridge_publish => 'alice', @one[0 .. 2], 'Gone', '');
is_deeply(fcall(lease_take => 'alice', 'c-1 3', 60000),
    ['ok', 'INBOX', '{"uidnext":3}'], '    an empty state removes it');
ok($redis->command('TTL', 'pimap:{alice}:bridge') > 80 * 86400,
    'states expire');
like(error(bridge_publish => 'alice', 'c-1 3', 1000), qr/bad arguments/,
    'too few arguments: refused');
like(error(bridge_publish => 'alice', 'c-1 3', 0, 1, 'INBOX', '1',
    $events[0]), qr/out of range/, 'a bad length of the log: refused');

# The list of bridges

my @there = ('FCALL', 'pimap_bridges', 1, 'pimap:bridges');

$redis->command(@there, 'a-1', 60000);
is_deeply([sort @{ $redis->command(@there, 'b-1', 60000) }], ['a-1', 'b-1'],
    'two bridges see each other');
is_deeply($redis->command(@there, 'a-1', 0), ['b-1'],
    'a bridge leaves: the other bridge is left');
$redis->command(@there, 'c-1', 50);
ok($t->wait_for(sub { "@{ $redis->command(@there, 'b-1', 60000) }" eq 'b-1' },
    'its end'), 'a bridge that has died is not in the list after its time');
like($redis->error(@there, 'a 1', 1), qr/bad arguments/,
    'a bad name: refused');
like($redis->error(@there, 'a-1', $_), qr/bad arguments/,
    "a bad time, $_: refused") for '0x10', 'nan', '-1', '600001', '';

# A full Redis: what a bridge holds, it keeps

$redis->command(qw(CONFIG SET maxmemory 1));
is($redis->error('FCALL', 'pimap_lease_take', 1, 'pimap:{full}', 'c-1 1',
    60000) =~ /^OOM/, 1, 'no memory: no new lease');
is(fcall(lease_renew => 'alice', 'c-1 3', 60000), 1, '    one is renewed');
is_deeply($redis->command(@there, 'b-1', 60000), ['b-1'],
    '    a bridge stays in the list');
is(fcall(lease_release => 'alice', 'c-1 3'), 1, '    a lease is given back');
$redis->command(qw(CONFIG SET maxmemory 0));
