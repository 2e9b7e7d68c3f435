#!/usr/bin/perl

# The functions in a cluster: an event reaches the subscribers of its slot,
# keys of two slots are refused, and updates are added in three calls.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::RedisCluster;

my $t = Pimap->new();
my $cluster = Pimap::RedisCluster->new(t => $t, masters => 2, replicas => 1);
my $event = '{"event":"MessageNew"}';

$t->plan(34);
$cluster->start()->load();

my ($one, $two) = $cluster->masters();
my ($alice) = $cluster->accounts_of($one, 1);
my $key = $cluster->channel($alice);

# Publishing.

my ($sharded, $plain) = map { $one->connect() } 1, 2;

$sharded->command('SSUBSCRIBE', $key);
$plain->command('SUBSCRIBE', $key);

my ($id, $receivers) = @{ $cluster->fcall('post', $alice, $event) };

is($receivers, 1, 'an event reaches the subscriber of the slot');
like($sharded->reply()->[2], qr/^\Q$id\E@\d+ \Q$event\E$/, '    with its id');
is($plain->reply(0.3), undef, '    and no other');
is($cluster->fcall('revoke', $alice), 1, 'a revocation reaches it, too');
like($sharded->reply()->[2], qr/^!revoke \d+$/, '    as a message');
is($cluster->fcall('result', $alice, 'd', 'u1', '{"status":"done"}')->[1], 1,
    'and the event of a result');
like($sharded->reply()->[2], qr/"update":"u1"/, '    as a message');

# The hot path has as many commands as with one Redis.

my $monitor = $one->connect();

my (undef, $quick) = $cluster->accounts_of($one, 2);

$monitor->command('MONITOR');

# The first of two, and one after ten milliseconds, needs INFO, too.

ok($t->wait_for(sub {
    $cluster->log($quick, $event) for 1, 2;

    my $commands = '';

    while (my $line = $monitor->reply(0.5)) {
        $commands .= "$1 " if $line =~ /lua\] "(\w+)"/;
    }

    return $commands =~ /PTTL PEXPIRETIME XADD SPUBLISH $/
        || diag($commands) && 0;
}, 'an event without INFO'), 'the commands of an event');

my ($replica) = $cluster->replicas_of($one);
my $reader = $replica->connect();

$replica->synced($one);
$reader->command('READONLY');
is($reader->command('FCALL_RO', 'pimap_read', 1, $key, 0, 0, 9)->[2], $id,
    'a replica reads the log');

# A server of the cluster that does not have the slot, or may not write.

my $slot = $cluster->slot_of($alice);

is($two->error('FCALL', 'pimap_publish', 1, $key, $event),
    "MOVED $slot " . $one->endpoint(), 'another master redirects');
is($replica->error('FCALL', 'pimap_publish', 1, $key, $event),
    "MOVED $slot " . $one->endpoint(), 'a replica redirects');
is($one->error('FCALL', 'pimap_update', 2, $key, 'pimap:updates', 9, 'd', 'u2',
    '{}'), q(CROSSSLOT Keys in request don't hash to the same slot),
    'the stream of all accounts: refused');
is($one->error('FCALL', 'pimap_update', 1, $key, 9, 'd', 'u2', '{}'),
    'PIMAP bad key: P:{A} P:updates is expected, and A can\'t begin with "}"',
    '    without it, too');

# The right to publish.

for my $node ($one, $two) {
    $node->command('ACL', 'SETUSER', 'mute', qw(on nopass ~* resetchannels
        +@all));
    $node->command('ACL', 'SETUSER', 'speaker', 'on', 'nopass', '~*',
        'resetchannels', "&$key", '+@all');
}

is(as_user('mute'), 'NOPERM no permission to SPUBLISH on the channel',
    'a user without the channel: refused');
is($cluster->command('XLEN', $key), 2, '    the log has no such event');
is(as_user('speaker'), undef, 'a user with the channel: published');

$_->command('ACL', 'SETUSER', 'speaker', '-spublish') for $one, $two;
is(as_user('speaker'), 'NOPERM no permission to SPUBLISH on the channel',
    '    without the command: refused');

# Updates, whose stream may be at the other server.

my @streams = map { my $n = $_; map { "pimap:updates:{$_}" } (grep {
    $n->owns($cluster->slot_of_key("{$_}")) } 0 .. 15)[0] } $one, $two;
my $stream = $streams[1];
my @update = ('9', 'd', 'u3', '{"a":1}', 'u4', '{}');

is(scalar(grep { $_ } @streams), 2, 'partitions are at both servers');
is("@{ $cluster->fcall('update_look', $alice, @update) }", '1 1',
    'two new updates');
is("@{ $cluster->fcall('update_look', $alice, @update) }", '1 1',
    '    looked at again: still new');
is(queue(9, $alice, @update[1 .. 5]), 2, '    are queued');
is("@{ $cluster->fcall('update_record', $alice, @update) }", '1 1',
    '    are recorded');
is("@{ $cluster->fcall('update_look', $alice, @update) }", '0 0',
    '    and are known then');
is("@{ $cluster->fcall('update_record', $alice, @update) }", '0 0',
    '    also if they are recorded again');

my %entry = @{ $cluster->command('XRANGE', $stream, '-', '+')->[0][1] };

like(delete $entry{time}, qr/^\d{13}$/, 'an entry has its time');
is_deeply(\%entry, { account => $alice, device => 'd', id => 'u3',
    body => '{"a":1}' }, '    and all else of the update');
is($cluster->error('FCALL', 'pimap_update_look', 1, $key, '9', 'd', 'u5',
    '{}', 'u3', '{"b":1}'), 'PIMAP conflict: 2', 'another text: refused');
is($cluster->error('FCALL', 'pimap_update_look', 1, $key, '9 2', 'd', 'u5',
    '{}'), 'PIMAP account: too many updates, or bytes of them',
    'too many of an account: refused');
$cluster->fcall('result', $alice, 'd', 'u3', '{"status":"done"}');
like($cluster->fcall('update_look', $alice, @update)->[0], qr/"done"/,
    'an update with a result: the result');

# The queue's own refusals.

is(eval { queue(3, $alice, 'd', 'u6', '{}', 'u7', '{}') } // $@,
    "redis: PIMAP backlog: too many updates wait\n", 'a full stream: refused');
is($cluster->command('XLEN', $stream), 2, '    all of them');

my @bad = map { eval { queue(@$_) } // $@ } [9, $alice, 'd'],
    [9, $alice, 'd', 'u'], [0, $alice, 'd', 'u', '{}'],
    [9, '', 'd', 'u', '{}'], [9, "a\nb", 'd', 'u', '{}'],
    [9, 'a' x 2049, 'd', 'u', '{}'];

is(scalar(grep { /PIMAP bad arguments: .*<backlog> <account>/ } @bad), @bad,
    'bad arguments: refused') or diag(@bad);
like(eval { queue(9, $alice, 'd', 'an id', '{}') } // $@,
    qr/a device or an id is too long or odd/, '    a bad id');
like($cluster->error('FCALL', 'pimap_update_queue', 1, 'x' x 2049, 9, $alice,
    qw(d u {})), qr/^PIMAP bad arguments: P:updates:\{p\} /, '    a long key');


sub queue { $cluster->command('FCALL', 'pimap_update_queue', 1, $stream, @_) }


sub as_user {
    my ($user) = @_;

    my $client = $one->connect();

    $client->command('AUTH', $user, 'x');
    eval { $client->command('FCALL', 'pimap_publish', 1, $key, $event) };

    return $@ =~ /^redis: (.*)$/m ? $1 : undef;
}
