#!/usr/bin/perl

# Updates on an IMAP session are carried out and seen by other clients. Invalid
# arguments are refused before a command is sent.

use strict;
use warnings;

use MIME::Base64;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dovecot;
use Pimap::ImapSession;

my $base = 'IMAP4rev1 SASL-IR ID ENABLE LIST-EXTENDED LIST-STATUS IDLE';

my @bad = (
    {}, { update => 'x', mailbox => 'INBOX' },
    { update => 'store', mailbox => 'INBOX', uids => [1] },
    { update => 'store', mailbox => 'INBOX', uids => [0], add => ['a'] },
    { update => 'store', mailbox => 'INBOX', uids => ['1'], add => ['a'] },
    { update => 'store', mailbox => 'INBOX', uids => [], add => ['a'] },
    { update => 'store', mailbox => 'INBOX', uids => [1 .. 1001],
        add => ['a'] },
    { update => 'store', mailbox => 'INBOX', uids => [1],
        add => ["a)\r\nx LOGOUT"] },
    { update => 'store', mailbox => 'INBOX', uids => [1], add => ['\Recent'] },
    { update => 'copy', mailbox => 'INBOX', uids => [1] },
    { update => 'copy', mailbox => 'INBOX', uids => [1], to => "a\r\nb" },
    { update => 'copy', mailbox => "a\0b", uids => [1], to => 'x' },
    { update => 'append', mailbox => 'INBOX', message => "a\0" },
    { update => 'append', mailbox => 'INBOX', message => 'x' x 1_100_000 },
    { update => 'mailbox', mailbox => 'x', action => 'LOGOUT' },
    { update => 'mailbox', mailbox => 'x', action => 'rename' },
    { update => 'mailbox', mailbox => '', action => 'create' },
    { update => 'fetch', mailbox => 'INBOX', uids => [1], part => '1] (X' },
    { update => 'fetch', mailbox => 'INBOX', uids => [1], items => ['x'] },
    { update => 'search', mailbox => 'INBOX', query => { x => 1 } },
    { update => 'search', mailbox => 'INBOX', query => { text => '' } },
    { update => 'search', mailbox => 'INBOX',
        query => { since => '2026-1-1' } },
    { update => 'search', mailbox => 'INBOX', query => { text => "a\nb" } },
);

my $t = Pimap->new();
$t->plan(2 * 34 + @bad);

test_server('Dovecot', undef);
test_server('one without MOVE, UIDPLUS, LITERAL+', $base);


