#!/usr/bin/perl

# A device that comes with an id gets what it has missed and that its filter
# lets pass, then what happens from then on; one that comes without an id
# learns where it starts.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2);
$t->nginx()->{http} = 'pimap_hibernate on;' if !$ENV{PIMAP_HTTP};
$t->plan(46);
$t->run();
$t->wait_ready();

my $redis = $t->redis();
my @ids;

sub new_mail { return { event => 'MessageNew', uid => $_[0] } }

# What has come as "uid" numbers, and only by the ids that the log gave them.

sub uids {
    my ($s, $n) = @_;

    return join(' ', map {
        my $uid = $_->{json}{uid} // $_->{event};
        ($_->{id} // '') eq ($ids[$uid] // 'none') ? $uid : "$uid?";
    } $s->events($n));
}

# A fresh device of an account that never had an event.

my $s = $t->park('alice');

is($s->header('Pimap-Last-Event-ID'), '0', 'empty log: the header');
like($s->read_until(qr/: parked\n\n/), qr/^id: 0\n/m, 'and the id');
ok($t->subscribed('alice'), 'subscribed');

$ids[$_] = $redis->log('alice', new_mail($_)) for 1 .. 5;

my ($epoch) = $ids[1] =~ /^(\d+)-1$/;

is($ids[5], "$epoch-5", 'ids are dense');
is(uids($s, 5), '1 2 3 4 5', 'all are delivered with their ids');
$s->close();

# One that comes later starts at the end.

$s = $t->park('alice');
is($s->header('Pimap-Last-Event-ID'), $ids[5], 'the last id: the header');
like($s->read_until(qr/: parked\n\n/), qr/^id: $ids[5]\n/m, 'and the id');
ok($s->quiet(0.2), 'nothing old');
$s->close();

is($t->request('HEAD', '/events?account=alice')->header(
    'Pimap-Last-Event-ID'), $ids[5], 'HEAD tells it, too');

# Places, and the ways to name them.

for (['after the header', [$ids[3]], '4 5'],
    ['after the query', [undef, $ids[4]], '5'],
    ['the header counts more', [$ids[3], $ids[1]], '4 5'],
    ['an empty header does not count', ['', $ids[3]], '4 5'],
    ['at the end', [$ids[5]], ''],
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
        "$name: it is told where it starts");
    is(uids($s, scalar(split(/ /, $expected))), $expected, "$name: events");
    ok($s->quiet(0.1), "$name: no more");
    $s->close();
}

# Each transport, and live after that; on any worker.

my %devices = map { $_ => $t->park('alice', transport => $_,
    headers => { 'Last-Event-ID' => $ids[2] }) } qw(http https h2 h2c);

is(uids($devices{$_}, 3), '3 4 5', "$_: resumed")
    for sort(keys(%devices));

# Several devices at different places at once.

my @several = map { $t->park('alice',
    headers => { 'Last-Event-ID' => $ids[$_] }) } 1 .. 5;

is(join(',', map { uids($several[$_ - 1], 5 - $_) } 1 .. 5),
    '2 3 4 5,3 4 5,4 5,5,', 'several, each from its place');

$ids[6] = $redis->log('alice', new_mail(6));

is(join(',', map { uids($_, 1) } @several), '6,6,6,6,6', 'all live');
is(join(',', map { uids($devices{$_}, 1) } sort(keys(%devices))), '6,6,6,6',
    'on each transport');

# Filters count for what is read, too.

$ids[7] = $redis->log('alice', { event => 'QuotaChange', uid => 7 });
$ids[8] = $redis->log('alice', { event => 'MessageNew', uid => 8,
    mailbox => 'Trash' });

$s = $t->park('alice', query => "last-event-id=$ids[5]&types=Quota");
is(uids($s, 1), '7', 'types');
ok($s->quiet(0.1), 'not the others');

$s = $t->park('alice', query => "last-event-id=$ids[5]&mailboxes=Trash");
is(uids($s, 3), '6 7 8', 'mailboxes, and what is of none');

$s = $t->park('alice', query => "last-event-id=$ids[5]&events=MessageNew");
is(uids($s, 2), '6 8', 'events');

# "closeafter" takes one of those that it has missed.

$s = $t->park('alice', query => "last-event-id=$ids[3]&closeafter=state");
is(uids($s, 2), '4', 'closeafter: exactly one');
ok($s->ended(), 'and the end');
