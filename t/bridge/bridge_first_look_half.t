#!/usr/bin/perl

# A server leaves messages out of its answer to the first FETCH of a mailbox.
# The session learns of them later, and tells none of them as new, in this
# session or the next one.  A message that comes afterwards is new.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::FakeImap;
use Pimap::ImapSession;

my $t = Pimap->new();
my $fake = Pimap::FakeImap->new(t => $t)->start();
my $date = 'INTERNALDATE "24-Nov-2036 12:00:00 +0000"';

# The UIDs that FETCH answers at the first look, of three messages, and the
# UIDNEXT of SELECT and of STATUS.

my @cases = (
    ['the middle one', [1, 3], 4, 4],
    ['the newest one', [1, 2], 4, 4],
    ['the newest one, and UIDNEXT is told by STATUS only', [1, 2], 0, 4],
    ['all but the first one', [1], 4, 4],
    ['none, but UIDNEXT is far too large', [1 .. 3], 4294967295, 4294967295],
);

$t->plan(5 * @cases);

sub messages { join('', map { "* $_ FETCH (UID $_ FLAGS () $date)\r\n" } @_) }

sub inbox {
    my ($exists, $uidnext) = @_;

    return (['read', 'EXAMINE'], ['say', "* $exists EXISTS\r\n"
        . "* OK [UIDVALIDITY 5] x\r\n"
        . ($uidnext ? "* OK [UIDNEXT $uidnext] x\r\n" : '') . "TAG OK\r\n"]);
}

sub listed {
    my ($messages, $uidnext) = @_;

    return (Pimap::FakeImap->until_login('IDLE LIST-EXTENDED LIST-STATUS'),
        ['read', 'LIST'], ['say', "* LIST () \"/\" INBOX\r\n* STATUS INBOX "
            . "(MESSAGES $messages UIDNEXT $uidnext UIDVALIDITY 5 UNSEEN 0)"
            . "\r\nTAG OK\r\n"]);
}

# The same server, that is well again: it answers whatever it is asked.

sub well {
    my ($n) = @_;

    return ['serve', { INBOX => [5, 1 .. $n] }, 'IDLE'];
}

for my $case (@cases) {
    my ($name, $told, $select, $status) = @$case;

    $fake->script(listed(3, $status), inbox(3, $select),
        ['read', 'FETCH 1:'], ['say', messages(@$told) . "TAG OK\r\n"],
        well(3), ['read', 'DONE'], ['say', "TAG OK\r\n"], well(3),
        ['say', "* 4 EXISTS\r\n"], ['read', 'DONE'], ['say', "TAG OK\r\n"],
        well(4), ['wait']);

    my $s = Pimap::ImapSession->new(t => $t, port => $fake->port(),
        options => { quiet => 700, flags_round => 1 })->start();

    is($s->wait_ready(), 'IDLE', "$name: the session is ready");
    ok($t->wait_for(sub { $s->line(sub { 0 }, 0.1);
        ($s->states()->{INBOX}{known}{''} // '') eq '1:4' }),
        '    all are known in the end');
    is(told($s), 'MessageNew 4', '    the later one is new');

    # the next session

    $fake->script(listed(5, 6), well(5), ['wait']);
    $s->restart();
    is($s->wait_ready(), 'IDLE', '    the next session is ready');
    is(told($s), 'MessageNew 5', '    and tells what is new since then');
    $s->stop();
}


sub told {
    my ($s) = @_;

    return join(', ', map { my $e = $_;
        "$e->{event} " . ($e->{uid} // "@{ $e->{uids} // [] }") }
        grep { $_->{event} =~ /^Message/ } $s->published());
}
