#!/usr/bin/perl

# Losses that an IMAP server announces. After an overflow the session sends
# NOTIFY again, then does without it, and looks for the lost events. A new
# UIDVALIDITY is published once. A mailbox that cannot be selected is tried
# again later.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::FakeImap;
use Pimap::ImapSession;

my $t = Pimap->new();
my $fake = Pimap::FakeImap->new(t => $t);

my @notify = Pimap::FakeImap->until_login(
    'IDLE NOTIFY LIST-EXTENDED LIST-STATUS');
my @idle = Pimap::FakeImap->until_login('IDLE LIST-EXTENDED LIST-STATUS');
my $overflow = ['say', "* OK [NOTIFICATIONOVERFLOW] too much\r\n"];

$t->plan(32);
$fake->start();

# A round over all mailboxes finds the changes made until NOTIFY overflows.

$fake->script(@notify,
    ['serve', { INBOX => [5, 1], Lists => [6, 1] }, 'IDLE'], $overflow,
    ['serve', { INBOX => [5, 1], Lists => [6, 1, 2] }, 'IDLE'], $overflow,
    ['serve', { INBOX => [5, 1, 2], Lists => [6, 1, 2] }, 'IDLE'],
    ['serve', { INBOX => [5, 1, 2], Lists => [6, 1, 2, 3] }, 'IDLE'],
    ['serve', { INBOX => [5, 1, 2, 3], Lists => [6, 1, 2, 3] }, 'LOGOUT']);

my $s = session(options => { round => 1500 });

is($s->wait_ready(), 'NOTIFY', 'the server has NOTIFY: the session uses it');
is(told($s->event()), 'MessageNew Lists 2',
    'NOTIFY overflows: the new message is found');
is(told($s->event()), 'MessageNew INBOX 2',
    'NOTIFY overflows again: the new message is found');
is($fake->noted(qr/NOTIFY SET STATUS .*/), 2,
    '    NOTIFY was sent again, once');
is(told($s->event()), 'MessageNew Lists 3',
    '    then rounds find the new message');
is(told($s->event()), 'MessageNew INBOX 3', '    in INBOX, too');
is($fake->noted(qr/NOTIFY SET STATUS .*/), 2,
    '    NOTIFY for all mailboxes is not sent again');
is($fake->noted(qr/NOTIFY SET \(selected [^()]*\([^()]*\)\)/), 1,
    '    NOTIFY for the selected mailbox is sent');
is_deeply([ map { $_->{text} =~ /NOTIFY (.*)/ ? $1 : () }
    grep { $_->{what} eq 'log' } $s->all() ],
    ['overflows again and is given up'], '    the log says so');
is(scalar($s->published()), 4, 'each message was published once');
$s->stop();

# Dovecot's message after it has lost notifications

$fake->script(@notify,
    ['serve', { INBOX => [5, 1], Lists => [6, 1] }, 'IDLE'],
    ['say', "* NO NOTIFY error, some events may have got lost\r\n" x 9],
    ['serve', { INBOX => [5, 1], Lists => [6, 1, 2] }, 'LOGOUT']);

my $rounds = $fake->noted(qr/LIST .*/);
$s = session(options => { round => 24000 });

is($s->wait_ready(), 'NOTIFY', 'the server has lost notifications');
is(told($s->event()), 'MessageNew Lists 2', '    the new message is found');
is($fake->noted(qr/LIST .*/) - $rounds, 2, '    by one more round');
$s->stop();

# Another UIDVALIDITY than in the previous session

$fake->script(@idle,
    ['serve', { INBOX => [5, 1, 2], Lists => [6, 1] }, 'LOGOUT']);

$s = session();
is($s->wait_ready(), 'IDLE', 'the first session is ready');
is(scalar($s->published()), 0, '    existing messages cause no event');

$fake->script(@idle,
    ['serve', { INBOX => [9, 1, 2, 3], Lists => [8, 1] }, 'LOGOUT']);
$s->restart();
is($s->wait_ready(), 'IDLE',
    'the mailboxes have a new UIDVALIDITY: the session is ready');
