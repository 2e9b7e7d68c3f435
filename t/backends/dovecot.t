#!/usr/bin/perl

# Changes in the mailboxes of Dovecot reach parked devices by pimap.lua:
# deliveries by LMTP; flags, copies, expunges and folders by IMAP.

use strict;
use warnings;
use utf8;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dovecot;

my $t = Pimap->new();
$t->plan(34);
$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t,
    url => 'http://127.0.0.1:' . $t->port('http') . '/publish')->start();

# Autocreation announces the INBOX once; wait until that is over.
my $imap = $dovecot->imap();
$imap->command('SELECT INBOX');

my $s = $t->park('alice');
ok($s->read_until(qr/^event: parked\n.*\n\n/m), 'the device is parked');
ok($t->subscribed('alice'), 'the worker has subscribed');

# The next event: its name and the given members.

sub event_is {
    my ($name, $members, $what) = @_;

    my $event = $s->event() // {};
    my %got = map { $_ => $event->{json}{$_} } keys(%$members);

    is_deeply([$event->{event}, \%got], [$name, $members], $what);

    return $event->{json};
}

# Deliveries

$dovecot->deliver(to => 'alice', subject => '=?utf-8?q?Gr=C3=BC=C3=9Fe?= "x"',
    body => "first\tline \\ \xff end", headers => [
        'Date: Tue, 24 Nov 2026 02:16:45 +0530', "Message-Id: <1\xff\@x>"]);

my $new = event_is('MessageNew', { mailbox => 'INBOX', uid => 1,
    subject => 'Grüße "x"', from => 'bob@example.net', flags => [],
    date => '2026-11-24T02:16:45+05:30', messageId => "<1\x{fffd}\@x>" },
    'a delivery');
my $validity = $new->{uidvalidity};

like($new->{preview}, qr/^first.line \\ \x{fffd} end$/, 'preview');
like($validity, qr/^\d+$/, 'uidvalidity');

$dovecot->deliver(to => 'alice', subject => "s$_") for 2, 3;
event_is('MessageNew', { uid => $_, subject => "s$_" }, "delivered $_")
    for 2, 3;

# Flags

my %inbox = (mailbox => 'INBOX', uidvalidity => $validity);
$imap->command('NOOP');

$imap->command('STORE 1:2 +FLAGS (\Flagged $Forwarded)');
event_is('FlagsSet', { %inbox, uids => [1, 2],
    flags => ['\Flagged', '$Forwarded'] }, 'flags set');

$imap->command('STORE 2 -FLAGS (\Flagged)');
event_is('FlagsClear', { %inbox, uids => [2], flags => ['\Flagged'] },
    'flag cleared');

$imap->command('STORE 1:3 +FLAGS (\Seen)');
event_is('MessageRead', { %inbox, uids => [1, 2, 3] }, 'read');

$imap->command('STORE 3 -FLAGS (\Seen)');
event_is('FlagsClear', { %inbox, uids => [3], flags => ['\Seen'] },
    'unread again');

$imap->command('FETCH 3 BODY[]');
event_is('MessageRead', { %inbox, uids => [3] }, 'FETCH sets a message read');

# Folders

$imap->command('CREATE "Entw&APw-rfe"');
event_is('MailboxCreate', { mailbox => 'Entwürfe' }, 'created');

$imap->command('SUBSCRIBE "Entw&APw-rfe"');
event_is('MailboxSubscribe', { mailbox => 'Entwürfe' }, 'subscribed');

$imap->command('UNSUBSCRIBE "Entw&APw-rfe"');
event_is('MailboxUnSubscribe', { mailbox => 'Entwürfe' }, 'unsubscribed');

$imap->command('RENAME "Entw&APw-rfe" Work');
event_is('MailboxRename', { mailbox => 'Work', oldMailbox => 'Entwürfe' },
    'renamed');

# Copies and moves

$imap->append('Work', "Subject: draft\r\n\r\ntext\r\n");
event_is('MessageAppend', { mailbox => 'Work', uid => 1,
    subject => 'draft' }, 'appended');

$imap->command('COPY 1 Work');
event_is('MessageAppend', { mailbox => 'Work', uid => 2,
    subject => 'Grüße "x"', flags => ['\Flagged', '\Seen', '$Forwarded'] },
    'copied');

$imap->command('MOVE 2 Work');
event_is('MessageAppend', { mailbox => 'Work', uid => 3 }, 'moved to');
event_is('MessageExpunge', { %inbox, uids => [2] }, 'moved from');

# Deletions

$imap->command('STORE 1 +FLAGS (\Deleted)');
event_is('MessageTrash', { %inbox, uids => [1] }, 'marked as deleted');

$imap->command('EXPUNGE');
event_is('MessageExpunge', { %inbox, uids => [1] }, 'expunged');

# Several events in one request

$imap->command('SELECT Work');
$imap->command('STORE 1:3 +FLAGS (\Deleted \Answered)');
event_is('FlagsSet', { uids => [1, 2, 3], flags => ['\Answered'] },
    'answered');
event_is('MessageTrash', { mailbox => 'Work', uids => [1, 2, 3] },
    'and marked as deleted');

$imap->command('CLOSE');
event_is('MessageExpunge', { mailbox => 'Work', uids => [1, 2, 3] },
    'CLOSE expunges');

$imap->command('DELETE Work');
event_is('MailboxDelete', { mailbox => 'Work' }, 'deleted');

# Many messages: fifty events with content, then UIDs, a thousand an event

$imap->command('SELECT INBOX');
$imap->command('CREATE Many');
$s->event();
$imap->append('INBOX', "Subject: m$_\r\n\r\ntext\r\n") for 1 .. 10;
$s->event() for 1 .. 10;
$imap->command('NOOP');
$imap->command('COPY 1:* Many');
$s->event() for 1 .. 11;
$imap->command('SELECT Many');

my @events;

for my $n (11, 22, 44, 88, 176, 352, 704) {
    $imap->command('COPY 1:* Many');
    $imap->command('NOOP');
    @events = map { $s->event()->{json} } 1 .. ($n > 50 ? 51 : $n);
}

my $rest = pop(@events);
my @uids = map { $_->{uid} } @events;

is(scalar(grep { $_->{subject} } @events), 50,
    'many copies: fifty events have content');
is_deeply(\@uids, [sort { $a <=> $b } @uids], '    all UIDs come in order');
is_deeply([sort { $a <=> $b } @uids, @{ $rest->{uids} }], [705 .. 1408],
    '    the other events have only the UID');

$imap->command('STORE 1:* +FLAGS (\Flagged)');
event_is('FlagsSet', { uids => [1 .. 1000] },
    'a flag on many messages: the first thousand UIDs');
event_is('FlagsSet', { uids => [1001 .. 1408] }, '    the other UIDs');

$imap->logout();

ok($s->quiet(0.2), 'no other event comes');
unlike($dovecot->log(), qr/pimap: /, 'no failure in the log');
is($t->status()->{events}{invalid}, 0, 'no event is invalid');
