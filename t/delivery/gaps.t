#!/usr/bin/perl

# An event that a worker did not get is missed at the next one, or at the
# check of a quiet account, and read from the log before anything later is
# sent.  What comes twice or late is dropped.

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

$t->plan(40);
$_->run() for $t, $check;
$_->wait_ready() for $t, $check;

sub next_mail { return $t->json({ event => 'MessageNew', uid => ++$uid }) }

# Into the log as the library does it, but nobody is told.

sub lose {
    my ($account) = @_;

    my $key = $redis->channel($account) . ':log';
    my ($epoch) = $redis->command('FCALL_RO', 'pimap_last', 1,
        $redis->channel($account)) =~ /^(\d+)/;

    return $redis->command('XADD', $key, "$epoch-*", 'e', next_mail(), 't',
        time());
}

# Nobody has it in the log, but it comes.

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

    $s->read_until(qr/: parked\n\n/);
    $t->subscribed($account);

    return $s;
}

sub log_of { return $_[0]->status()->{log} }

# Holes at the begin of a log that was empty, and later.

my $s = park($t, 'alice');
my $filtered = park($t, 'alice', query => 'types=Quota');

$redis->log('alice', next_mail());
is(uids($s, 1), '1', 'nothing is missing');

lose('alice') for 2 .. 4;
ok($s->quiet(0.1), 'nobody knows yet');

my $id = $redis->log('alice', next_mail());
my @events = $s->events(4);
my ($epoch) = $id =~ /^(\d+)/;

is(join(' ', map { $_->{json}{uid} } @events), '2 3 4 5',
    'a hole is filled before what comes after it');
is(join(' ', map { $_->{id} } @events),
    join(' ', map { "$epoch-$_" } 2 .. 5), 'with their ids');
is(log_of($t)->{gaps}, 1, 'counted as one gap');
is(log_of($t)->{filled}, 4, 'and what was read');

lose('alice') for 1 .. 500;
$redis->log('alice', next_mail());

is(uids($s, 501), join(' ', 6 .. 506), 'a large hole');

lose('alice');
$redis->log('alice', next_mail()) for 1 .. 50;
is(uids($s, 51), join(' ', 507 .. 557), 'a hole while others follow');
ok($filtered->quiet(0), 'a filter keeps them back, too');

# An empty log, of which the first event is missed.

my $mine = $uid;

$redis->log('dave', next_mail());
$redis->command('DEL', map { $redis->channel('dave') . $_ } ':log', ':states');

my $dave = park($t, 'dave');

fake('dave', $epoch + 5, 'nonsense');
$redis->command('XADD', $redis->channel('dave') . ':log', ($epoch + 9) . '-1',
    'e', next_mail(), 't', time());
$redis->log('dave', next_mail());
is(uids($dave, 2), join(' ', $mine + 2, $mine + 3),
    'the first events of a log');

# Late, and twice.

my ($before, $json) = (log_of($t), next_mail());

$id = $redis->log('alice', $json);

my ($n) = $id =~ /-(\d+)$/;

is(uids($s, 1), $uid, 'in order');

fake('alice', $id, $json);
fake('alice', "$epoch-$_", $json) for $n, $n - 1, 2, 1;
$redis->log('alice', next_mail());

is(uids($s, 1), $uid, 'those that are not new are dropped');
is(log_of($t)->{duplicates} - $before->{duplicates}, 5, 'and counted');
is(log_of($t)->{gaps}, $before->{gaps}, 'as no gap');

# Two that change places: the first one makes the hole, the second is known.

lose('alice') for 1, 2;
fake('alice', "$epoch-" . ($n + 3), $t->json({ event => 'MessageNew',
    uid => $uid }));
fake('alice', "$epoch-" . ($n + 2), $t->json({ event => 'MessageNew',
    uid => $uid - 1 }));
is(uids($s, 2), join(' ', $uid - 1, $uid), 'in the order of the log');
ok($s->quiet(0.1), 'once');

# From an older epoch.

fake('alice', '1234-1', $json);
$redis->log('alice', next_mail());
is(uids($s, 1), $uid, 'an older epoch is dropped');

# A new epoch: nobody knows what was in between.  In one step, as nobody may
# look for himself meanwhile.

sub forget {
    $redis->command('DEL', map { $redis->channel('alice') . $_ } ':log',
        ':states');
}

(undef, $id) = $redis->together(sub {
    forget();
    $redis->log('alice', next_mail());
});

my $resync = $s->event();

is($resync->{event}, 'resync', 'a new epoch');
is($resync->{json}{reason}, 'epoch', 'the reason');
is($resync->{id}, $id =~ s/-1$/-0/r, 'the id to go on from');
is(uids($s, 1), $uid, 'then the event');
is(($filtered->event() // {})->{event}, 'resync', 'for any filter');

# The log is older than what was seen, with the clock set back, maybe.

(undef, undef, $id) = $redis->together(sub {
    forget();
    $redis->command('XADD', $redis->channel('alice') . ':log', '4711-1', 'e',
        next_mail(), 't', time());
    $redis->log('alice', next_mail());
});
is($id, '4711-2', 'an older epoch that is the log\'s now');
$resync = $s->event();
is($resync->{event}, 'resync', 'is told');
is($resync->{id}, $id, 'with the id to go on from');
$redis->log('alice', next_mail());
is(uids($s, 1), $uid, 'and goes on');

# Ids that the log never had: the account is ahead of its log.

($n) = 2 + ($id =~ /-(\d+)$/)[0];
fake('alice', "4711-$n", $json);
is(uids($s, 1), $json =~ /"uid":(\d+)/ ? $1 : '', 'it comes');

my $commands = sub { $redis->command('INFO', 'commandstats')
    =~ /cmdstat_fcall_ro:calls=(\d+)/ ? $1 : 0 };

my $late = $t->park('alice', query => "last-event-id=$id");

is(uids($late, 1), $uid, 'a device that joins');
is(uids($s, 1), 'resync', 'the other one is told, as its place is gone');

my $calls = $commands->();

$redis->log('alice', next_mail());
is(join(' ', map { uids($_, 1) } $s, $late), "$uid $uid", 'all go on');
cmp_ok($commands->() - $calls, '<', 20, 'and nobody asks all the time');

# A quiet account is checked.

my @quiet = map { park($check, "q$_") } 1 .. 5;

$redis->log("q$_", next_mail()) for 1 .. 5;
uids($quiet[$_], 1) for 0 .. 4;
lose("q$_") for 2, 4;

is(uids($quiet[1], 1), $uid - 1, 'found by the check');
is(uids($quiet[3], 1), $uid, 'in each account');
ok($quiet[0]->quiet(1.2), 'where nothing is missing nothing comes');
is(log_of($check)->{gaps}, 0, 'it was no gap');
cmp_ok(log_of($check)->{gapChecks}, '>=', 5, 'checks are counted');

# An idle log that expires is not missed, and goes on.

$redis->command('PEXPIRE', $redis->channel('q3') . ':log', 1);
ok($quiet[2]->quiet(1.2), 'a log has expired: nothing is missing');
$redis->log('q3', next_mail());
is(uids($quiet[2], 1), $uid, 'nor after that');

# A new epoch in a quiet account.

$redis->command('DEL', map { $redis->channel('q1') . $_ } ':log', ':states');

my $gone = $quiet[0]->event();

is(($gone // {})->{json}{reason}, 'empty', 'the log is gone');
$id = $redis->log('q1', next_mail());
is(uids($quiet[0], 1), $uid, 'the first event of the next one');
