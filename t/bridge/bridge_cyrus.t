#!/usr/bin/perl

# An IMAP session of the bridge with Cyrus. Changes in its mailboxes are
# published once, also those that were missed, and updates are carried out.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Cyrus;
use Pimap::ImapSession;

my %kinds = (
    'QRESYNC'   => '',
    'CONDSTORE' => 'suppress_capabilities: QRESYNC',
    'neither'   => "imapidlepoll: 0\nsuppress_capabilities: QRESYNC CONDSTORE "
        . 'LIST-STATUS LIST-EXTENDED ENABLE MOVE UIDPLUS NOTIFY',
);

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(28 * keys(%kinds) + 17);
$t->run();

for my $name (sort(keys(%kinds))) {
    my $cyrus = Pimap::Cyrus->new(t => $t, imapd => $kinds{$name})->start()
        ->add('alice');

    my $how = $name eq 'neither' ? 'polling' : $cyrus->imap()
        ->command('CAPABILITY') =~ /\b(NOTIFY)\b/ ? $1 : 'IDLE';

    test_events($cyrus, $name, $how);
    test_updates($cyrus, $how) if $name eq 'QRESYNC';
    test_bridge($cyrus) if $name eq 'QRESYNC';

    $cyrus->stop();
    system('rm', '-rf', $cyrus->{dir});
}


# Cyrus 3.10 can't switch IDLE off: IMAP_WITHOUT_IDLE of the bridge is 2.

sub session {
    my ($how, %set) = @_;

    return Pimap::ImapSession->new(t => $t, port => $t->port('imap'),
        options => { poll => 100, round => 200, flags_round => 300,
            without => $how eq 'polling' ? 2 : 0 }, %set);
}


sub test_events {
    my ($cyrus, $name, $how) = @_;

    my $imap = $cyrus->imap();

    $imap->command("CREATE $_") for 'Lists', '"Entw&APw-rfe"';
    $cyrus->deliver(to => 'alice', subject => "old $_") for 1 .. 3;
    $imap->command('SELECT INBOX');
    $imap->command('STORE 1 +FLAGS (\Seen)');

    my $s = session($how);

    is($s->start()->wait_ready(), $how, "$name: watches by $how");
    is(scalar($s->published()), 0, '    existing mail is not published');

    # In INBOX

    $cyrus->deliver(to => 'alice', from => 'bob@example.net',
        subject => '=?utf-8?Q?Gr=C3=BC=C3=9Fe?=', body => 'Lunch at noon?');
    is_next($s, 'a delivery', event => 'MessageNew', mailbox => 'INBOX',
        uid => 4, subject => "Gr\xfc\xdfe", from => 'bob@example.net',
        preview => 'Lunch at noon?', messages => 4, unseen => 3);

    $imap->command('NOOP');
    $imap->command('STORE 2:3 +FLAGS (\Seen)');
    is_next($s, 'read', event => 'MessageRead', uids => [2, 3]);
    $imap->command('STORE 2 +FLAGS ($Work)');
    is_next($s, 'a keyword is set', event => 'FlagsSet', uids => [2],
        flags => ['$Work']);
    $imap->command('STORE 2 -FLAGS ($Work)');
    is_next($s, 'a keyword is cleared', event => 'FlagsClear', uids => [2],
        flags => ['$Work']);
    $imap->command('STORE 3 +FLAGS (\Deleted)');
    is_next($s, 'a message is marked', event => 'MessageTrash', uids => [3]);
    $imap->command('EXPUNGE');
    is_next($s, 'it is expunged', event => 'MessageExpunge', uids => [3]);

    # In another mailbox

    $imap->command('COPY 1 Lists');
    is_next($s, 'a copy', event => 'MessageAppend', mailbox => 'Lists',
        uid => 1, subject => 'old 1', flags => ['\Seen']);
    $imap->command('MOVE 2 Lists');
    is_moved($s, 'old 2');
    $imap->command('SELECT Lists');
    $imap->command('STORE 1 -FLAGS (\Seen)');
    is_next($s, 'unread again', event => 'FlagsClear', mailbox => 'Lists',
        uids => [1], flags => ['\Seen']);
    $imap->append('Entw&APw-rfe', "Subject: draft\r\n\r\ntext\r\n");
    is_next($s, 'a name in UTF-8', mailbox => "Entw\xfcrfe", uid => 1);

    # Mailboxes.  One of the same second has the same UIDVALIDITY.
    my $now = time();
    $t->wait_for(sub { time() > $now });
    $imap->command('CREATE Work');
    is_next($s, 'create', event => 'MailboxCreate', mailbox => 'Work');

    # (SUBSCRIBE fails while another process of Cyrus has the list open)
    $t->wait_for(sub { eval { $imap->command('SUBSCRIBE Work'); 1 } });
    is_next($s, 'it is subscribed', event => 'MailboxSubscribe',
        mailbox => 'Work');
    $imap->command('RENAME Work Play');
    is_next($s, 'it is renamed', event => 'MailboxRename', mailbox => 'Play',
        oldMailbox => 'Work');
    is_next($s, 'the new name is not subscribed',
        event => 'MailboxUnSubscribe', mailbox => 'Play');
    $imap->command('DELETE Play');
    is_next($s, 'it is deleted', event => 'MailboxDelete', mailbox => 'Play');
    is_deeply([$s->events(1)], [], '    nothing else is published');

    # The selected mailbox is deleted and made again

    $imap->command('DELETE Lists');
    is_next($s, 'the selected mailbox is deleted', event => 'MailboxDelete',
        mailbox => 'Lists');
    $imap->command('CREATE Lists');
    is_next($s, 'made again', event => 'MailboxCreate', mailbox => 'Lists');

    # While the session and the server are stopped

    $s->stop('KILL');
    $cyrus->miss($imap);
    $cyrus->stop();
    $cyrus->start();

    is($s->start()->wait_ready(), $how,
        '    restarted with the server, the session is ready');
    $s->is_missed(4);

    is($s->restart()->wait_ready(), $how,
        '    restarted, the session is ready');
    is(scalar($s->published()), 0, '    nothing is published twice');

    $s->stop();
}


