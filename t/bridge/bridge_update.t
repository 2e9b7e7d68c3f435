#!/usr/bin/perl

# The updates of devices are carried out in order and once, and the devices get
# the results, also after the bridge that began an update has died.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(29);
$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none',
    master => 1)->start();
$dovecot->deliver(to => 'alice', subject => "mail $_") for 1 .. 3;

my $redis = $t->redis();
my $bridge = Pimap::Bridge->new(t => $t, server => Pimap::Bridge->master(),
    updates => 'timeout = "3s";', sessions => 'backoff_max = "500ms";')
    ->start()->wait_healthy();

my $s = $t->park('alice', query => 'device=phone');
$s->read_until(qr/: parked\n.*\n\n/);
ok($bridge->watches(1), 'the account is watched');

sub update {
    my ($id, %update) = @_;

    return $redis->command('FCALL', 'pimap_update', 2, 'pimap:{alice}',
        'pimap:updates', 100, 'phone', $id,
        $t->json({ id => $id, %update }))->[0];
}

# The next result; other events may come in between.

my @events;

sub result {
    my ($account) = @_;

    while (my $event = $s->event()) {
        return $event->{json} if $event->{event} eq 'UpdateResult';
        push(@events, $event->{event});
    }

    return {};
}

sub waiting { $redis->command('XLEN', 'pimap:updates') }

# An update that can be repeated, and an update that cannot

update('u1', update => 'store', mailbox => 'INBOX', uids => [1, 2],
    add => ['\Flagged']);
my $result = result();
is_deeply([@$result{qw(update status device)}], ['u1', 'done', 'phone'],
    'flags are set') or diag($t->json($result));

my $imap = $dovecot->imap();
$imap->command('SELECT INBOX');
is(join(' ', $imap->command('FETCH 1:3 FLAGS') =~ /(\d) FETCH.*Flagged/g),
    '1 2', '    the server has them');

update('u2', update => 'copy', mailbox => 'INBOX', uids => [1],
    to => 'INBOX');
is(result()->{status}, 'done', 'a message is copied');
is(() = $imap->command('NOOP') . $imap->command('UID SEARCH ALL') =~ /\b4\b/,
    1, '    once');

# Updates of one account are carried out in order.

update("o$_", update => 'mailbox', action => 'create', mailbox => "Box$_")
    for 1 .. 5;
