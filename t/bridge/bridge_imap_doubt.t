#!/usr/bin/perl

# An IMAP server tells something at an odd time, or not at all. Flags by number
# while new messages are fetched, keywords that are not ASCII, and a STATUS
# that contradicts what the session knows lead to the right events.

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

$t->plan(6);
$fake->start();

sub idles { (['read', 'IDLE'], ['say', "+ x\r\n$_[0]"], ['read', 'DONE'],
    ['say', "TAG OK idle\r\n"]) }

sub message { "* $_[0] FETCH (UID $_[1] FLAGS ($_[2]) INTERNALDATE "
    . "\"24-Nov-2036 12:00:00 +0000\")\r\n" }

sub session {
    return Pimap::ImapSession->new(t => $t, port => $fake->port(),
        options => { @_ })->start();
}

# The next events, by name and UIDs

sub told {
    my ($s, $n) = @_;

    return join(', ', map { my $e = $s->event() // {};
        "$e->{event} " . ($e->{uid} // "@{ $e->{uids} // [] }") } 1 .. $n);
}

# Flags by number

$fake->script(Pimap::FakeImap->until_list('IDLE'), idles("* 3 EXISTS\r\n"),
    ['read', 'UID FETCH 3:\*'], ['say', "* 2 FETCH (FLAGS (\\Seen))\r\n"
    . message(3, 3, '') . "TAG OK x\r\n"], ['wait']);
my $s = session();
is(told($s, 2), 'MessageRead 2, MessageNew 3',
    'flags by number while a message is fetched: both are told');
$s->stop();

$fake->script(Pimap::FakeImap->until_list('IDLE'), idles("* 3 EXISTS\r\n"),
    ['read', 'UID FETCH 3:\*'], ['say', "* 1 EXPUNGE\r\n* 1 FETCH (FLAGS ("
    . "\\Seen))\r\n" . message(2, 3, '') . "TAG OK x\r\n"],
    ['read', 'UID FETCH 1:\* \(UID FLAGS\)'], ['say', message(1, 2, '\Seen')
    . message(2, 3, '') . "TAG OK x\r\n"], ['wait']);
$s = session();
is(told($s, 3), 'MessageNew 3, MessageRead 2, MessageExpunge 1',
    '    after an EXPUNGE: the flags are compared');
$s->stop();

# Keywords

$fake->script(Pimap::FakeImap->until_list('IDLE'), idles(
    "* 1 FETCH (FLAGS (Gr\xc3\xbcn \xfcx))\r\n* 2 FETCH (FLAGS (\xfcx [a))"
    . "\r\n* 2 FETCH (FLAGS (" . 'k' x 200 . "))\r\n"), ['wait']);
$s = session();
is_deeply([map { @{ $_->{flags} } } map { $s->event('FlagsSet') } 1, 2],
    ["Gr\xfcn", '[a'], 'keywords in UTF-8, and with a bracket: told');
$t->wait_for(sub { $s->line(sub { 0 }, 0.1);
    grep { ($_->{text} // '') =~ /kkk/ } $s->all() }, 'the log');
my @logs = grep { /is not watched/ } map { $_->{text} // '' } $s->all();
is(scalar(@logs), 2, '    others: the log names each, once');
like($logs[0], qr/mailbox "INBOX": the keyword "\?x"/, '    with the mailbox');
$s->stop();

# STATUS of the selected mailbox

$fake->script(Pimap::FakeImap->until_list('IDLE'), idles(''),
    ['read', 'LIST'], ['say', "* LIST () \"/\" INBOX\r\n* STATUS INBOX "
    . "(MESSAGES 2 UIDNEXT 5 UIDVALIDITY 5 UNSEEN 2)\r\nTAG OK\r\n"],
    ['read', 'EXAMINE'], ['say', "* 2 EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n"
    . "* OK [UIDNEXT 5] x\r\nTAG OK\r\n"],
    ['read', 'UID FETCH 3:\*'], ['say', message(1, 3, '') . message(2, 4, '')
    . "TAG OK x\r\n"],
    ['read', 'UID FETCH 1:\*'], ['say', message(1, 3, '') . message(2, 4, '')
    . "TAG OK x\r\n"], ['wait']);
$s = session(round => 500);
is(told($s, 2), 'MessageNew 3 4, MessageExpunge 1 2',
    'STATUS of INBOX contradicts: the bridge looks');
$s->stop();