is_deeply([ map { told($_) } $s->published() ], ['MailboxResync INBOX',
    'MailboxDelete Lists', 'MailboxCreate Lists', 'MessageNew Lists 1'],
    '    INBOX gets a resync, the other mailbox is replaced');
is(($s->published())[0]{uidvalidity}, 9,
    '    the event has the new UIDVALIDITY');

$s->restart();
is($s->wait_ready(), 'IDLE', 'the session starts again');
is(scalar($s->published()), 0,
    '    the new UIDVALIDITY causes no second event');
$s->stop();

# Another UIDVALIDITY during a session

$fake->script(@idle,
    ['serve', { INBOX => [9, 1, 2, 3], Lists => [8, 1] }, 'IDLE'],
    ['say', "* OK [UIDVALIDITY 10] rebuilt\r\n"],
    ['serve', { INBOX => [10, 1, 2], Lists => [8, 1] }, 'IDLE'],
    ['say', "* 3 EXISTS\r\n"],
    ['serve', { INBOX => [10, 1, 2, 3], Lists => [8, 1] }, 'IDLE'],
    ['serve', { INBOX => [10, 1, 2, 3], Lists => [11, 1] }, 'LOGOUT']);

$s->start(options => { round => 1500 });
is(told($s->event()), 'MailboxResync INBOX',
    'UIDVALIDITY changes during a session: INBOX gets a resync');
is(told($s->event()), 'MessageNew INBOX 3',
    '    new messages are published after it');
is(told($s->event()), 'MailboxDelete Lists',
    '    the other mailbox is deleted');
is($s->states()->{INBOX}{uidvalidity}, 10,
    '    Redis has the new UIDVALIDITY');
$s->stop();

# A new mailbox is gone before the session looks at it, and is made again.
# Messages that are in it then are new, also for a later session.

my @made = ({ INBOX => [5, 1] }, { INBOX => [5, 1], New => [0] },
    { INBOX => [5, 1], New => [7, 1] });
my %quick = (options => { round => 500 });

$fake->script(@idle, ['serve', $made[0], 'IDLE'], ['serve', $made[1], 'IDLE'],
    ['serve', $made[2], 'LOGOUT']);
$s = session(%quick);
is(told($s->event()), 'MailboxCreate New',
    'a new mailbox is published without messages');
is(told($s->event()), 'MessageNew New 1',
    '    its message is published later');
$s->stop();

$fake->script(@idle, ['serve', $made[0], 'IDLE'],
    ['serve', $made[1], 'LOGOUT']);
$s = session(%quick);
is(told($s->event()), 'MailboxCreate New', 'a new mailbox is published again');
$fake->script(@idle, ['serve', $made[2], 'LOGOUT']);
$s->restart();
is($s->wait_ready(), 'IDLE', '    the next session is ready');
is(join(' ', map { told($_) } $s->published()), 'MessageNew New 1',
    '    and publishes its message');
$s->stop();

# A mailbox with new messages that cannot be selected is tried again.

$fake->script(@idle, ['serve', { INBOX => [5, 1], Lists => [6, 1] }, 'IDLE'],
    ['serve', { INBOX => [5, 1], Lists => [-6, 1, 2] }, 'IDLE'],
    ['serve', { INBOX => [5, 1], Lists => [6, 1, 2] }, 'LOGOUT']);
$s = session(%quick);
is($s->wait_ready(), 'IDLE',
    'a mailbox cannot be selected: the session is ready');
is(told($s->event()), 'MessageNew Lists 2',
    '    the next round publishes its message');
$s->stop();

$fake->stop();
like($t->read_file($t->dir() . '/fakeimap.out'), qr/^$/,
    'the fake server reports no error');


sub session {
    return Pimap::ImapSession->new(t => $t, port => $fake->port(),
        @_)->start();
}


sub told {
    my ($event) = @_;
    return join(' ', grep { defined } @{ $event // {} }{qw(event mailbox)},
        $event->{uid}, $event->{uids} ? "@{ $event->{uids} }" : ());
}
