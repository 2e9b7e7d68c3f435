#!/usr/bin/perl

# A device passes from the log to live events without a gap or a duplicate,
# while events are published.  A long log is sent page by page, as fast as the
# device reads.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Time::HiRes qw(sleep);

use constant {
    LIVE => 2000,           # events that come while devices do
    LONG => 1000,           # events in a log, of a kilobyte
    DEVICES => 15,
};

# The kernel's buffers of their own choice would take all of the long log.
my $t = Pimap->new(workers => 2, listen => 'sndbuf=16k',
    http => 'pimap_buffer 1m; pimap_send_timeout 10m;');
my $redis = $t->redis();

$t->nginx()->{locations} .= <<'END';
        location = /small {
            pimap_account $arg_account;
            pimap_buffer 16k;
            pimap_events;
        }
END

$t->plan(3 + DEVICES + 10);
$t->run();
$t->wait_ready();

sub publish {
    my ($client, $account, $uid, $text) = @_;

    return $client->command('FCALL', 'pimap_publish', 1,
        $redis->channel($account), $t->json({ event => 'MessageNew',
            uid => $uid, preview => $text // '' }), 100_000);
}

# Expects each number after the device's id, in order, once.  (Does not decode
# the JSON, which would take longer than all the rest.)

sub missing {
    my ($s, $from, $to) = @_;

    my $expected = $from + 1;

    while ($expected <= $to) {
        my $block = $s->read_until(qr/\n\n/)
            // return "$expected does not come";

        next if $block =~ /^event: parked$/m;

        return "not $expected: $block"
            if $block !~ /^id: \d+-$expected$/m
            || $block !~ /"uid":$expected\}/;

        $expected++;
    }

    return '';
}

# A publisher runs meanwhile, in bursts.

my $first = publish($redis->connect(), 'alice', 1);
my ($epoch) = $first =~ /^(\d+)/;

my $publisher = $t->start(name => 'publisher', output => $t->dir() . '/out',
    code => sub {
        my $client = $redis->connect();

        for (2 .. LIVE) {
            publish($client, 'alice', $_);
            sleep(0.01) if $_ % 20 == 0;
        }
    });

my @devices;

for (1 .. DEVICES) {
    my $place = (split(/-/, $redis->command('FCALL_RO', 'pimap_last', 1,
        $redis->channel('alice'))))[1];

    $place = $_ % 3 == 0 ? 1 : $_ % 3 == 1 ? $place : int($place / 2) + 1;

    push(@devices, [$place, $t->park('alice',
        headers => { 'Last-Event-ID' => "$epoch-$place" },
        transport => (qw(http https h2c))[$_ % 3])]);
}

ok($publisher->running(), 'devices resumed while events were published');

is(missing($_->[1], $_->[0], LIVE), '',
    "resumed from $_->[0]: no gap") for @devices;

ok($t->wait_for(sub { $publisher->ended_well() }), 'all events are published');

my $log = $t->status()->{log};

cmp_ok($log->{replayed}, '>', 0, 'some events came from the log');
$_->[1]->close() for @devices;

# A long log, and devices that read slowly or not at all.

my $client = $redis->connect();

publish($client, 'bob', $_, $t->noise(1024)) for 1 .. LONG;

my $before = $t->status();
my $rss = 0;

$rss += $t->nginx()->rss($_) for $t->workers();

my @slow = map { $t->park('bob', path => '/small',
    query => 'last-event-id=0') } 1 .. 20;

$_->read_until(qr/: parked\n.*\n\n/) for @slow;

ok($t->wait_for(sub {
    $t->status()->{log}{replayed} - $before->{log}{replayed} >= 20
}), 'slow devices: pages are read');

# Other devices are not delayed by the slow ones.

my $fast = $t->park('bob', path => '/small',
    query => 'last-event-id=0');

is(missing($fast, 0, LONG), '', 'slow devices: a fast device gets all');

my $other = $t->park('carol');

ok($other->read_until(qr/: parked\n.*\n\n/),
    'slow devices: another account is parked');

my $after = 0;

$after += $t->nginx()->rss($_) for $t->workers();
cmp_ok($after - $rss, '<', $t->slack(4096), 'slow devices: little memory');

my $status = $t->status();

is($status->{ends}{slow}, $before->{ends}{slow},
    'slow devices: none is closed');
cmp_ok($status->{log}{replayed} - $before->{log}{replayed}, '<', 10 * LONG,
    'slow devices: pages are read on demand');

# Live events come after the log.

publish($client, 'bob', LONG + 1);
is(missing($fast, LONG, LONG + 1), '', 'a fast device: live');

my @complaints = grep { $_ ne '' } map { missing($_, 0, LONG + 1) } @slow;

is(join("\n", @complaints), '', 'slow devices get everything in the end');
is($t->status()->{ends}{slow}, $before->{ends}{slow}, 'slow devices stay');
is($t->status()->{log}{resyncs}, $before->{log}{resyncs},
    'slow devices get no resync');
