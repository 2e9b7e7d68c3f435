#!/usr/bin/perl

# A worker that did not get an event notices it at the next event, or at the
# gap check of a quiet account, and reads it from the log before it sends a
# later one.  An event that arrives twice or late is dropped.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(http => 'pimap_gap_check 0;');
my $check = Pimap->new(redis => $t->redis(), http => 'pimap_gap_check 1s;');
my $redis = $t->redis();
my $uid = 0;

$t->plan(42);
$_->run() for $t, $check;
$_->wait_ready() for $t, $check;

# The reason of a resync that comes next.

sub reason { return ($_[0]->event() // {})->{json}{reason} }


sub next_mail { return $t->json({ event => 'MessageNew', uid => ++$uid }) }

sub lose { $redis->log_only($_[0], next_mail(), $_[1]) }

# Publishes an event that is not in the log.

sub fake {
    my ($account, $id, $json) = @_;
    return $redis->publish($account, "$id $json");
}

sub uids {
    my ($s, $n) = @_;
    return join(' ', map { $_->{json}{uid} // $_->{event} } $s->events($n));
}

sub park {
    my ($at, $account, @set) = @_;

    my $s = $at->park($account, @set);

    $s->read_until(qr/: parked\n.*\n\n/);
    $t->subscribed($account);

    return $s;
}

sub log_of { return $_[0]->status()->{log} }

# Gaps at the beginning of a log that was empty, and later.

my $s = park($t, 'alice');
my $filtered = park($t, 'alice', query => 'types=Quota');

$redis->log('alice', next_mail());
is(uids($s, 1), '1', 'no gap: the event is delivered');

lose('alice') for 2 .. 4;
ok($s->quiet(0.1), 'lost events: nothing is sent yet');

my $id = $redis->log('alice', next_mail());
my @events = $s->events(4);
my ($epoch) = $id =~ /^(\d+)/;

is(join(' ', map { $_->{json}{uid} } @events), '2 3 4 5',
    'a gap is filled before the event that follows it');
is(join(' ', map { $_->{id} } @events),
    join(' ', map { "$epoch-$_" } 2 .. 5), 'filled events have their ids');
is(log_of($t)->{gaps}, 1, 'the gap is counted once');
is(log_of($t)->{filled}, 4, 'the events read are counted');

lose('alice') for 1 .. 500;
$redis->log('alice', next_mail());

is(uids($s, 501), join(' ', 6 .. 506), 'a large gap is filled');

lose('alice');
$redis->log('alice', next_mail()) for 1 .. 50;
is(uids($s, 51), join(' ', 507 .. 557), 'a gap is filled while events follow');
ok($filtered->quiet(0), 'a filter applies to filled events');

# The first event of an empty log is lost.

my $mine = $uid;

$redis->log('dave', next_mail());
$redis->command('DEL', map { $redis->channel('dave') . $_ } '', ':epoch');

my $dave = park($t, 'dave');

fake('dave', $epoch + 5, 'nonsense');
lose('dave', $redis->epoch(time() + 9) . '-1');
$redis->log('dave', next_mail());
is(uids($dave, 2), join(' ', $mine + 2, $mine + 3),
    'the first events of a log are filled');

# Late and duplicate events.

my ($before, $json) = (log_of($t), next_mail());

$id = $redis->log('alice', $json);

my ($n) = $id =~ /-(\d+)$/;

is(uids($s, 1), $uid, 'the next event is delivered');

fake('alice', $id, $json);
fake('alice', "$epoch-$_", $json) for $n, $n - 1, 2, 1;
$redis->log('alice', next_mail());

is(uids($s, 1), $uid, 'late and duplicate events are dropped');
is(log_of($t)->{duplicates} - $before->{duplicates}, 5,
    'dropped events are counted');
is(log_of($t)->{gaps}, $before->{gaps}, 'dropped events are no gap');

# Two events swapped: the first makes the gap; the second is in order, and
# comes before the answer of the log, which has it, too.

lose('alice') for 1, 2;
$redis->together(sub {
    fake('alice', "$epoch-" . ($n + 3), $t->json({ event => 'MessageNew',
        uid => $uid }));
    fake('alice', "$epoch-" . ($n + 2), $t->json({ event => 'MessageNew',
        uid => $uid - 1 }));
});
is(uids($s, 2), join(' ', $uid - 1, $uid),
    'swapped events come in the order of the log');
ok($s->quiet(0.1), 'swapped events come once');

# From an older epoch.

fake('alice', '1234-1', $json);
$redis->log('alice', next_mail());
is(uids($s, 1), $uid, 'an event of an older epoch is dropped');

# A new epoch: events between the two are unknown.  In one transaction, so that
# no worker reads the log meanwhile.

sub forget {
    $redis->command('DEL', map { $redis->channel('alice') . $_ } '',
        ':epoch');
}

(undef, $id) = $redis->together(sub {
    forget();
    $redis->log('alice', next_mail());
});

my $resync = $s->event();

is($resync->{event}, 'resync', 'a new epoch: resync');
is($resync->{json}{reason}, 'epoch', 'a new epoch: the reason');
is($resync->{id}, $id =~ s/-1$/-0/r, 'a new epoch: the id to resume from');
is(uids($s, 1), $uid, 'a new epoch: then the event');
is(($filtered->event() // {})->{event}, 'resync',
    'a new epoch: resync passes any filter');

# The log has an older epoch than was seen (the clock was set back).

my $old = $redis->epoch(1700000000);

$id = ($redis->together(sub {
    forget();
    lose('alice', "$old-1");
    $redis->log('alice', next_mail());
}))[-1];
is($id, "$old-2", 'the log has an older epoch now');
$resync = $s->event();
is($resync->{event}, 'resync', 'an older log: resync');
is($resync->{id}, $id, 'an older log: the id to resume from');
$redis->log('alice', next_mail());
is(uids($s, 1), $uid, 'an older log: the next event is delivered');

# An id that the log never had: the account is ahead of its log.

($n) = 2 + ($id =~ /-(\d+)$/)[0];
fake('alice', "$old-$n", $json);
is(uids($s, 1), $json =~ /"uid":(\d+)/ ? $1 : '',
    'an id ahead of the log: delivered');

my $commands = sub { $redis->command('INFO', 'commandstats')
    =~ /cmdstat_fcall_ro:calls=(\d+)/ ? $1 : 0 };

my $late = $t->park('alice', query => "last-event-id=$id");

is(uids($late, 1), $uid, 'ahead of the log: a device joins');
is(uids($s, 1), 'resync', 'ahead of the log: the other gets resync');

my $calls = $commands->();

$redis->log('alice', next_mail());
is(join(' ', map { uids($_, 1) } $s, $late), "$uid $uid",
    'both get the next event');
cmp_ok($commands->() - $calls, '<', 20, 'few reads of the log');

# A quiet account is checked.

my @quiet = map { park($check, "q$_") } 1 .. 5;

$redis->log("q$_", next_mail()) for 1 .. 5;
uids($quiet[$_], 1) for 0 .. 4;
lose("q$_") for 2, 4;

is(uids($quiet[1], 1), $uid - 1, 'the gap check finds a lost event');
is(uids($quiet[3], 1), $uid, 'the gap check finds it in each account');
ok($quiet[0]->quiet(1.2), 'no event lost: nothing is sent');
is(log_of($check)->{gaps}, 0, 'the gap check counts no gap');
cmp_ok(log_of($check)->{gapChecks}, '>=', 5, 'gap checks are counted');

# Of an idle log that expires nobody knows how far it went.

$redis->command('PEXPIRE', $redis->channel('q3'), 1);
is(reason($quiet[2]), 'gone', 'an expired log: resync');
ok($quiet[2]->quiet(1.2), '    once');
$redis->log('q3', next_mail());
is(reason($quiet[2]), 'epoch', '    before the next event: resync');
is(uids($quiet[2], 1), $uid, '    the next event is delivered');

# A new epoch in a quiet account.

$redis->command('DEL', map { $redis->channel('q1') . $_ } '', ':epoch');

is(reason($quiet[0]), 'empty', 'a log was deleted: resync');
$id = $redis->log('q1', next_mail());
is(uids($quiet[0], 1), $uid, 'then the first event of the new log');
