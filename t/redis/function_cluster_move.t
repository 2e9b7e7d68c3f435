#!/usr/bin/perl

# While a slot moves, its accounts get events at the server that has the log.
# A bridge publishes at the server that has all of its keys.  What would add a
# key that the other server may have is refused, so that the move can end.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::RedisCluster;

my $t = Pimap->new();
my $cluster = Pimap::RedisCluster->new(t => $t, masters => 2, replicas => 0);
my $event = { event => 'MessageNew' };
my $moves = 'TRYAGAIN the slot of the account moves';

my %others = (
    post => [$event, '', '', 'key'],
    update_look => [9, 'd', 'u1', '{}'],
    update_record => [9, 'd', 'u1', '{}'],
    result => ['d', 'u1', '{"status":"done"}'],
    revoke => [],
    lease_take => ['b 1', 9000],
    lease_renew => ['b 1', 9000],
    lease_release => ['b 1'],
    bridge_publish => ['b 1', '', '', 'INBOX', 'state'],
);

$t->plan(44 + 3 * keys(%others));
$cluster->start()->load();

my ($one, $two) = $cluster->masters();
my ($alice) = $cluster->accounts_of($one, 1);
my ($slot, $key) = ($cluster->slot_of($alice), $cluster->channel($alice));

# Both accounts are in one slot: an account's tag ends at the first "}".

my $new = "$alice}new";

is($cluster->slot_of($new), $slot, 'two accounts of a slot');

my @source = map { $cluster->log($alice, $event) } 1 .. 3;
my $lease = $cluster->fcall('lease_take', $alice, 'b 1', 60000);

is($lease->[0], 'ok', 'a lease');

# An account that a bridge has published for.

my $mail = "$alice}mail";

$cluster->fcall('lease_take', $mail, 'b 1', 60000);
bridge_publish('b 1', 'INBOX', 'state 1');
$cluster->begin_move($slot, $two);

# All keys are at the source.

like($source[3] = $one->log($alice, $event), qr/-4$/,
    'the source has the log: an event there');
refused($one, $_, 'the source') for sort(keys(%others));
is($one->fcall('last', $alice), $source[3], '    the log is read there');
is(scalar(@{ $one->fcall('read', $alice, 0, 0, 9) }), 10, '    all of it');

# An event that is due for a new time to live.

$one->command('EXPIRE', $key, 100);
like($one->log($alice, $event), qr/-5$/, '    a log that expires soon');
cmp_ok($one->command('TTL', $key), '>', 600_000, '    lives longer then');

# An account without a log is asked for at the target.

like($one->error('FCALL', 'pimap_publish', 1, $cluster->channel($new), '{}'),
    qr/^ASK $slot /, 'an account without a log: the target');
like($cluster->log($new, $event), qr/-2$/, '    its log begins there');
is(asked('FCALL', 'pimap_last', 1, $cluster->channel($new)) =~ /-2$/ ? 1 : 0,
    1, '    and is read there');
is(asked('EXISTS', $cluster->channel($new) . ':epoch'), 0,
    '    the epoch is not written');

# The bridge has all keys at the source, then at both, then at the target.

bridge_works('all keys at the source', 'state 2');
migrate($cluster->channel($mail) . ':lease');
is(bridge_publish('b 1', 'INBOX', 'state 3'), $moves,
    'the lease has moved: a bridge waits');
migrate($cluster->channel($mail));
is(bridge_publish('b 1', 'INBOX', 'state 3'), $moves,
    '    and with the log at the target');
migrate($cluster->channel($mail) . ':bridge');
bridge_works('all keys at the target', 'state 3');
is(bridge_publish('b 1', 'INBOX', ''), '1 0', '    the last mailbox goes');
is(bridge_publish('b 1', 'INBOX', 'state 4'), $moves,
    '    there is no state: a bridge waits');

# The log is at the target, its epoch and the lease are at the source.

