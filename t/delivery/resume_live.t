#!/usr/bin/perl

# From the log to live without a gap or a duplicate, while publishing goes on;
# and a long log goes out page by page, as fast as the device reads.

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
    http => 'pimap_buffer 1m;');
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

# Every number from the one after its place on, in order, once.  (Without
# decoding the JSON, which takes longer than all the rest.)

sub missing {
    my ($s, $from, $to) = @_;

    my $expected = $from + 1;

    while ($expected <= $to) {
        my $block = $s->read_until(qr/\n\n/)
            // return "$expected does not come";

        next if $block !~ /^data:/m;

        return "not $expected: $block"
            if $block !~ /^id: \d+-$expected$/m
            || $block !~ /"uid":$expected\}/;

        $expected++;
    }

    return '';
}

# Publishing goes on, in bursts.

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

ok($publisher->running(), 'devices came while events were published');

is(missing($_->[1], $_->[0], LIVE), '', "from $_->[0] on") for @devices;

ok($t->wait_for(sub { $publisher->ended_well() }), 'all are published');

my $log = $t->status()->{log};

cmp_ok($log->{replayed}, '>', 0, 'some were read');
$_->[1]->close() for @devices;

# A long log, and devices that read slowly or not at all.

my $client = $redis->connect();

publish($client, 'bob', $_, $t->noise(1024)) for 1 .. LONG;

my $before = $t->status();
my $rss = 0;

$rss += $t->nginx()->rss($_) for $t->workers();

my @slow = map { $t->park('bob', path => '/small',
    query => 'last-event-id=0') } 1 .. 20;

$_->read_until(qr/: parked\n\n/) for @slow;

ok($t->wait_for(sub {
    $t->status()->{log}{replayed} - $before->{log}{replayed} >= 20
}), 'reading has begun');

# Others are not delayed by those.

my $fast = $t->park('bob', path => '/small',
    query => 'last-event-id=0');

is(missing($fast, 0, LONG), '', 'one that reads gets all of it');

my $other = $t->park('carol');

ok($other->read_until(qr/: parked\n\n/), 'another account');

my $after = 0;

$after += $t->nginx()->rss($_) for $t->workers();
cmp_ok($after - $rss, '<', $t->slack(4096), 'the long logs are not in memory');

my $status = $t->status();

is($status->{ends}{slow}, $before->{ends}{slow}, 'nobody is closed as slow');
cmp_ok($status->{log}{replayed} - $before->{log}{replayed}, '<', 10 * LONG,
    'nor has all been read for them');

# Live events wait for their turn.

publish($client, 'bob', LONG + 1);
is(missing($fast, LONG, LONG + 1), '', 'live');

my @complaints = grep { $_ ne '' } map { missing($_, 0, LONG + 1) } @slow;

is(join("\n", @complaints), '', 'the slow ones got everything in the end');
is($t->status()->{ends}{slow}, $before->{ends}{slow}, 'and stay');
is($t->status()->{log}{resyncs}, $before->{log}{resyncs}, 'without resync');
