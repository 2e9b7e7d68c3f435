#!/usr/bin/perl

# A rename takes its time in some servers: for a moment the new name can't be
# selected.  The session publishes a rename, and nothing else.

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

my @boxes = (INBOX => [5, 1], Folder => []);
my %old = (@boxes, Work => [8, 1, 2]);
my %new = (@boxes, Play => [8, 1, 2]);
my %half = (@boxes, Play => []);
my %gone = @boxes;

# What LIST has in each round, and the events.

my @cases = (
    ['the new name at once', [\%new, \%new], 'MailboxRename Play Work'],
    ['no name for a moment', [\%gone, \%new], 'MailboxRename Play Work'],
    ['a name that can not be selected', [(\%half) x 3, \%new],
        'MailboxRename Play Work'],
    ['first both names', [{ %half, %old, Play => [] }, \%half, \%half,
        \%new], 'MailboxRename Play Work'],
    ['such a name to stay', [(\%half) x 6], 'MailboxDelete Work -'],
    ['such a name as ever', [\%gone, \%gone], 'MailboxDelete Work -'],
);

$t->plan(2 * @cases);
$fake->start();

for my $case (@cases) {
    my ($name, $rounds, $events) = @$case;
    my @wanted = split(/, /, $events);

    $fake->script(
        Pimap::FakeImap->until_login('IDLE LIST-EXTENDED LIST-STATUS'),
        ['serve', \%old, 'IDLE'],
        map({ ['serve', $_, 'LIST'] } @$rounds),
        ['serve', $rounds->[-1], 'LOGOUT']);

    my $s = Pimap::ImapSession->new(t => $t, port => $fake->port(),
        options => { round => 400 })->start();

    is($s->wait_ready(), 'IDLE', "$name: the session is ready");
    is(join(', ', map { my $e = $s->event() // {}; join(' ',
        map { $e->{$_} // '-' } qw(event mailbox oldMailbox)) } @wanted),
        $events, '    the events');
    $s->stop();
}
