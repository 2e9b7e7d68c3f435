#!/usr/bin/perl

# A replica has the library and the log, and serves reads.  When it becomes the
# master, the log continues there, as it does after a restart.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
$t->plan(16);

my $master = $t->redis(port => 1, options => ['appendonly yes',
    'appendfsync always', 'repl-diskless-sync-delay 0'])->start()->load();

my $event = { event => 'MessageNew' };
my $id = $master->fcall('publish', 'a', $event);
my ($epoch) = $id =~ /^(\d+)-1$/;

my $replica = Pimap::Redis->new(t => $t, name => 'replica', options => [
    'replicaof 127.0.0.1 ' . $t->port('redis')])->start();

ok($t->wait_for(sub { last_of($replica) eq $id }, 'synchronisation'),
    'a replica has the log');

$id = $master->fcall('post', 'a', $event, 2, 600, 'key')->[0];
ok($t->wait_for(sub { last_of($replica) eq $id }, 'replication'),
    'a replica has events added later');

is_deeply(content($replica), content($master), 'a replica has the same keys');
is($replica->command(qw(FCALL_RO pimap_version 0)),
    $master->command(qw(FCALL pimap_version 0)), 'a replica has the library');

is_deeply($replica->command(qw(FCALL_RO pimap_read 1 pimap:{a}), $epoch, 1, 9),
    ['ok', $id, $id, $t->json($event)], 'a replica serves a read');
like($replica->error(qw(FCALL pimap_publish 1 pimap:{a}), $t->json($event)),
    qr/^READONLY /, 'a replica refuses a publish');
like($master->error(qw(FCALL_RO pimap_publish 1 pimap:{a}), $t->json($event)),
    qr/^ERR .*write flag/, 'FCALL_RO refuses a publish');

$master->stop();
$replica->command(qw(REPLICAOF NO ONE));
my ($second) = $replica->fcall('publish', 'a', $event) =~ /^(\d+)-2$/;
ok($second > $epoch, 'the replica becomes the master: a new epoch');
is_deeply($replica->command(qw(FCALL_RO pimap_read 1 pimap:{a}), $epoch, 1, 9),
    ['resync', 'epoch', "$second-2"], 'an id of the old epoch: resync');
is($replica->fcall('publish', 'a', $event), "$second-3",
    'the new epoch continues');
is_deeply($replica->fcall('post', 'a', $event, 2, 600, 'key'), [$id, 0, 1],
    'idempotency keys are still known');

$master->start();
is($master->command(qw(FCALL pimap_version 0)) > 0, 1,
    'after a restart: the library is there');
is(last_of($master), $id, 'and the log');
my ($third) = $master->fcall('publish', 'a', $event) =~ /^(\d+)-2$/;
ok($third > $epoch, 'after a restart: a new epoch');

$master->command('FUNCTION', 'FLUSH');
like($master->error(qw(FCALL pimap_last 1 pimap:{a})),
    qr/^ERR Function not found/, 'the library is deleted: an error');
is($master->load()->fcall('publish', 'a', $event), "$third-3",
    'the library is loaded again: the log continues');


sub last_of {
    my ($redis) = @_;
    return eval { $redis->command(qw(FCALL_RO pimap_last 1 pimap:{a})) } // '';
}


sub content {
    my ($redis) = @_;

    return { map { $_ => unpack('H*', $redis->command('DUMP', $_)) }
        @{ $redis->command('KEYS', '*') } };
}