sub test_updates {
    my ($cyrus, $how) = @_;

    my $imap = $cyrus->add('bob')->imap('bob');

    $imap->command('CREATE Lists');
    $cyrus->deliver(to => 'bob', subject => "mail $_") for 1 .. 3;

    # an administrator may log in as each user

    my $s = session($how, user => 'cyrus', authzid => 'bob')->start();

    is($s->wait_ready(), $how,
        'an administrator with a SASL authzid: the session is ready');

    my %in = (mailbox => 'INBOX');

    done($s, store => %in, uids => [1], add => ['\Seen', '$Work']);
    is_next($s, 'read', event => 'MessageRead', uids => [1]);
    is_next($s, 'flags', event => 'FlagsSet', uids => [1],
        flags => ['$Work']);
    is_deeply(done($s, copy => %in, uids => [1, 2], to => 'Lists')->{uids},
        [1, 2], '    the result has the UIDs');
    is_deeply(done($s, move => %in, uids => [2], to => 'Lists')->{uids}, [3],
        '    the result has the UID');
    is(done($s, append => mailbox => 'Lists', flags => ['\Draft'],
        message => "Subject: draft\n\nHi.\n")->{uids}[0], 4, '    its UID');
    ok(done($s, delete => %in, uids => [3])->{expunged},
        '    the messages are expunged');
    done($s, mailbox => mailbox => "Entw\xfcrfe", action => 'create');
    is(done($s, search => mailbox => 'Lists', query => { subject => 'draft' })
        ->{uids}[0], 4, '    the message is found');

    $s->stop();
}


# From end to end. An administrator is the master user. The interval of the
# rounds is too long to stand in for IDLE.

sub test_bridge {
    my ($cyrus) = @_;

    my $bridge = Pimap::Bridge->new(t => $t, server =>
        'master_user = "cyrus"; master_password = "x";')
        ->start()->wait_healthy();
    my $device = $t->park('alice');

    ok($bridge->watches(1), 'a device is parked: the account is watched');
    $cyrus->deliver(to => 'alice', subject => 'all the way');
    is(($device->event() // {})->{json}{subject}, 'all the way',
        '    new mail: the device gets an event');
    $bridge->stop();
}


sub done {
    my ($s, $verb, %update) = @_;

    my $result = $s->update(update => $verb, %update);

    is($result && $result->{status}, 'done', $verb)
        or diag(explain($result));

    return $result;
}


# Checks that the next event has these members.

sub is_next {
    my ($s, $name, %its) = @_;

    my $event = $s->event() // {};

    is_deeply({ map { $_ => $event->{$_} } keys(%its) }, \%its, "    $name")
        or diag(explain($event));
}


# The events of a MOVE, in two mailboxes and in any order. The message may be
# seen as deleted in the first mailbox before it is gone.

sub is_moved {
    my ($s, $subject) = @_;

    my %text;

    while (keys(%text) < 2 && (my $event = $s->event())) {
        $text{$event->{mailbox}} = join(' ', $event->{event},
            $event->{subject} // @{ $event->{uids} })
            if $event->{event} ne 'MessageTrash';
    }

    is_deeply(\%text, { INBOX => 'MessageExpunge 2',
        Lists => "MessageAppend $subject" }, '    the message is moved');
}
