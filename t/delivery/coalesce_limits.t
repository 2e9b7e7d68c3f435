#!/usr/bin/perl

# At most 16 events and 64 kB of an account are held to be merged.  What would
# exceed that is preceded by the held events, at once and in order.  A busy
# account stays within the limit, however many events are merged.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(mode => '',
    http => 'pimap_coalesce 10s; pimap_buffer 1m; pimap_max_event 128k;');
my $redis = $t->redis();

$t->plan(8);
$t->run();
$t->wait_ready();

my $s = live('alice');

held('alice', map { ["box$_", 10] } 1 .. 17);
is(uids($s, 17), join(' ', 1 .. 16), 'a 17th kind: the 16 before it come');
ok($s->quiet(0.3), '    it is held');

$s = live('bob');
held('bob', map { ["box$_", 20_000] } 1 .. 4);
is(uids($s, 4), '1 2 3', 'more than 64 kB: the held events come');
ok($s->quiet(0.3), '    the last is held');

$s = live('carol');
held('carol', ['Other', 10], map { ['INBOX', 2000] } 1 .. 200);
ok($s->quiet(0.5), '201 events of two kinds, 400 kB: none comes');
is($t->status()->{events}{coalesced}, 199, '    all but two were merged');
held('carol', ['Third', 70_000]);
is(uids($s, 3), '1 201 1', 'a single one of 70 kB: it comes after the others');
ok($s->quiet(0.3), '    and nothing else');


# A device that has got the event which opens a window.

sub live {
    my ($account) = @_;

    my $s = $t->park_live($account);

    held($account, ['First', 10]);
    $s->event();

    return $s;
}


# Events of mailboxes, [name, bytes], numbered.

sub held {
    my ($account, @events) = @_;

    my $uid = 0;

    $redis->together(sub { $redis->log($account, { event => 'FlagsSet',
        mailbox => $_->[0], uid => ++$uid, x => 'x' x $_->[1] })
        for @events });
}


sub uids {
    my ($s, $n) = @_;
    return join(' ', map { $_->{json}{uid} } $s->events($n, 2));
}