sub test_server {
    my ($name, $capability) = @_;

    my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none',
        capability => $capability)->start();
    my $imap = $dovecot->imap();

    $imap->command('CREATE Lists');
    $dovecot->deliver(to => 'alice', subject => "mail $_",
        body => "text \xc3\xbc $_") for 1 .. 4;

    my $s = Pimap::ImapSession->new(t => $t, port => $t->port('imap'),
        options => { round => 2000 });
    ok($s->start()->wait_ready(), $name);

    done($s, 'flags', update => 'store', mailbox => 'INBOX', uids => [1, 2],
        add => ['\Seen', '$Work'], remove => ['\Flagged']);
    is_deeply($s->event('MessageRead')->{uids}, [1, 2],
        '    an event is published');
    like(flags($imap, 1), qr/(?=.*\\Seen)(?=.*\$Work)/,
        '    the flags are set');

    my $copy = done($s, 'copy', update => 'copy', mailbox => 'INBOX',
        uids => [1, 2], to => 'Lists');
    is_deeply($copy->{uids}, [1, 2], '    the result has the UIDs');
    is($s->event('MessageAppend')->{mailbox}, 'Lists',
        '    an event is published');

    done($s, 'move', update => 'move', mailbox => 'INBOX', uids => [3],
        to => 'Lists', uidvalidity => $s->states()->{INBOX}{uidvalidity});
    is($s->event($capability ? 'MessageTrash' : 'MessageExpunge')->{uids}[0],
        3, '    an event is published');

    my $deleted = done($s, 'delete', update => 'delete', mailbox => 'Lists',
        uids => [1]);
    is($deleted->{expunged} ? 1 : 0, $capability ? 0 : 1,
        '    expunged if the server can expunge one UID');

    done($s, 'append', update => 'append', mailbox => 'Lists',
        flags => ['\Draft'], message => "Subject: draft\n\nHi.\n");
    like($imap->command('STATUS Lists (MESSAGES)'),
        qr/MESSAGES @{[ $capability ? 4 : 3 ]}/, '    the message is there');

    done($s, 'create', update => 'mailbox', mailbox => "Entw\xfcrfe \"x\"",
        action => 'create');
    like($imap->command('LIST "" "Entw*"'), qr/Entw&APw-rfe/,
        '    the mailbox is there');
    done($s, 'rename', update => 'mailbox', mailbox => "Entw\xfcrfe \"x\"",
        action => 'rename', to => 'Plain');
    done($s, 'subscribe', update => 'mailbox', mailbox => 'Plain',
        action => 'subscribe');
    like($imap->command('LSUB "" "*"'), qr/Plain/,
        '    the mailbox is subscribed');
    done($s, 'unsubscribe', update => 'mailbox', mailbox => 'Plain',
        action => 'unsubscribe');

    # Dovecot ends a session whose selected mailbox is deleted

    my @ids = $s->ask({ update => 'search', mailbox => 'Plain', query => {} },
        { update => 'mailbox', mailbox => 'Plain', action => 'delete' });

    is($s->result($_)->{status}, 'done',
        'the selected mailbox is deleted: done')
        for @ids;

    my $fetched = done($s, 'fetch', update => 'fetch', mailbox => 'INBOX',
        uids => [4, 99], items => [qw(flags envelope headers text all)],
        part => '1');
    my $message = $fetched->{messages}[0];
    is(scalar(@{ $fetched->{messages} }), 1,
        '    a UID that does not exist is left out');
    is("$message->{uid} $message->{subject}", '4 mail 4', '    envelope');
    like($message->{headers}, qr/^Subject: mail 4\r$/m, '    headers');
    is($message->{text}, "text \xfc 4\r\n", '    decoded text');
    like(decode_base64($message->{message}), qr/^Subject: mail 4.*text/ms,
        '    the whole message');
    is(decode_base64($message->{part}), "text \xc3\xbc 4\r\n", '    a part');

    is_deeply(done($s, 'search', update => 'search', mailbox => 'INBOX',
        query => { body => "\xfc", subject => 'mail', seen => \1,
            since => '2020-01-31' })->{uids}, [1, 2],
            '    the messages are found');

    my $refused = $s->update(update => 'copy', mailbox => 'INBOX',
        uids => [1], to => 'nowhere');
    is($refused->{status}, 'refused', 'copy to an unknown mailbox: refused');
    like($refused->{detail}, qr/nowhere|exist/i,
        '    with the words of the server');
    is($s->update(update => 'store', mailbox => 'INBOX', uids => [1],
        uidvalidity => 1, add => ['\Flagged'])->{status}, 'refused',
        'another UIDVALIDITY: refused');

    test_bad($s) if !$capability;

    is($s->update(update => 'search', mailbox => 'INBOX',
        query => {})->{found}, $capability ? 4 : 3,
        'the session still answers');

    $s->stop();
    $imap->logout();
    $dovecot->stop();
    system('rm', '-rf', $dovecot->{dir});
}


sub test_bad {
    my ($s) = @_;

    for my $update (@bad) {
        my $result = $s->update(%$update);

        is($result && $result->{status}, 'invalid', 'bad: '
            . ($result ? $result->{detail} : ''));
    }
}


sub done {
    my ($s, $name, %update) = @_;

    my $result = $s->update(%update);

    is($result && $result->{status}, 'done', $name)
        or diag(explain($result));

    return $result;
}


sub flags {
    my ($imap, $uid) = @_;

    $imap->command('EXAMINE INBOX');

    return $imap->command("UID FETCH $uid (FLAGS)");
}
