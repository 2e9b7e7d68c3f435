#!/usr/bin/perl

# What devices want to be done is done, in order and once, and they are told;
# also when the bridge that began it has died.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(28);
$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none', main => <<'END');
auth_master_user_separator = *
passdb {
  driver = static
  args = password=boss
  master = yes
}
END

$dovecot->start();
$dovecot->deliver(to => 'alice', subject => "mail $_") for 1 .. 3;

my $redis = $t->redis();
my $bridge = Pimap::Bridge->new(t => $t, server => 'master_user = "bridge"; '
    . 'master_password = "boss"; master_separator = "*";',
    updates => 'timeout = "3s";', sessions => 'backoff_max = "500ms";')
    ->start()->wait_healthy();

my $s = $t->park('alice', query => 'device=phone');
$s->read_until(qr/: parked\n\n/);
ok($bridge->watches(1), 'watched');

sub update {
    my ($id, %update) = @_;

    return $redis->command('FCALL', 'pimap_update', 2, 'pimap:{alice}',
        'pimap:updates', 100, 'phone', $id,
        $t->json({ id => $id, %update }))->[0];
}

# The next result that comes; other events come in between.

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

# One that can be repeated, one that can't

update('u1', update => 'store', mailbox => 'INBOX', uids => [1, 2],
    add => ['\Flagged']);
my $result = result();
is_deeply([@$result{qw(update status device)}], ['u1', 'done', 'phone'],
    'flags are set') or diag($t->json($result));

my $imap = $dovecot->imap();
$imap->command('SELECT INBOX');
is(join(' ', $imap->command('FETCH 1:3 FLAGS') =~ /(\d) FETCH.*Flagged/g),
    '1 2', 'as the server says');

update('u2', update => 'copy', mailbox => 'INBOX', uids => [1],
    to => 'INBOX');
is(result()->{status}, 'done', 'copied');
is(() = $imap->command('NOOP') . $imap->command('UID SEARCH ALL') =~ /\b4\b/,
    1, 'once');

# Those of one account are carried out in their order.

update("o$_", update => 'mailbox', action => 'create', mailbox => "Box$_")
    for 1 .. 5;
is(join(' ', map { result()->{update} // '?' } 1 .. 5), 'o1 o2 o3 o4 o5',
    'in order');
is(() = $imap->command('LIST "" Box*') =~ /Box\d/g, 5, 'five mailboxes');

# What is no update, and what the server refuses

update('b1', update => 'frobnicate');
is(result()->{status}, 'invalid', 'an unknown verb');
update('b2', update => 'store', mailbox => "IN\r\nBOX", uids => [1],
    add => ['\Seen']);
is(result()->{status}, 'invalid', 'a line break');
update('b3', update => 'copy', mailbox => 'INBOX', uids => [1],
    to => 'Nowhere');
$result = result();
is($result->{status}, 'refused', 'an unknown mailbox');
ok(length($result->{detail}), "with the server's words: $result->{detail}");
ok($t->wait_for(sub { waiting() == 0 }, 'an empty stream'),
    'nothing is left in the stream');
is($redis->command('KEYS', 'pimap:{alice}:started:*')->[0], undef,
    'nor a mark');
ok(scalar(grep { $_ eq 'MailboxCreate' } @events),
    'and its effects are events');

# One that another bridge took, and died: it was not begun

$bridge->stop();
$bridge = Pimap::Bridge->new(%$bridge);

update('d1', update => 'copy', mailbox => 'INBOX', uids => [1],
    to => 'INBOX');
my $entry = $redis->command('XREADGROUP', 'GROUP', 'pimap-bridge', 'dead-1',
    'COUNT', 1, 'STREAMS', 'pimap:updates', '>')->[0][1][0][0];
ok($entry, 'another bridge has it');
$bridge->start();
$result = result();
is_deeply([@$result{qw(update status)}], ['d1', 'done'],
    'claimed and carried out');

# And one that was begun: nobody knows

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
    'begun by a dead one: unknown, and not done again');
is($bridge->metric('updates_unknown_total'), 1, 'counted');
like($imap->command('NOOP') . $imap->command('UID SEARCH ALL'),
    qr/SEARCH 1 2 3 4 5\r/, 'no sixth message');

# One of many that comes while there is no session

$dovecot->kill();
update('n1', update => 'store', mailbox => 'INBOX', uids => [3],
    add => ['\Flagged']);
$result = result();
is_deeply([@$result{qw(update status)}], ['n1', 'refused'],
    'without the server it is refused after a while');
$dovecot->start();
update('n2', update => 'store', mailbox => 'INBOX', uids => [3],
    add => ['\Flagged']);
is(result()->{status}, 'done', 'and done when it is back');

# A result is an event: what has no room in it is told.

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
    'two messages are too long for one result');
update('f2', update => 'fetch', mailbox => 'INBOX', items => ['text'],
    uids => [$uids[1]], max => 40_000);
$result = result();
is("$result->{status} $result->{truncated}", 'done 1',
    'one that is too long when it is JSON');
like($result->{detail}, qr/^the result has \d+ bytes, 65536 are possible/,
    'that says so');

# Of an account without a device

$redis->command('FCALL', 'pimap_update', 2, 'pimap:{bob}', 'pimap:updates',
    100, 'phone', 'x1', $t->json({ id => 'x1', update => 'mailbox',
        action => 'create', mailbox => 'Box' }));
my $bob = $dovecot->imap('bob');
ok($t->wait_for(sub { $bob->command('LIST "" Box') =~ /Box/ }, 'a mailbox'),
    'without a parked device, too');

ok($t->wait_for(sub { waiting() == 0 }, 'an empty stream'), 'nothing left');
unlike($bridge->log(), qr/\[(?:alert|crit|emerg)\]/, 'nothing bad in its log');
$bridge->stop();
ok($bridge->{process}->ended_well(), 'it ends well');
