#!/usr/bin/perl

# A replica is promoted while the master still takes events.  The master loses
# these events when it follows the replica, and is promoted again.  Devices
# that have got them resync, parked or not, and get each later event.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my @options = ('repl-diskless-sync-delay 0');
my $t = Pimap->new(http => 'pimap_gap_check 0;');

my $redis = $t->redis(port => 1, options => [@options])->start()->load();
my $other = Pimap::Redis->new(t => $t, name => 'other', port => 1,
    options => [@options, 'replicaof 127.0.0.1 ' . $t->port('redis')])
    ->start();

$t->plan(10);
$t->run();
$t->wait_ready();
synced($other);

my $parked = $t->park_live('alice');
my $away = $t->park_live('alice');

my $before = (map { publish($_) } 1 .. 8)[-1];
synced($other);
$other->command(qw(REPLICAOF NO ONE));

my @lost = map { publish($_) } 9, 10;

is(got_until($_, 10), $lost[-1], 'a device has the events that will be lost')
    for $parked, $away;

$away->close();

$redis->command('REPLICAOF', '127.0.0.1', $t->port('other'));
synced($redis);
is($redis->fcall('last', 'alice'), $before,
    'the end of the log is lost');
$redis->command(qw(REPLICAOF NO ONE));

my @new = map { publish($_) } 11 .. 14;
my %lost = map { $_ => 1 } @lost;

is_deeply([grep { $lost{$_} } @new], [], 'no id is given to two events');

$away = $t->park('alice', headers => { 'Last-Event-ID' => $lost[-1] });

my $back = $t->park('alice', headers => { 'Last-Event-ID' => $lost[-1] });

for (['a parked device', $parked], ['a device that comes back', $back]) {
    my ($name, $s) = @$_;
    my $resync = $s->event();

    is($resync->{event}, 'resync', "$name: resync");
    is($resync->{json}{reason}, 'epoch', '    the reason');
}

is(join(' ', map { $_->{json}{uid} } $parked->events(4)), '11 12 13 14',
    'the parked device gets each new event');
publish(15);
is($back->event()->{json}{uid}, 15,
    'the other one gets what follows its resync');


sub publish {
    my ($uid) = @_;
    return $redis->log('alice', { event => 'MessageNew', uid => $uid });
}


# The id of the event with this UID, after those before it.

sub got_until {
    my ($s, $uid) = @_;

    while (my $event = $s->event()) {
        return $event->{id} if $event->{json}{uid} == $uid;
    }
}


sub synced {
    my ($replica) = @_;

    $t->wait_for(sub {
        my @info = map { eval { $_->command('INFO', 'replication') } // '' }
            $replica, $replica == $redis ? $other : $redis;

        return $info[0] =~ /^master_link_status:up\r$/m
            && ($info[0] =~ /^slave_repl_offset:(\d+)/m)[0]
            == ($info[1] =~ /^master_repl_offset:(\d+)/m)[0];
    }, 'synchronisation') or die "no synchronisation\n";
}
