#!/usr/bin/perl

# A device whose event id is not in the log first gets "resync", with the id to
# resume from; then it gets later events.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(http => 'pimap_gap_check 0;', log => 'debug');
my $redis = $t->redis();

sub new_mail { return { event => 'MessageNew', uid => $_[0] } }

sub post {
    my ($account, $uid, @more) = @_;

    return $redis->command('FCALL', 'pimap_publish', 1,
        $redis->channel($account), $t->json(new_mail($uid)), @more);
}

# In Redis: "trimmed" has events 6 to 10, "short" 1 to 3, "none" has no log.

my @cases = (
    ['no id at all', 'short', 'hello', 'epoch'],
    ['a number', 'short', '17', 'epoch'],
    ['half an id', 'short', '17-', 'epoch'],
    ['an id and more', 'short', '%e-2x', 'epoch'],
    ['a negative number', 'short', '%e--1', 'epoch'],
    ['a number too large for 64 bits', 'short',
        '18446744073709551616-1', 'epoch'],
    ['the greatest id', 'short',
        '18446744073709551615-18446744073709551615', 'epoch'],
    ['a long id', 'short', '1' x 300 . '-1', 'epoch'],
    ['an older epoch', 'short', '1234-2', 'epoch'],
    ['past the end', 'short', '%e-4', 'future'],
    ['far past the end', 'short', '%e-18446744073709551615', 'future'],
    ['trimmed', 'trimmed', '%e-2', 'gone'],
    ['all of it trimmed', 'trimmed', '%e-0', 'gone'],
    ['no log', 'none', '1234-2', 'empty'],
    ['no log, and no id', 'none', 'x', 'empty'],
);

$t->plan(5 * @cases + 7 + 13);
$t->run();
$t->wait_ready();

my %last = (none => '0');

$last{short} = post('short', $_) for 1 .. 3;
$last{trimmed} = post('trimmed', $_, 5) for 1 .. 10;

for (@cases) {
    my ($name, $account, $id, $reason) = @$_;
    my ($epoch) = $last{$account} =~ /^(\d+)/;

    $id =~ s/%e/$epoch/;

    my $s = $t->park($account, headers => { 'Last-Event-ID' => $id });
    my $event = $s->event() // {};

    is($event->{event}, 'resync', "$name: resync comes first");
    is($event->{json}{reason}, $reason, "$name: the reason");
    is($event->{id}, $last{$account}, "$name: the id to resume from");
    is($event->{json}{lastEventId}, $event->{id}, "$name: in the data, too");
    ok($s->quiet(0.05), "$name: nothing else");
    $s->close();
}

# Later events follow; other devices get no resync.

my $good = $t->park('short', headers => { 'Last-Event-ID' => $last{short} });
my $bad = $t->park('short', headers => { 'Last-Event-ID' => '1-1' });

is($bad->event()->{event}, 'resync', 'an unknown id: resync');

my $id = post('short', 4);

is_deeply([map { $_->event()->{id} } $good, $bad], [$id, $id],
    'a device after a resync and a current one get the next event');

# A device can resume from the id in a resync.

$bad->close();
$bad = $t->park('short', headers => { 'Last-Event-ID' => $last{short} });
is($bad->event()->{id}, $id, 'a device resumes from the id in the resync');

my $none = $t->park('none', headers => { 'Last-Event-ID' => '1234-2' });

is($none->event()->{event}, 'resync', 'an account without a log: resync');
$id = post('none', 1);
is($none->event()->{id}, $id, 'an account without a log: its first event');

# Just within the log.

my ($epoch) = $last{trimmed} =~ /^(\d+)/;
my $within = $t->park('trimmed', headers => { 'Last-Event-ID' => "$epoch-5" });

is(join(' ', map { $_->{json}{uid} // $_->{event} } $within->events(5)),
    '6 7 8 9 10', 'the oldest id that can be resumed from');
is($t->status()->{log}{resyncs}, 2 + @cases, 'each resync is counted');

# A device that came before the first event has the id "0".  Events trimmed
# since then are missing.  A device that asks for "earliest" gets the log as it
# is.

for (['0', 'resync 6 7 8 9 10'], ['earliest', '6 7 8 9 10']) {
    my ($place, $expected) = @$_;
    my $n = split(/ /, $expected);

    my $s = $t->park('trimmed', headers => { 'Last-Event-ID' => $place });
    my @events = $s->events($n);

    is(join(' ', map { $_->{json}{uid} // $_->{event} } @events), $expected,
        "$place: in a log that has been trimmed");
    ok($s->quiet(0.05), "$place: no more");
    is($events[0]{id}, "$epoch-" . ($place ? 6 : 5), "$place: the first id");
    is($events[-1]{id}, $last{trimmed}, "$place: the last id");
}

# One event is trimmed: the border.

post('border', $_, 2) for 1 .. 3;

is(join(' ', map { $_->{json}{uid} // $_->{event} } $t->park('border',
    headers => { 'Last-Event-ID' => '0' })->events(3)), 'resync 2 3',
    '0: in a log that lacks the first event only');

# Bytes that wait until the end of a response are of no use to a client behind
# a proxy that keeps them: "closeafter" ends with the resync.

my $s = $t->park('short', query => 'closeafter=state&last-event-id=1-1');

is($s->event()->{event}, 'resync', 'closeafter: resync');
ok($s->ended(), 'closeafter: ended after the resync');

$s = $t->park('trimmed', query => 'closeafter=state&last-event-id=0');

is($s->event()->{event}, 'resync', 'closeafter, 0: resync');
ok($s->ended(), 'closeafter, 0: ended after the resync');
