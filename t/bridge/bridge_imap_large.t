#!/usr/bin/perl

# A mailbox that has more messages than the session remembers ("max_known").
# Each message that is expunged is told with its own UID, or with none if it is
# older.  New messages and flags of the newest ones are told as ever.

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
my $caps = 'IDLE LIST-EXTENDED LIST-STATUS';
my @idle = Pimap::FakeImap->until_login($caps);
my @qresync = Pimap::FakeImap->until_login("$caps ENABLE CONDSTORE QRESYNC");
my %large = (options => { max_known => 2, round => 60000 });

$t->plan(24);
$fake->start();

# Of 1 to 4, the session remembers 3 and 4.

$fake->script(@idle,
    ['serve', { INBOX => [5, 1, 2, 3, 4] }, 'IDLE'],
    ['say', flagged(1, 3) . "* 1 EXPUNGE\r\n* 2 EXPUNGE\r\n* 3 EXISTS\r\n"],
    ['serve', { INBOX => [5, 2, 4, 5] }, 'LOGOUT']);

my $s = session();

is($s->wait_ready(), 'IDLE', 'a mailbox with more messages: ready');
is(told($s), 'FlagsSet 3', '    flags: of a newest message only');
is(told($s), 'MessageExpunge -', '    an old one is expunged: without a UID');
is(told($s), 'MessageExpunge 3', '    a new one: its UID');
is(told($s), 'MessageNew 5', '    a message arrives');
is(told($s, 0.3), '-', '    nothing else');

# The next session has the state.

$fake->script(@idle,
    ['serve', { INBOX => [5, 2, 4, 5, 6] }, 'IDLE'],
    ['say', "* 3 EXPUNGE\r\n"],
    ['serve', { INBOX => [5, 2, 4, 6] }, 'LOGOUT']);
$s->restart();
is($s->wait_ready(), 'IDLE', 'another session: ready');
is(missed($s), 'MessageNew 6', '    what is new');
is(told($s), 'MessageExpunge 5', '    expunged later: its UID');
is(told($s, 0.3), '-', '    nothing else');

# Meanwhile an old one and a newest one were expunged.

$fake->script(@idle,
    ['serve', { INBOX => [5, 6] }, 'IDLE'], ['say', "* 1 EXPUNGE\r\n"],
    ['serve', { INBOX => [5] }, 'LOGOUT']);
$s->restart();
is($s->wait_ready(), 'IDLE', 'expunged between two sessions: ready');
is(missed($s), 'MessageExpunge 4', '    the newest one is told');
is(told($s), 'MessageExpunge 6', '    and the one after it');
is(told($s, 0.3), '-', '    nothing else');
$s->stop();

# VANISHED has UIDs, old ones as well.

$fake->script(@qresync,
    ['serve', { INBOX => [5, 1, 2, 3, 4] }, 'IDLE'],
    ['say', "* VANISHED 1,3\r\n* 3 EXISTS\r\n"],
    ['serve', { INBOX => [5, 2, 4, 5] }, 'IDLE'],
    ['say', flagged(1, 2)],
    ['serve', { INBOX => [5, 2, 4, 5] }, 'LOGOUT']);
$s = session();
is($s->wait_ready(), 'IDLE', 'QRESYNC: ready');
is(told($s), 'MessageExpunge 3', '    VANISHED: the UID that is remembered');
is(told($s), 'MessageNew 5', '    a message arrives');
is(told($s), 'FlagsSet 4', '    later numbers are right');
is(told($s, 0.3), '-', '    nothing else');
$s->stop();

# max_known 0: nothing is remembered

$fake->script(@idle,
    ['serve', { INBOX => [5, 1, 2] }, 'IDLE'],
    ['say', "* 2 EXPUNGE\r\n* 2 EXISTS\r\n"],
    ['serve', { INBOX => [5, 1, 3] }, 'LOGOUT']);
$s = session(options => { max_known => 0, round => 60000 });
is($s->wait_ready(), 'IDLE', 'max_known 0: ready');
is(told($s), 'MessageExpunge -', '    expunged: without a UID');
is(told($s), 'MessageNew 3', '    a message arrives');
is(told($s, 0.3), '-', '    nothing else');
$s->stop();

$fake->stop();
is($t->read_file($t->dir() . '/fakeimap.out'), '',
    'the fake server reports no error');


sub session {
    return Pimap::ImapSession->new(t => $t, port => $fake->port(), %large,
        @_)->start();
}


sub flagged { join('', map { "* $_ FETCH (FLAGS (\\Flagged))\r\n" } @_) }
sub told { text($_[0]->event(undef, $_[1])) }


# What the session published before it was ready.

sub missed { return join(', ', map { text($_) } $_[0]->published()) }


sub text {
    my $e = $_[0] || return '-';

    return "$e->{event} " . ($e->{uid} // join(',', @{ $e->{uids} // ['-'] }));
}
