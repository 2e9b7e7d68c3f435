#!/usr/bin/perl

# The server carries out a part of an update.  What follows is left out for the
# messages that it has refused, and nothing is deleted that was not copied.

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
my @selected = (['read', 'SELECT'], ['say', "* 2 EXISTS\r\n"
    . "* OK [UIDVALIDITY 5] x\r\n* OK [UIDNEXT 3] x\r\nTAG OK in\r\n"]);

$t->plan(21);

# STORE of two messages, one of which has changed since

my $r = update('CONDSTORE', { update => 'store', uids => [1, 2],
    add => ['\Seen'], remove => ['\Flagged'], unchangedSince => 7 },
    @selected,
    ['read', 'UID STORE 1:2 \(UNCHANGEDSINCE 7\) \+FLAGS'],
    ['say', "TAG OK [MODIFIED 2] conditional\r\n"],
    ['read', 'UID STORE 1 -FLAGS'], ['say', "TAG OK stored\r\n"]);

is($r->{status}, 'done', 'one of two messages has changed: done');
is_deeply($r->{modified}, [2], '    it is named');

# The other way round: all have changed

$r = update('CONDSTORE', { update => 'store', uids => [1, 2],
    add => ['\Seen'], remove => ['\Flagged'], unchangedSince => 7 },
    @selected, ['read', 'UID STORE 1:2 '],
    ['say', "TAG OK [MODIFIED 1:2] conditional\r\n"]);
is($r->{status}, 'done', 'both have changed: done');
is_deeply($r->{modified}, [1, 2], '    they are named');

# MOVE on a server without it

$r = update('UIDPLUS', { update => 'move', uids => [1], to => 'Archive' },
    @selected, ['read', 'UID COPY 1 "?Archive'],
    ['say', "TAG NO [OVERQUOTA] full\r\n"]);
is($r->{status}, 'refused', 'a copy fails: the move is refused');
is($r->{code}, 'OVERQUOTA', '    with the reason');
is($r->{expunged}, undef, '    nothing is deleted');

$r = update('UIDPLUS', { update => 'move', uids => [1], to => 'Archive' },
    @selected, ['read', 'UID COPY 1 "?Archive'],
    ['say', "TAG OK [COPYUID 9 1 4] copied\r\n"],
    ['read', 'UID STORE 1 \+FLAGS'], ['say', "TAG NO locked\r\n"]);
is($r->{status}, 'unknown', 'it can not be marked after the copy: unknown');
is_deeply($r->{uids}, [4], '    the copy is named');

$r = update('UIDPLUS', { update => 'delete', uids => [1] }, @selected,
    ['read', 'UID STORE 1 \+FLAGS'], ['say', "TAG OK marked\r\n"],
    ['read', 'UID EXPUNGE 1'], ['say', "TAG NO locked\r\n"]);
is($r->{status}, 'unknown', 'marked and not expunged: unknown');
ok(defined $r->{expunged} && !$r->{expunged}, '    and not expunged');

$r = update('MOVE UIDPLUS', { update => 'move', uids => [1], to => 'Archive' },
    @selected, ['read', 'UID MOVE 1 "?Archive'],
    ['say', "* OK [COPYUID 9 1 4] x\r\nTAG NO locked\r\n"]);
is($r->{status}, 'unknown', 'MOVE fails in the middle: unknown');
is_deeply($r->{uids}, [4], '    the copy is named');

$r = update('', { update => 'store', uids => [1], add => ['\Seen'],
    remove => ['\Flagged'] }, @selected,
    ['read', 'UID STORE 1 \+FLAGS'], ['say', "TAG OK stored\r\n"],
    ['read', 'UID STORE 1 -FLAGS'], ['say', "TAG NO locked\r\n"]);
is($r->{status}, 'unknown', 'flags are added and not removed: unknown');

$r = update('UIDPLUS', { update => 'move', uids => [1], to => 'Archive' },
    @selected, ['read', 'UID COPY 1 "?Archive'], ['say', "TAG OK copied\r\n"],
    ['read', 'UID STORE 1 \+FLAGS'], ['say', "TAG OK marked\r\n"],
    ['read', 'UID EXPUNGE 1'], ['say', "* 1 EXPUNGE\r\nTAG OK gone\r\n"]);
is($r->{status}, 'done', 'all is carried out: done');
ok($r->{expunged}, '    expunged');

# Without UIDPLUS other messages would be expunged, too.

$r = update('', { update => 'delete', uids => [1] }, @selected,
    ['read', 'UID STORE 1 \+FLAGS'], ['say', "TAG OK marked\r\n"]);
is($r->{status}, 'done', 'no UIDPLUS: a message is marked');
ok(defined $r->{expunged} && !$r->{expunged}, '    and not expunged');

# The connection is lost in the middle.

$r = update('UIDPLUS', { update => 'move', uids => [1], to => 'Archive' },
    @selected, ['read', 'UID COPY 1 "?Archive'], ['close']);
is($r->{status}, 'unknown', 'the connection is lost: unknown');
is($r->{uids}, undef, '    without a copy');

$fake->stop();
is($t->read_file($t->dir() . '/fakeimap.out'), '',
    'the fake server reports no error');


# The result of an update, for which the server plays these steps.

sub update {
    my ($caps, $update, @steps) = @_;

    $fake->script(Pimap::FakeImap->until_list($caps), @steps, ['wait']);

    my $s = Pimap::ImapSession->new(t => $t, port => $fake->port(),
        options => { poll => 60000, round => 60000, answer => 5000 })->start();

    $s->wait_ready();

    my $result = $s->update(mailbox => 'INBOX', %$update);

    $s->stop();

    return $result;
}
