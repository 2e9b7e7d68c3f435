#!/usr/bin/perl

# An IMAP session of the bridge publishes the changes in the mailboxes of a
# Dovecot by whatever extensions the server has. After a restart it publishes
# the changes it has missed, each once.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dovecot;
use Pimap::ImapSession;

my $base = 'IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE LITERAL+ UIDPLUS '
    . 'LIST-EXTENDED LIST-STATUS SPECIAL-USE MOVE';

my %servers = (
    'NOTIFY+QRESYNC'   => [undef, 'NOTIFY'],
    'IDLE+CONDSTORE'   => ["$base IDLE CONDSTORE", 'IDLE'],
    'IDLE'             => ["$base IDLE", 'IDLE'],
    'nothing'          => ['IMAP4rev1', 'polling'],
);

my @names = split(/,/, $ENV{PIMAP_SERVERS}
    // join(',', sort(keys(%servers))));

my $t = Pimap->new();
$t->plan(30 * @names);

test_server($_, @{ $servers{$_} }) for @names;


sub test_server {
    my ($name, $capability, $how) = @_;

    my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none',
        capability => $capability)->start();
    my $imap = $dovecot->imap();

    $imap->command('CREATE Lists');
    $imap->command('CREATE "Entw&APw-rfe"');
    $dovecot->deliver(to => 'alice', subject => "old $_") for 1 .. 3;
    $imap->command('SELECT INBOX');
    $imap->command('STORE 1 +FLAGS (\Seen)');

    my $s = Pimap::ImapSession->new(t => $t, port => $t->port('imap'),
        again => 1,
        options => { poll => 300, round => 600, flags_round => 900 });

    is($s->start()->wait_ready(), $how, "$name: watches by $how");
    is(scalar($s->published()), 0, '    existing mail is not published');

    # In INBOX

    $dovecot->deliver(to => 'alice', from => 'bob@example.net',
        subject => '=?utf-8?Q?Gr=C3=BC=C3=9Fe?=', body => 'Lunch at noon?');

    my $new = $s->event();
    is($new->{event}, 'MessageNew', '    a delivery is published');
    is($new->{mailbox}, 'INBOX', '    its mailbox');
    is($new->{uid}, 4, '    its UID');
    is($new->{subject}, "Gr\xfc\xdfe", '    its subject');
    is($new->{from}, 'bob@example.net', '    its sender');
    is($new->{preview}, 'Lunch at noon?', '    its text');
    is("$new->{messages} $new->{unseen}", '4 3', '    its counts of messages');

    $imap->command('NOOP');
    $imap->command('STORE 2:3 +FLAGS (\Seen)');
    is_deeply(uids($s, 'MessageRead'), [2, 3], '    messages are read');

    $imap->command('STORE 2 +FLAGS (\Flagged $Work)');
    my $set = $s->event();
    is_deeply([$set->{event}, $set->{uids}, [sort @{ $set->{flags} }]],
        ['FlagsSet', [2], ['$Work', '\Flagged']], '    flags are set');

    $imap->command('STORE 2 -FLAGS ($Work)');
    my $clear = $s->event();
    is_deeply([@{$clear}{qw(event uids flags)}],
        ['FlagsClear', [2], ['$Work']], '    flags are cleared');

    $imap->command('STORE 3 +FLAGS (\Deleted)');
    is_deeply(uids($s, 'MessageTrash'), [3], '    a message is marked');

    $imap->command('EXPUNGE');
    is_deeply(uids($s, 'MessageExpunge'), [3], '    a message is expunged');

    # In another mailbox

    $imap->command('COPY 1 Lists');
    my $copy = $s->event();
    is_deeply([@{$copy}{qw(event mailbox uid subject flags)}],
        ['MessageAppend', 'Lists', 1, 'old 1', ['\Seen']],
        '    a copy is published');

    $imap->command('SELECT Lists');
    $imap->command('STORE 1 -FLAGS (\Seen)');
    my $unread = $s->event();
    is_deeply([@{$unread}{qw(event mailbox uids flags)}],
        ['FlagsClear', 'Lists', [1], ['\Seen']],
        '    a message is unread again');

    $imap->append("Entw&APw-rfe", "Subject: draft\r\n\r\ntext\r\n");
    my $draft = $s->event();
    is_deeply([@{$draft}{qw(event mailbox uid)}],
        [$draft->{event}, "Entw\xfcrfe", 1],
        '    a name in UTF-8 is published');

    # Mailboxes

    $imap->command('CREATE Work');
    is_deeply([@{ $s->event() }{qw(event mailbox)}],
        ['MailboxCreate', 'Work'], '    a mailbox is created');
    $imap->command('SUBSCRIBE Work');
    is_deeply([@{ $s->event() }{qw(event mailbox)}],
        ['MailboxSubscribe', 'Work'], '    it is subscribed');
    $imap->command('RENAME Work Play');
    is_deeply([@{ $s->event() }{qw(event mailbox oldMailbox)}],
        ['MailboxRename', 'Play', 'Work'], '    it is renamed');
    $imap->command('DELETE Play');
    is_deeply([@{ $s->event('MailboxDelete') }{qw(event mailbox)}],
        ['MailboxDelete', 'Play'], '    it is deleted');
    is(scalar($s->events()), 0, '    nothing else is published');

    # While the session is stopped

    $s->stop('KILL');
    $dovecot->miss($imap);

    is($s->start()->wait_ready(), $how, '    the session starts again');
    $s->is_missed(2);

    is($s->restart()->wait_ready(), $how,
        '    restarted, the session is ready');
    is(scalar($s->published()), 0, '    nothing is published twice');

    $s->stop();
    $imap->logout();
    $dovecot->stop();
    system('rm', '-rf', $dovecot->{dir});
}


sub uids {
    my ($s, $name) = @_;

    my $event = $s->event($name);

    return $event && $event->{uids};
}
