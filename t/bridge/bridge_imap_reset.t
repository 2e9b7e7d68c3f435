#!/usr/bin/perl

# What an IMAP server takes back: NOTIFY that overflows is asked for again,
# then done without, and what it has lost is looked for; a mailbox with another
# UIDVALIDITY is told as one, once; one that can't be selected is, later.

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

# What has happened until NOTIFY overflows is found by looking at everything.

$fake->script(@notify,
    ['serve', { INBOX => [5, 1], Lists => [6, 1] }, 'IDLE'], $overflow,
    ['serve', { INBOX => [5, 1], Lists => [6, 1, 2] }, 'IDLE'], $overflow,
    ['serve', { INBOX => [5, 1, 2], Lists => [6, 1, 2] }, 'IDLE'],
    ['serve', { INBOX => [5, 1, 2], Lists => [6, 1, 2, 3] }, 'IDLE'],
    ['serve', { INBOX => [5, 1, 2, 3], Lists => [6, 1, 2, 3] }, 'LOGOUT']);

my $s = session(options => { round => 1500 });

is($s->wait_ready(), 'NOTIFY', 'a server with NOTIFY');
is(told($s->event()), 'MessageNew Lists 2', 'it overflows: what is new since');
is(told($s->event()), 'MessageNew INBOX 2', 'once more');
is($fake->noted(qr/NOTIFY SET STATUS .*/), 2,
    '    it was asked for again, once');
is(told($s->event()), 'MessageNew Lists 3', '    and then looked in rounds');
is(told($s->event()), 'MessageNew INBOX 3', '    at INBOX, too');
is($fake->noted(qr/NOTIFY SET STATUS .*/), 2, '    without it');
is($fake->noted(qr/NOTIFY SET \(selected [^()]*\([^()]*\)\)/), 1,
    '    but for the selected one');
is_deeply([ map { $_->{text} =~ /NOTIFY (.*)/ ? $1 : () }
    grep { $_->{what} eq 'log' } $s->all() ],
    ['overflows again and is given up'], '    which is in the log');
is(scalar($s->published()), 4, 'each was published once');
$s->stop();

# What Dovecot says when it has lost some of what it was to tell

$fake->script(@notify,
    ['serve', { INBOX => [5, 1], Lists => [6, 1] }, 'IDLE'],
    ['say', "* NO NOTIFY error, some events may have got lost\r\n" x 9],
    ['serve', { INBOX => [5, 1], Lists => [6, 1, 2] }, 'LOGOUT']);

my $rounds = $fake->noted(qr/LIST .*/);
$s = session(options => { round => 24000 });

is($s->wait_ready(), 'NOTIFY', 'it has lost some');
is(told($s->event()), 'MessageNew Lists 2', '    which is found');
is($fake->noted(qr/LIST .*/) - $rounds, 2, '    by one round more');
$s->stop();

# Another UIDVALIDITY than in the session before

$fake->script(@idle,
    ['serve', { INBOX => [5, 1, 2], Lists => [6, 1] }, 'LOGOUT']);

$s = session();
is($s->wait_ready(), 'IDLE', 'a first session');
is(scalar($s->published()), 0, '    what is there is no event');

$fake->script(@idle,
    ['serve', { INBOX => [9, 1, 2, 3], Lists => [8, 1] }, 'LOGOUT']);
$s->restart();
is($s->wait_ready(), 'IDLE', 'the mailboxes are others now');
is_deeply([ map { told($_) } $s->published() ], ['MailboxResync INBOX',
    'MailboxDelete Lists', 'MailboxCreate Lists', 'MessageNew Lists 1'],
    '    INBOX is to be read anew, the other one is another');
is(($s->published())[0]{uidvalidity}, 9, '    with its new UIDVALIDITY');

$s->restart();
is($s->wait_ready(), 'IDLE', 'once more');
is(scalar($s->published()), 0, '    it is known');
$s->stop();

# and in the middle of one

$fake->script(@idle,
    ['serve', { INBOX => [9, 1, 2, 3], Lists => [8, 1] }, 'IDLE'],
    ['say', "* OK [UIDVALIDITY 10] rebuilt\r\n"],
    ['serve', { INBOX => [10, 1, 2], Lists => [8, 1] }, 'IDLE'],
    ['say', "* 3 EXISTS\r\n"],
    ['serve', { INBOX => [10, 1, 2, 3], Lists => [8, 1] }, 'IDLE'],
    ['serve', { INBOX => [10, 1, 2, 3], Lists => [11, 1] }, 'LOGOUT']);

$s->start(options => { round => 1500 });
is(told($s->event()), 'MailboxResync INBOX', 'another in the middle');
is(told($s->event()), 'MessageNew INBOX 3', '    goes on from there');
is(told($s->event()), 'MailboxDelete Lists', '    another mailbox');
is($s->states()->{INBOX}{uidvalidity}, 10, '    is what is stored');
$s->stop();

# A new one is gone before it is looked at, and made again: whatever is in it
# then is news, in a session that comes later, too.

my @made = ({ INBOX => [5, 1] }, { INBOX => [5, 1], New => [0] },
    { INBOX => [5, 1], New => [7, 1] });
my %quick = (options => { round => 500 });

$fake->script(@idle, ['serve', $made[0], 'IDLE'], ['serve', $made[1], 'IDLE'],
    ['serve', $made[2], 'LOGOUT']);
$s = session(%quick);
is(told($s->event()), 'MailboxCreate New', 'a mailbox, and nothing of it');
is(told($s->event()), 'MessageNew New 1', '    until later');
$s->stop();

$fake->script(@idle, ['serve', $made[0], 'IDLE'],
    ['serve', $made[1], 'LOGOUT']);
$s = session(%quick);
is(told($s->event()), 'MailboxCreate New', 'once more');
$fake->script(@idle, ['serve', $made[2], 'LOGOUT']);
$s->restart();
is($s->wait_ready(), 'IDLE', '    a session later');
is(join(' ', map { told($_) } $s->published()), 'MessageNew New 1',
    '    finds what is in it');
$s->stop();

# What has news but can't be selected is tried again.

$fake->script(@idle, ['serve', { INBOX => [5, 1], Lists => [6, 1] }, 'IDLE'],
    ['serve', { INBOX => [5, 1], Lists => [-6, 1, 2] }, 'IDLE'],
    ['serve', { INBOX => [5, 1], Lists => [6, 1, 2] }, 'LOGOUT']);
$s = session(%quick);
is($s->wait_ready(), 'IDLE', 'not now');
is(told($s->event()), 'MessageNew Lists 2', '    but in the next round');
$s->stop();

$fake->stop();
like($t->read_file($t->dir() . '/fakeimap.out'), qr/^$/, 'the fake is well');


sub session {
    return Pimap::ImapSession->new(t => $t, port => $fake->port(),
        @_)->start();
}


sub told {
    my ($event) = @_;
    return join(' ', grep { defined } @{ $event // {} }{qw(event mailbox)},
        $event->{uid}, $event->{uids} ? "@{ $event->{uids} }" : ());
}
