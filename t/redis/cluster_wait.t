#!/usr/bin/perl

# WAIT says that a replica has the event, but not which one: if another replica
# takes over, the event is lost, and a device that had it resyncs.  The event
# is not lost if the replica that has it takes over.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::RedisCluster;

my $t = Pimap->new();
my $cluster = Pimap::RedisCluster->new(t => $t);

$t->{redis} = $cluster;
$t->nginx()->{http} = 'pimap_redis ' . $cluster->address()
    . ' timeout=2s probe=500ms;';

$t->plan(2 * 7);
$cluster->start()->load();
$t->nginx()->start();
$t->wait_ready();

my @masters = $cluster->masters();

for my $case (['the replica that has the event', 0], ['another one', 1]) {
    my ($name, $lost) = @$case;
    my $master = shift(@masters);
    my ($account) = $cluster->accounts_of($master, 1);
    my ($first) = $cluster->replicas_of($master);
    my $second = $cluster->add($master);
    my $kept = $cluster->log($account, event(1));
    my $device = $t->park($account, headers => { 'Last-Event-ID' => $kept });

    $device->read_until(qr/: parked\n.*\n\n/);
    $t->subscribed($account);

    # the second replica has all but the next event

    $second->synced($master);
    $second->pause();
    $master->command(qw(CLIENT KILL TYPE replica));

    my $client = $master->connect();
    my $id = $client->command('FCALL', 'pimap_publish', 1,
        $cluster->channel($account), $t->json(event(2)));

    is($client->command('WAIT', 1, 5000), 1, "$name: WAIT: a replica has it");
    is($device->event()->{json}{uid}, 2, '    a device has it');

    $master->kill();
    $second->resume();

    my $new = $lost ? $second : $first;

    $new->take_over('TAKEOVER');
    ok($cluster->whole(), '    it takes over');
    is($new->fcall('last', $account), $lost ? $kept : $id,
        '    the event is ' . ($lost ? 'lost' : 'there'));
    is($new->fcall('read', $account, split(/-/, $id), 9)->[1],
        $lost ? 'future' : $id, '    a reader of it ' . ($lost ? 'resyncs'
        : 'goes on'));

    $t->wait_for(sub { $t->publish($account, event(3))->{status} == 200 },
        'an answer');

    my @got = $device->events(2);

    is($got[0]->{event}, 'resync', '    the device resyncs');
    like($got[-1]->{json}{uid} // $got[-1]->{json}{reason}, qr/^(?:3|epoch)$/,
        '    and goes on');

    $master->start();
    $cluster->whole();
}


sub event { return { event => 'MessageNew', uid => $_[0] } }
