#!/usr/bin/perl

# The torture test with a cluster: masters are killed and fail over, slots move
# while their accounts get events, a node comes and leaves, a master can't be
# reached, and a replica gets all data again.  Each device gets every event
# once and in order, or a resync.  ("make torture" does the same for a minute.)

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap::Torture;

use constant TROUBLES => qw(move failover cut switch restart nodes resync
    subscribers commanders worker reload);

# Seconds, by docs/operations.md.
use constant SOON => 3;

my %small = (rate => 200, accounts => 40, devices => 80, pause => 0.2,
    stay => 2, away => 0.5);
my $torture = Pimap::Torture->new(%small, seconds => 30, cluster => 1);

$torture->{t}->plan(6);

my $verdict = $torture->run();
my @faults = $verdict->faults();

note($_) for $torture->report($verdict);

my $figures = $verdict->figures();
my %counts = $torture->{trouble}->counts();

is($figures->{lost}, 0, 'no event is lost without a resync');
is(join("\n", @faults > 20 ? (@faults[0 .. 19], '...') : @faults), '',
    'every device got each event once and in order, or a resync');
is(join(' ', grep { !$counts{$_} } TROUBLES), '', 'all troubles happened');
cmp_ok($figures->{events}, '>', $figures->{published} / 2, 'events came');
cmp_ok($figures->{starts}, '>', $small{devices}, 'devices came back');
cmp_ok($torture->{trouble}->slowest(), '<', SOON * ($ENV{PIMAP_ASAN} ? 2 : 1),
    'all accounts are subscribed soon after the cluster is whole');
