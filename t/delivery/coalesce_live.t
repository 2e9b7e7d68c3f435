#!/usr/bin/perl

# Events that are held back to be merged are neither lost nor sent twice when
# devices join, break, resume, are told to resync, or are sent away.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant LONG => 600;       # events in a log, of a kilobyte

# The window does not end in this test: what is held comes because of
# something else.

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

# All at once; their ids.

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

# A log with much text, published by the way.

sub publish_long {
    my ($account, @uids) = @_;

    $redis->log($account, { event => 'MessageNew', uid => $_,
        preview => 'x' x 1024 }) for @uids;
}

# The first event that is not as it has to be.

sub first_wrong {
    my ($s, @uids) = @_;

    for my $uid (@uids) {
        my $event = $s->event() // return "$uid does not come";
        return "$event->{json}{uid}, not $uid" if $event->{json}{uid} != $uid;
    }

    return '';
}

# Another device comes.

my $s = $t->park_live('alice');
my @ids = flags('alice', 1 .. 5);

is(uids($s, 1), '1', 'one is out, others are held');

my $second = $t->park('alice');

is($second->header('Pimap-Last-Event-ID'), $ids[4],
    'another device starts after them');
is(uids($s, 1), '5', 'then what is held goes out');
flags('alice', 6, 7);
ok($second->quiet(0.2), 'nothing is held for the other one that it has');
news('alice', 8);
is(uids($_, 2), '7 8', 'both go on') for $s, $second;

# One that resumes gets each one from the log, and what is held from there,
# too.

flags('alice', 9, 10);
ok($s->quiet(0.2), 'the window is open');

my $third = $t->park('alice', headers => { 'Last-Event-ID' => $ids[2] });

is(uids($third, 7), '4 5 6 7 8 9 10', 'a device that resumes');
is(uids($_, 1), '10', 'the others get the last one') for $s, $second;

# One that reads a long log: while it does, events are held for a live one.

publish_long('long', 1 .. LONG);
$s = $t->park_live('long');

my $slow = $t->park('long', path => '/small', query => 'last-event-id=0');

$slow->read_until(qr/: parked\n\n/);
ok($t->wait_for(sub { $t->status()->{log}{replayed} > 10 }), 'it reads');
flags('long', LONG + 1 .. LONG + 5);
is(uids($s, 1), LONG + 1, 'others are held meanwhile');
is(first_wrong($slow, 1 .. LONG, 0, 0, LONG + 1 .. LONG + 5), '',
    'it gets them from the log, in order and once');
is(uids($s, 1), LONG + 5, 'when it is live nothing is held');
news('long', LONG + 6);
is(uids($slow, 1), LONG + 6, 'nor sent again');

# One that breaks, when others are there and when it is the last one.

for my $others (1, 0) {
    my $account = "bob$others";

    $s = $t->park_live($account);
    $second = $t->park_live($account) if $others;
    $s->events(2) if $others;
    @ids = flags($account, 1 .. 4);
    is(uids($s, 1), '1', 'events are held');
    $s->abort();
    $s = $t->park($account, headers => { 'Last-Event-ID' => $ids[0] });
    is(uids($s, 3), '2 3 4', 'who breaks resumes from there');
    is(uids($second, 2), '1 4', 'the other one goes on') if $others;
}

# One that ends after one event.

$s = $t->park_live('carol');
flags('carol', 1);
$second = $t->park('carol',
    query => 'closeafter=state&events=FlagsSet,FlagsClear');
$second->read_until(qr/: parked\n\n/);
@ids = flags('carol', 2, 3);
$redis->log('carol', { event => 'FlagsClear', uid => 4 });
news('carol', 5);
is(uids($second, 2), '3', 'closeafter: exactly one of those held');
is(uids($s, 4), '1 3 4 5', 'the other one gets all');
$second = $t->park('carol', headers => { 'Last-Event-ID' => $ids[1] });
is(uids($second, 2), '4 5', 'the rest comes when it resumes');

# Its next request comes.

$s = $t->park_live('dave', query => 'device=phone');
@ids = flags('dave', 1 .. 3);
is(uids($s, 1), '1', 'a device with a name');
$second = $t->park('dave', query => 'device=phone',
    headers => { 'Last-Event-ID' => $ids[0] });
is(uids($s, 2), '3 superseded', 'what is held, then the end');
is(uids($second, 2), '2 3', 'its next request');

$redis->publish('dave', { event => 'FlagsSet', uid => 4 });
$redis->publish('dave', '!supersede 0123456789abcdef phone');
is(uids($second, 2), '4 superseded', 'the same from another worker');

# Events are missing, and come through the same window.

$s = $t->park_live('erin');
@ids = flags('erin', 1, 2);
$redis->command('XADD', $redis->channel('erin') . ':log',
    $ids[0] =~ s/-.*/-*/r, 'e', '{"event":"FlagsSet","uid":3}', 't', time());
flags('erin', 4);
$t->wait_for(sub { $t->status()->{log}{filled} == 2 }, 'the hole');
news('erin', 5);
is(uids($s, 3), '1 4 5', 'events that were missing');

# Another log.

flags('erin', 6, 7);
$redis->together(sub {
    $redis->command('DEL', map { $redis->channel('erin') . $_ } ':log',
        ':states');
    news('erin', 8);
});
is(uids($s, 3), '7 resync 8', 'what is held comes before a resync');

# The worker leaves; without ids nothing could be resumed.

for my $transport (qw(http h2)) {
    $s = $t->park_live("frank$transport", transport => $transport);
    $redis->publish("frank$transport", { event => 'FlagsSet', uid => $_ })
        for 1 .. 3;
    is(uids($s, 1), '1', "$transport: without ids");
    $t->reload();
    is(uids($s, 1), '3', "$transport: what is held comes before it goes");
}

ok($s->ended(), 'and the end, for one that is sent away');
