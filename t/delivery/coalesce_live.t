#!/usr/bin/perl

# Events that are held to be merged are neither lost nor sent twice when
# devices join, lose their connection, resume, get a resync, or are closed.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant LONG => 600;       # events in a log, of a kilobyte

# The window does not end in this test: another cause sends the held events.

my @mode = ($ENV{PIMAP_HTTP} // '') =~ /coalesce/ ? (mode => '') : ();
my $t = Pimap->new(@mode, listen => 'sndbuf=16k', http => 'pimap_gap_check 0;'
    . ' pimap_coalesce 10s; pimap_drain 100ms;');
my $redis = $t->redis();

$t->nginx()->{locations} .= <<'END';
        location = /small {
            pimap_account $arg_account;
            pimap_buffer 16k;
            pimap_events;
        }
END

$t->plan(34);
$t->run();
$t->wait_ready();

# Publishes events in one transaction; returns their ids.

sub flags {
    my ($account, @uids) = @_;

    return $redis->together(sub {
        $redis->log($account, { event => 'FlagsSet', uid => $_ }) for @uids;
    });
}

sub news { $redis->log($_[0], { event => 'MessageNew', uid => $_[1] }) }

sub uids {
    my ($s, $n) = @_;
    return join(' ', map { $_->{json}{uid} // $_->{event} } $s->events($n, 6));
}

# Fills a log with events that are long after compression, too.

sub publish_long {
    my ($account, @uids) = @_;

    $redis->log($account, { event => 'MessageNew', uid => $_,
        preview => $t->noise(1024) }) for @uids;
}

# The first event that is not the expected one.

sub first_wrong {
    my ($s, @uids) = @_;

    for my $uid (@uids) {
        my $event = $s->event() || return "$uid does not come";
        return "$event->{json}{uid}, not $uid" if $event->{json}{uid} != $uid;
    }

    return '';
}

# Another device joins.

my $s = $t->park_live('alice');
my @ids = flags('alice', 1 .. 5);

is(uids($s, 1), '1', 'the first event is sent, the others are held');

my $second = $t->park('alice');

is($second->header('Pimap-Last-Event-ID'), $ids[4],
    'a device that joins starts after the held events');
is(uids($s, 1), '5', 'a device joins: the last held event is sent');
flags('alice', 6, 7);
ok($second->quiet(0.2), 'no event is sent again to the new device');
news('alice', 8);
is(uids($_, 2), '7 8', 'both devices get later events') for $s, $second;

# A device that resumes gets each event from the log, the held ones too.

flags('alice', 9, 10);
ok($s->quiet(0.2), 'the window is open: events are held');

my $third = $t->park('alice', headers => { 'Last-Event-ID' => $ids[2] });

is(uids($third, 7), '4 5 6 7 8 9 10',
    'a device resumes: it gets all from the log');
is(uids($_, 1), '10',
    'a device resumes: the others get the last event') for $s, $second;

# A device reads a long log while events are held for a live device.

publish_long('long', 1 .. LONG);
$s = $t->park_live('long');

my $slow = $t->park('long', path => '/small', query => 'last-event-id=0');

$slow->read_until(qr/: parked\n.*\n\n/);
ok($t->wait_for(sub { $t->status()->{log}{replayed} > 10 }),
    'a slow device reads the log');
flags('long', LONG + 1 .. LONG + 5);
is(uids($s, 1), LONG + 1, 'events are held for the live device');
is(first_wrong($slow, 1 .. LONG, 0, 0, LONG + 1 .. LONG + 5), '',
    'the slow device gets them from the log, in order and once');
is(uids($s, 1), LONG + 5, 'the slow device is live: the held event is sent');
news('long', LONG + 6);
is(uids($slow, 1), LONG + 6, 'the held event is not sent again');

# A connection breaks, with another device of the account and without.

for my $others (1, 0) {
    my $account = "bob$others";

    $s = $t->park_live($account);
    $second = $t->park_live($account) if $others;
    $s->events(2) if $others;
    @ids = flags($account, 1 .. 4);
    is(uids($s, 1), '1', 'events are held');
    $s->abort();
    $s = $t->park($account, headers => { 'Last-Event-ID' => $ids[0] });
    is(uids($s, 3), '2 3 4', 'after a break the device resumes');
    is(uids($second, 2), '1 4',
        'the other device gets the last event') if $others;
}

# A response that ends after one event.

$s = $t->park_live('carol');
flags('carol', 1);
$second = $t->park('carol',
    query => 'closeafter=state&events=FlagsSet,FlagsClear');
$second->read_until(qr/: parked\n.*\n\n/);
@ids = flags('carol', 2, 3);
$redis->log('carol', { event => 'FlagsClear', uid => 4 });
news('carol', 5);
is(uids($second, 2), '3', 'closeafter: exactly one held event is sent');
is(uids($s, 4), '1 3 4 5', 'closeafter: the other device gets all');
$second = $t->park('carol', headers => { 'Last-Event-ID' => $ids[1] });
is(uids($second, 2), '4 5', 'closeafter: the next request gets the rest');

# The next request of a device.

$s = $t->park_live('dave', query => 'device=phone');
@ids = flags('dave', 1 .. 3);
is(uids($s, 1), '1', 'a named device: the first event is sent');
$second = $t->park('dave', query => 'device=phone',
    headers => { 'Last-Event-ID' => $ids[0] });
is(uids($s, 2), '3 superseded', 'superseded: the held event, then the end');
is(uids($second, 2), '2 3', 'the next request gets the rest');

$redis->publish('dave', { event => 'FlagsSet', uid => 4 });
$redis->publish('dave', '!supersede 0123456789abcdef phone');
is(uids($second, 2), '4 superseded', 'superseded by another worker: the same');

# Events that were missing pass through the same window.

$s = $t->park_live('erin');
@ids = flags('erin', 1, 2);
$redis->log_only('erin', { event => 'FlagsSet', uid => 3 });
flags('erin', 4);
$t->wait_for(sub { $t->status()->{log}{filled} == 2 }, 'the hole');
news('erin', 5);
is(uids($s, 3), '1 4 5', 'events filled into a gap are held too');

# Another log.

flags('erin', 6, 7);
$redis->together(sub {
    $redis->command('DEL', map { $redis->channel('erin') . $_ } '',
        ':epoch');
    news('erin', 8);
});
is(uids($s, 3), '7 resync 8', 'a held event is sent before a resync');

# The worker exits; events without ids could not be resumed.

for my $transport (qw(http h2)) {
    $s = $t->park_live("frank$transport", transport => $transport);
    $redis->publish("frank$transport", { event => 'FlagsSet', uid => $_ })
        for 1 .. 3;
    is(uids($s, 1), '1', "$transport: the first event without id");
    $t->reload();
    is(uids($s, 1), '3', "$transport: the worker exits: held events are sent");
}

ok($s->ended(), 'the worker exits: the response ends');
