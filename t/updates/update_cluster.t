#!/usr/bin/perl

# Updates in a cluster: each is in the stream of its account's partition, which
# may be at another master.  While that master is away, a device is asked to
# send its update again; then it is added once.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::RedisCluster;

my $t = Pimap->new();
my $cluster = $t->{redis} = Pimap::RedisCluster->new(t => $t, masters => 2,
    replicas => 0, options => ['cluster-require-full-coverage no']);

$t->nginx()->{http} = 'pimap_redis ' . $cluster->address()
    . ' timeout=500ms; pimap_max_queued_updates 3;';
$t->plan(26);
$cluster->start()->load();
$t->nginx()->start();
$t->wait_ready();

# An account of the first master, whose stream is at the second one, and one
# whose stream is at its own master.

my ($one, $two) = $cluster->masters();
my ($far) = grep { $cluster->owner($cluster->slot_of_key(stream($_))) == $two }
    $cluster->accounts_of($one, 99);
my ($near) = grep { $cluster->owner($cluster->slot_of_key(stream($_))) == $one
    } $cluster->accounts_of($one, 99);

for my $account ($far, $near) {
    my $where = $account eq $far ? 'a stream at another master'
        : 'a stream at the same master';

    is(post($account, 'a', 1)->{status}, 202, "$where: accepted");
    is(post($account, 'a', 1)->{status}, 202, '    again');
    is(ids($account), 'a', '    it is there once');
    is(post($account, 'a', 2)->{status}, 409, '    another text: refused');

    my $both = $t->update($account, qq({"id":"a","n":1,"update":"x"}\n)
        . qq({"id":"b","n":2,"update":"x"}), device => 'd', headers =>
        { 'Content-Type' => 'application/x-ndjson' });

    is($both->{status}, 202, '    two of which one is new: accepted');
    is(ids($account), 'a b', '    both are there once');
    $cluster->fcall('result', $account, 'd', 'a', '{"status":"done"}');
    is(post($account, 'a', 1, headers => { Prefer => 'wait=9' })
        ->{json}{updates}[0]{status}, 'done', '    its result is known');
    is(post($account, $_, 1)->{status}, $_ eq 'c' ? 202 : 503, $_ eq 'c'
        ? '    a third one: accepted' : '    a full stream: refused')
        for qw(c d);
}

# The master of the stream is away.

$cluster->command('DEL', stream($far));
$two->pause();
is(post($far, 'e', 1)->{status}, 503, 'the master of the stream is away: 503');
$two->resume();
ok($t->wait_for(sub { post($far, 'e', 1)->{status} == 202 }, 'the update'),
    '    it is there again: accepted');
like(ids($far), qr/^e(?: e)*$/, '    the update is there');

my $times = ids($far) =~ tr/e//;

is(post($far, 'e', 1)->{status}, 202, '    and again');
is(ids($far) =~ tr/e//, $times, '    no more often');
is($cluster->fcall('update_look', $far, 9, 'd', 'e',
    '{"id":"e","n":1,"update":"x"}')->[0], 0, '    and is remembered');

# The slot of the account moves: the device has to wait.

my $slot = $cluster->slot_of($far);
my $from = $cluster->begin_move($slot, $two);

is(post($far, 'f', 1)->{status}, 503, 'the slot of the account moves: 503');
$cluster->move_keys($slot, $from, $two);
$cluster->end_move($slot, $from, $two);
ok($t->wait_for(sub { post($far, 'f', 1)->{status} == 202 }, 'the update'),
    '    it has moved: accepted');


sub stream {
    return 'pimap:updates:{' . $cluster->slot_of($_[0]) % 16 . '}';
}


sub post {
    my ($account, $id, $n, %set) = @_;

    return $t->update($account, qq({"id":"$id","n":$n,"update":"x"}),
        device => 'd', %set);
}


sub ids {
    my ($account) = @_;

    return join(' ', map { { @{ $_->[1] } }->{id} } @{ $cluster->command(
        'XRANGE', stream($account), '-', '+') });
}
