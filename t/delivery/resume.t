#!/usr/bin/perl

# A device that sends an event id gets the events that it missed and that pass
# its filter, then live events.  A device without an id learns the id it starts
# from.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2);
$t->nginx()->{http} = 'pimap_hibernate on;' if !$ENV{PIMAP_HTTP};
$t->plan(50);
$t->run();
$t->wait_ready();

my $redis = $t->redis();
my @ids;

sub new_mail { return { event => 'MessageNew', uid => $_[0] } }

# The "uid" of each event received, with "?" if its id is not the log's.

sub uids {
    my ($s, $n) = @_;

    return join(' ', map {
        my $uid = $_->{json}{uid} // $_->{event};
        ($_->{id} // '') eq ($ids[$uid] // 'none') ? $uid : "$uid?";
    } $s->events($n));
}

# A new device of an account that never had an event.

my $s = $t->park('alice');

is($s->header('Pimap-Last-Event-ID'), '0', 'empty log: the header');
like($s->read_until(qr/: parked\n.*\n\n/), qr/^id: 0\n/m, 'empty log: the id');
ok($t->subscribed('alice'), 'subscribed');

$ids[$_] = $redis->log('alice', new_mail($_)) for 1 .. 5;

my ($epoch) = $ids[1] =~ /^(\d+)-1$/;

is($ids[5], "$epoch-5", 'ids are dense');
is(uids($s, 5), '1 2 3 4 5', 'all are delivered with their ids');
$s->close();

# A device that comes later starts at the last id.

$s = $t->park('alice');
is($s->header('Pimap-Last-Event-ID'), $ids[5], 'the last id: the header');
like($s->read_until(qr/: parked\n.*\n\n/), qr/^id: $ids[5]\n/m,
    'the last id: the id');
ok($s->quiet(0.2), 'no id: no old events');
$s->close();

is($t->request('HEAD', '/events?account=alice')->header(
    'Pimap-Last-Event-ID'), $ids[5], 'HEAD: the header');

# Event ids, and the ways to send them.

for (['an id in the header', [$ids[3]], '4 5'],
    ['an id in the query', [undef, $ids[4]], '5'],
    ['the header wins over the query', [$ids[3], $ids[1]], '4 5'],
    ['an empty header is ignored', ['', $ids[3]], '4 5'],
    ['the last id', [$ids[5]], ''],
    ['0', ['0'], '1 2 3 4 5'],
    ['0 in the query', [undef, '0'], '1 2 3 4 5'],
    ['earliest', [undef, 'earliest'], '1 2 3 4 5'])
{
    my ($name, $places, $expected) = @$_;
    my ($header, $query) = @$places;

    $s = $t->park('alice', defined $query ? (query => "last-event-id=$query")
            : (), defined $header ? (headers => { 'Last-Event-ID' => $header })
            : ());

    my $place = length($header // '') ? $header : $query;

    is($s->header('Pimap-Last-Event-ID'), $place eq 'earliest' ? 0 : $place,
        "$name: the id it starts from");
    is(uids($s, scalar(split(/ /, $expected))), $expected, "$name: events");
    ok($s->quiet(0.1), "$name: no more");
    $s->close();
}

# Each transport resumes and then gets live events, on any worker.

my %devices = map { $_ => $t->park('alice', transport => $_,
    headers => { 'Last-Event-ID' => $ids[2] }) } qw(http https h2 h2c);

is(uids($devices{$_}, 3), '3 4 5', "$_: resumed")
    for sort(keys(%devices));

# Several devices resume from different ids at once.

my @several = map { $t->park('alice',
    headers => { 'Last-Event-ID' => $ids[$_] }) } 1 .. 5;

is(join(',', map { uids($several[$_ - 1], 5 - $_) } 1 .. 5),
    '2 3 4 5,3 4 5,4 5,5,', 'several devices, each from its own id');

$ids[6] = $redis->log('alice', new_mail(6));

is(join(',', map { uids($_, 1) } @several), '6,6,6,6,6',
    'several devices: all are live');
is(join(',', map { uids($devices{$_}, 1) } sort(keys(%devices))), '6,6,6,6',
    'on each transport: live');

# Filters apply to events from the log.

$ids[7] = $redis->log('alice', { event => 'QuotaChange', uid => 7 });
$ids[8] = $redis->log('alice', { event => 'MessageNew', uid => 8,
    mailbox => 'Trash' });

# A polyfill has another name for the id, and adds it to the page's own.

$s = $t->park('alice', query => "lastEventId=$ids[5]");
is(uids($s, 3), '6 7 8', '"lastEventId": the events after it');
$s = $t->park('alice', query => "lastEventId=$ids[6]&last-event-id=$ids[5]");
is(uids($s, 2), '7 8', '    it takes precedence over "last-event-id"');

# An id that can't be read is one whose events are unknown, and not none.

for my $name (qw(last-event-id lastEventId)) {
    $s = $t->park('alice', query => "$name=$ids[5]%zz");
    is($s->event()->{event}, 'resync', "$name: invalid percent-encoding");
    $s->close();
}

$s = $t->park('alice', query => "last-event-id=$ids[5]&types=Quota");
is(uids($s, 1), '7', 'a filter by types');
ok($s->quiet(0.1), 'a filter by types: nothing else');

$s = $t->park('alice', query => "last-event-id=$ids[5]&mailboxes=Trash");
is(uids($s, 3), '6 7 8', 'a filter by mailboxes, and events without');

$s = $t->park('alice', query => "last-event-id=$ids[5]&events=MessageNew");
is(uids($s, 2), '6 8', 'a filter by events');

# "closeafter" ends after one missed event.

$s = $t->park('alice', query => "last-event-id=$ids[3]&closeafter=state");
is(uids($s, 2), '4', 'closeafter: exactly one event');
ok($s->ended(), 'closeafter: ended');