migrate($key);
like($one->error('FCALL', 'pimap_publish', 1, $key, '{}'), qr/^ASK $slot /,
    'the log has moved: the target');
refused($cluster, $_, 'the target') for sort(keys(%others));

my $first = $cluster->log($alice, $event);

like($first, qr/^\d{19}-2$/, '    an event there begins another log');
like($cluster->log($alice, $event), qr/-3$/, '    which goes on');
is($cluster->fcall('read', $alice, split(/-/, $source[3]), 9)->[1], 'epoch',
    '    a reader of the former log resyncs');
is(asked('EXISTS', "$key:epoch"), 0, '    the epoch is not written');
cmp_ok(asked('TTL', $key), '<', 604800, '    the log has a time to live');
is($one->command('GET', "$key:epoch"), $source[0] =~ s/-.*//r,
    '    the source has the former epoch');

# Then the rest moves, and nothing is in its way.

is(eval { $cluster->move_keys($slot, $one, $two); 1 } // $@, 1,
    'the other keys move');
refused($cluster, $_, 'all keys at the target') for sort(keys(%others));
$cluster->end_move($slot, $one, $two);

my $last = $cluster->log($alice, $event);

like($last, qr/-4$/, 'the slot has moved: the log goes on');
is($two->command('GET', "$key:epoch"), $last =~ s/-.*//r,
    '    its epoch is written');
cmp_ok($two->command('TTL', $key), '>=', 604800, '    it lives as others');
is(bridge_publish('b 1', 'INBOX', 'state 4'), '1 0',
    '    a bridge publishes as ever');
is($two->fcall('lease_renew', $alice, 'b 1', 9000), 1,
    '    the lease is still held');
is($two->fcall('post', $alice, @{ $others{post} })->[2], 0,
    '    a key is idempotent again');
is($two->fcall('post', $alice, @{ $others{post} })->[2], 1, '    with effect');
is("@{ $two->fcall('update_record', $alice, 9, 'd', 'u1', '{}') }", 1,
    '    an update is recorded');
is($two->fcall('result', $alice, @{ $others{result} })->[2], 0,
    '    and its result');

# A log of another server at the source, which has deleted it.

$cluster->begin_move($slot, $one);
$cluster->other_server($alice);
is($two->error('FCALL', 'pimap_publish', 1, $key, '{"event":"X"}'), $moves,
    'a lost log at the source: refused once');
like($cluster->log($alice, $event), qr/-2$/, '    then the target begins one');


sub refused {
    my ($at, $name, $where) = @_;

    is($at->error('FCALL', "pimap_$name", 1, $key,
        map { ref($_) ? $t->json($_) : $_ } @{ $others{$name} }), $moves,
        "$where: $name is refused");
}


# The holder of the lease publishes, and no other bridge.

sub bridge_works {
    my ($where, $state) = @_;

    is(bridge_publish('b 1', 'INBOX', $state), '1 0', "$where: a bridge");
    is(bridge_publish('b 2', 'INBOX', 'x'), 'PIMAP lease is not held',
        '    not a former session');
    is($cluster->fcall('lease_take', $mail, 'c 1', 9000)->[0], 'held',
        '    not another bridge');
    is($cluster->fcall('lease_renew', $mail, 'b 1', 60000), 1,
        '    which keeps the lease');
    is($cluster->fcall('lease_take', $mail, 'b 1', 60000)->[2], $state,
        '    and has its state');
}


sub bridge_publish {
    my ($lease, $mailbox, $state) = @_;

    my $reply = eval { $cluster->fcall('bridge_publish', $mail, $lease, '',
        '', $mailbox, $state, $event) };

    return $reply ? "@$reply" : $@ =~ s/^redis: |\n//gr;
}


sub asked {
    my @command = @_;

    $two->command('ASKING');

    return $two->command(@command);
}


sub migrate {
    $one->command('MIGRATE', '127.0.0.1', $two->listens(), '', 0, 5000,
        'KEYS', @_);
}