is(join(' ', map { result()->{update} // '?' } 1 .. 5), 'o1 o2 o3 o4 o5',
    'five updates are done in order');
is(() = $imap->command('LIST "" Box*') =~ /Box\d/g, 5,
    'five mailboxes are there');

# Invalid updates, and updates that the server refuses

update('b1', update => 'frobnicate');
is(result()->{status}, 'invalid', 'an unknown verb: invalid');
update('b2', update => 'store', mailbox => "IN\r\nBOX", uids => [1],
    add => ['\Seen']);
is(result()->{status}, 'invalid', 'a mailbox with a line break: invalid');
update('b3', update => 'copy', mailbox => 'INBOX', uids => [1],
    to => 'Nowhere');
$result = result();
is($result->{status}, 'refused', 'an unknown mailbox: refused');
ok(length($result->{detail}),
    "    with the words of the server: $result->{detail}");
ok($t->wait_for(sub { waiting() == 0 }, 'an empty stream'),
    'all updates are done: the stream is empty');
is($redis->command('KEYS', 'pimap:{alice}:started:*')->[0], undef,
    '    no mark is left in Redis');
ok(scalar(grep { $_ eq 'MailboxCreate' } @events),
    '    the changes are published as events');

# An update that another bridge took but had not begun when it died

$bridge->stop();
$bridge = Pimap::Bridge->new(%$bridge);

update('d1', update => 'copy', mailbox => 'INBOX', uids => [1],
    to => 'INBOX');
my $entry = $redis->command('XREADGROUP', 'GROUP', 'pimap-bridge', 'dead-1',
    'COUNT', 1, 'STREAMS', 'pimap:updates', '>')->[0][1][0][0];
ok($entry, 'another bridge takes an update');
$bridge->start();
$result = result();
is_deeply([@$result{qw(update status)}], ['d1', 'done'],
    '    it dies: the update is claimed and carried out');

# An update that had been begun: its result is unknown

$bridge->stop();
$bridge = Pimap::Bridge->new(%$bridge);
update('d2', update => 'copy', mailbox => 'INBOX', uids => [1],
    to => 'INBOX');
$entry = $redis->command('XREADGROUP', 'GROUP', 'pimap-bridge', 'dead-2',
    'COUNT', 1, 'STREAMS', 'pimap:updates', '>')->[0][1][0][0];
$redis->command('SET', "pimap:{alice}:started:$entry", 'dead-2');
$bridge->start();
$result = result();
is_deeply([@$result{qw(update status)}], ['d2', 'unknown'],
    'a dead bridge had begun an update: unknown, not repeated');
is($bridge->metric('updates_unknown_total'), 1, '    counted in the metrics');
like($imap->command('NOOP') . $imap->command('UID SEARCH ALL'),
    qr/SEARCH 1 2 3 4 5\r/, '    the message is not copied again');

# A "store" with a condition would fail because of its own first time.

$bridge->stop();
$bridge = Pimap::Bridge->new(%$bridge);
update('d3', update => 'store', mailbox => 'INBOX', uids => [1],
    add => ['\Flagged'], unchangedSince => 1_000_000);
$entry = $redis->command('XREADGROUP', 'GROUP', 'pimap-bridge', 'dead-3',
    'COUNT', 1, 'STREAMS', 'pimap:updates', '>')->[0][1][0][0];
$redis->command('SET', "pimap:{alice}:started:$entry", 'dead-3');
$bridge->start();
is(result()->{status}, 'unknown',
    'a dead bridge had begun a conditional store: unknown, not repeated');

# Updates while the server is away

$dovecot->kill();
update('n1', update => 'store', mailbox => 'INBOX', uids => [3],
    add => ['\Flagged']);
$result = result();
is_deeply([@$result{qw(update status)}], ['n1', 'refused'],
    'the server is away: an update is refused after some time');
$dovecot->start();
update('n2', update => 'store', mailbox => 'INBOX', uids => [3],
    add => ['\Flagged']);
is(result()->{status}, 'done', 'the server is back: an update is done');

# A result is an event; the device is told if its content is too large.

$dovecot->deliver(to => 'alice', subject => 'long', body => $_ x 400)
    for 'twice ' x 10 . "\r\n", '""""' x 30 . "\r\n";
my @uids;

while (@uids < 2 && (my $event = $s->event())) {
    push(@uids, $event->{json}{uid}) if $event->{event} eq 'MessageNew';
}

update('f1', update => 'fetch', mailbox => 'INBOX', items => ['all'],
    uids => \@uids, max => 30_000);
my $messages = result()->{messages};
is(join(' ', map { $_->{truncated} ? 'truncated'
    : length($_->{message}) > 30_000 } @$messages), '1 truncated',
    'the second message has no room in the result: truncated');
update('f2', update => 'fetch', mailbox => 'INBOX', items => ['text'],
    uids => [$uids[1]], max => 40_000);
$result = result();
is("$result->{status} $result->{truncated}", 'done 1',
    'a message that is too large as JSON: truncated');
like($result->{detail}, qr/^the result has \d+ bytes, 65536 are possible/,
    '    the result says so');

# An account without a parked device

$redis->command('FCALL', 'pimap_update', 2, 'pimap:{bob}', 'pimap:updates',
    100, 'phone', 'x1', $t->json({ id => 'x1', update => 'mailbox',
        action => 'create', mailbox => 'Box' }));
my $bob = $dovecot->imap('bob');
ok($t->wait_for(sub { $bob->command('LIST "" Box') =~ /Box/ }, 'a mailbox'),
    'no device is parked: an update is done, too');

ok($t->wait_for(sub { waiting() == 0 }, 'an empty stream'),
    '    the stream is empty');
unlike($bridge->log(), qr/\[(?:alert|crit|emerg)\]/,
    'no error in the log of the bridge');
$bridge->stop();
ok($bridge->{process}->ended_well(), 'the bridge ends cleanly');
